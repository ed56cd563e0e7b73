/* SPDX-License-Identifier: MIT */
/* cbtm status: how every dataset of every system stands. */
#include "commands/command.h"
#include "commands/pipeline.h"
#include "pipeline/plan.h"
#include <stdio.h>

struct options {
	struct pipeline_options pipeline;
};
static const struct cbtm_param options[] = { PIPELINE_ROWS(struct options), CBTM_PARAM_END };

static int run(const void *values, char **arguments, int n, struct cbtm_error *e)
{
	const struct options *o = values;
	struct buffer out = { 0 };
	struct run r;

	if (!pipeline_open(&o->pipeline, arguments, n, &r, e) && !plan_status(&r, &out, e))
		fputs(out.data, stdout);
	buffer_free(&out);
	run_close(&r);
	return e->name;
}

const struct command command_status = {
	.name = "status",
	.sentence = "Show what is fresh, stale, running or partial in every system",
	.arguments = "[PIPELINE]",
	.options = options,
	.options_size = sizeof(struct options),
	.example = "cbtm status pipeline.yaml",
	.run = run,
};
