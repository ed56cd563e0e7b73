/* SPDX-License-Identifier: MIT */
/* A stage program's command line: options of the stage, of its plugin, folders, and of the frame. */
#pragma once
#include "base/buffer.h"
#include "base/memory.h"
#include "plugin/search.h"
#include "stage/options.h"
#include "stage/stage.h"

/* Options that every stage has. */
struct stage_frame {
	const char *task, *plugin_path, *log;
	uint64_t part, cluster, clusters, threads, wait;
	int verify, log_json, quiet, help, version;
	bool part_given, cluster_given, clusters_given;
};

/* A dataset that the stage reads or publishes, and the folders that were given for it. */
struct stage_folder {
	const char *dataset;
	bool published;    /* by a task of this stage */
	bool each_cluster; /* there are k of them */
	struct cbtm_texts dirs;
};

enum { STAGE_GROUPS = 4, STAGE_FOLDERS = 24 };
struct stage_command {
	const struct cbtm_stage *stage;
	struct arena *arena;
	void *options;
	const struct cbtm_plugin *plugin; /* NULL: the stage uses none */
	void *plugin_options;
	struct plugin_search search;
	struct stage_frame frame;
	struct stage_folder folder[STAGE_FOLDERS];
	size_t folders;
	struct option_group group[STAGE_GROUPS]; /* for --help */
};

/*
 * Parses. With --help or --version among the options nothing is demanded, and a plugin that cannot
 * be loaded is left out. Free with stage_command_free, also after an error.
 */
int stage_command_parse(const struct cbtm_stage *stage, int argc, char **argv,
                        struct stage_command *c, struct cbtm_error *e);
void stage_command_free(struct stage_command *c);
/* Text of --help: the sentence first, an example last. */
int stage_command_help(const struct stage_command *c, struct buffer *out, struct cbtm_error *e);

/* The folders given for a dataset; NULL if the stage knows none of that name. */
const struct stage_folder *stage_command_folder(const struct stage_command *c, const char *dataset);
