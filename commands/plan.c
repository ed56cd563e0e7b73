/* SPDX-License-Identifier: MIT */
/* cbtm plan: what `cbtm run` would do, and why. */
#include "pipeline/plan.h"
#include "base/processors.h"
#include "commands/command.h"
#include "commands/pipeline.h"
#include "pipeline/estimate.h"
#include <limits.h>
#include <stdio.h>

struct options {
	struct pipeline_options pipeline;
	struct run_selection select;
	uint64_t jobs;
	int commands;
};
static const struct cbtm_param options[] = {
	PIPELINE_ROWS(struct options),
	{ "from", CBTM_PARAM_TEXT, offsetof(struct options, select.from), "", 0, 0, NULL,
	  "this stage and those behind it", 0, 0 },
	{ "only", CBTM_PARAM_TEXT, offsetof(struct options, select.only), "", 0, 0, NULL,
	  "this stage alone", 0, 0 },
	{ "force", CBTM_PARAM_TEXT, offsetof(struct options, select.force), "", 0, 0, NULL,
	  "this stage again, even if it is done", 0, 0 },
	{ "jobs", CBTM_PARAM_COUNT, offsetof(struct options, jobs), "0", 0, 1024, NULL,
	  "tasks at the same time, whose memory adds up; 0: one a processor", 0, 0 },
	{ "commands", CBTM_PARAM_BOOL, offsetof(struct options, commands), "false", 0, 0, NULL,
	  "print the command lines of the tasks, to do them by hand", 0, 0 },
	CBTM_PARAM_END
};

static int run(const void *values, char **arguments, int n, struct cbtm_error *e)
{
	const struct options *o = values;
	struct buffer out = { 0 };
	struct estimate estimate = { 0 };
	struct run r;
	char bin[PATH_MAX];

	if (pipeline_open(&o->pipeline, arguments, n, &r, e) || run_select(&r, &o->select, e) ||
	    pipeline_bin(bin, sizeof bin, e))
		goto done;
	if (o->commands ? plan_commands(&r, bin, 0, &out, e) : plan_print(&r, &out, e))
		goto done;
	if (!o->commands &&
	    (estimate_make(&r, o->jobs ? (unsigned)o->jobs : processors_available(), &estimate, e) ||
	     estimate_print(&estimate, true, &out, e)))
		goto done;
	fputs(out.data ? out.data : "", stdout);
done:
	estimate_free(&estimate);
	buffer_free(&out);
	run_close(&r);
	return e->name;
}

const struct command command_plan = {
	.name = "plan",
	.sentence = "Say what cbtm run would do, and why",
	.arguments = "[PIPELINE]",
	.options = options,
	.options_size = sizeof(struct options),
	.example = "cbtm plan pipeline.yaml --set cluster.k=8",
	.run = run,
};
