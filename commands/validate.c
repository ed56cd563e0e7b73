/* SPDX-License-Identifier: MIT */
/* cbtm validate: everything that is wrong with a pipeline, at once, without running anything. */
#include "commands/command.h"
#include "commands/pipeline.h"
#include <stdio.h>

struct options {
	struct pipeline_options pipeline;
};
static const struct cbtm_param options[] = { PIPELINE_ROWS(struct options), CBTM_PARAM_END };

static int run(const void *values, char **arguments, int n, struct cbtm_error *e)
{
	const struct options *o = values;
	struct pipeline_request request = { n ? arguments[0] : "pipeline.yaml", o->pipeline.set,
		                                o->pipeline.work, o->pipeline.plugin_path };
	struct problems problems = { 0 };
	struct pipeline *p = NULL;

	if (n > 1)
		return error_set(e, CBTM_ERR_USAGE, arguments[1], "one pipeline at a time");
	if (!pipeline_load(&request, stage_registry, &p, &problems, e) &&
	    !pipeline_refuse(request.file, &problems, e))
		printf("%s: fine: %zu system%s\n", request.file, p->systems, p->systems == 1 ? "" : "s");
	if (problems.n)
		fputs(problems.text.data, stderr);
	pipeline_free(p);
	problems_free(&problems);
	return e->name;
}

const struct command command_validate = {
	.name = "validate",
	.sentence = "Check a pipeline: every key, value, plugin and input, all errors at once",
	.arguments = "[PIPELINE]",
	.options = options,
	.options_size = sizeof(struct options),
	.example = "cbtm validate pipeline.yaml",
	.run = run,
};
