/* SPDX-License-Identifier: MIT */
/* Options that run, plan, status, validate and gc share, and opening what they name. */
#pragma once
#include "pipeline/run.h"

struct pipeline_options {
	struct cbtm_texts set;
	const char *work, *plugin_path;
};
/* Rows of a table whose struct begins with a struct pipeline_options named `pipeline`. */
#define PIPELINE_ROWS(type)                                                                        \
	{ "set",                                                                                       \
	  CBTM_PARAM_TEXTS,                                                                            \
	  offsetof(type, pipeline.set),                                                                \
	  "[]",                                                                                        \
	  0,                                                                                           \
	  0,                                                                                           \
	  NULL,                                                                                        \
	  "STAGE.KEY=VALUE instead of what the file says; may be repeated",                            \
	  0,                                                                                           \
	  0 },                                                                                         \
		{ "work",                                                                                  \
		  CBTM_PARAM_TEXT,                                                                         \
		  offsetof(type, pipeline.work),                                                           \
		  "",                                                                                      \
		  0,                                                                                       \
		  0,                                                                                       \
		  NULL,                                                                                    \
		  "folder of datasets and runs, instead of the file's",                                    \
		  CBTM_PARAM_PATH,                                                                         \
		  0 },                                                                                     \
	{                                                                                              \
		"plugin_path", CBTM_PARAM_TEXT, offsetof(type, pipeline.plugin_path), "", 0, 0, NULL,      \
			"folders with plugins, separated by ':'", CBTM_PARAM_PATH, 0                           \
	}

/* Opens the pipeline that the arguments name (none: pipeline.yaml). Problems are printed to
 * stderr. Close with run_close in any case. */
int pipeline_open(const struct pipeline_options *o, char **arguments, int n, struct run *run,
                  struct cbtm_error *e);
/* The folder of the stage programs: that of this program, else the installed one. Into buf. */
int pipeline_bin(char *buf, size_t n, struct cbtm_error *e);
