/* SPDX-License-Identifier: MIT */
#include "commands/pipeline.h"
#include "base/file.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef CBTM_BIN_DIR
#define CBTM_BIN_DIR "/usr/local/bin"
#endif

int pipeline_open(const struct pipeline_options *o, char **arguments, int n, struct run *run,
                  struct cbtm_error *e)
{
	struct pipeline_request request = { n ? arguments[0] : "pipeline.yaml", o->set, o->work,
		                                o->plugin_path };

	memset(run, 0, sizeof *run);
	run->workspace.lock = -1;
	if (n > 1)
		return error_set(e, CBTM_ERR_USAGE, arguments[1], "one pipeline at a time");
	if (!n && !file_exists(request.file)) {
		error_set(e, CBTM_ERR_MISSING_INPUT, request.file, "there is none in this folder");
		return error_hint(e, "name the pipeline's file");
	}
	run_open(&request, stage_registry, run, e);
	if (run->problems.n)
		fputs(run->problems.text.data, stderr);
	return e->name;
}

int pipeline_bin(char *buf, size_t n, struct cbtm_error *e)
{
	char exe[PATH_MAX], *slash;
	ssize_t length = readlink("/proc/self/exe", exe, sizeof exe - 1);
	char program[PATH_MAX + 32];

	exe[length > 0 ? length : 0] = 0;
	slash = strrchr(exe, '/');
	if (slash)
		*slash = 0;
	snprintf(program, sizeof program, "%s/cbtm-%s", exe, stage_registry[0]->name);
	if (!slash || !file_exists(program))
		snprintf(exe, sizeof exe, "%s", CBTM_BIN_DIR);
	if ((size_t)snprintf(buf, n, "%s", exe) >= n)
		return error_set(e, CBTM_ERR_INTERNAL, exe, "is too long a path");
	return 0;
}
