/* SPDX-License-Identifier: MIT */
#include "stage/command_line.h"
#include "base/param.h"
#include "plugin/loader.h"
#include "stage/declaration.h"
#include <stdlib.h>
#include <string.h>

enum { GROUP_FOLDERS, GROUP_STAGE, GROUP_PLUGIN, GROUP_FRAME };

#define FRAME(field) offsetof(struct stage_frame, field)
enum { ROW_TASK, ROW_PART, ROW_CLUSTER, ROW_CLUSTERS };
static const struct cbtm_param frame_rows[] = {
	[ROW_TASK] = { "task", CBTM_PARAM_TEXT, FRAME(task), "", 0, 0, NULL,
	               "do this task only; default: all, in order", 0, 0 },
	[ROW_PART] = { "part", CBTM_PARAM_COUNT, FRAME(part), "0", 0, 99999, NULL,
	               "with --task: this part only, not sealing the dataset", 0, 0 },
	[ROW_CLUSTER] = { "cluster", CBTM_PARAM_COUNT, FRAME(cluster), "0", 0, 65535, NULL,
	                  "with --task: this cluster only; its folders are given themselves", 0, 0 },
	[ROW_CLUSTERS] = { "clusters", CBTM_PARAM_COUNT, FRAME(clusters), "1", 1, 65536, NULL,
	                   "number of clusters; default: as the inputs say", 0, 0 },
	{ "threads", CBTM_PARAM_COUNT, FRAME(threads), "0", 0, 4096, NULL,
	  "threads; 0: one a processor. They change no result", 0, 0 },
	{ "plugin_path", CBTM_PARAM_TEXT, FRAME(plugin_path), "", 0, 0, NULL,
	  "folders with plugins, separated by ':'", CBTM_PARAM_PATH, 0 },
	{ "verify", CBTM_PARAM_CHOICE, FRAME(verify), "once", 0, 0, "full|once|size",
	  "how to check files that are read", 0, 0 },
	{ "wait", CBTM_PARAM_COUNT, FRAME(wait), "0", 0, 1e6, NULL,
	  "seconds to wait for another process that writes the same part", 0, 0 },
	{ "log", CBTM_PARAM_TEXT, FRAME(log), "", 0, 0, NULL,
	  "append events as JSON lines to this file", CBTM_PARAM_PATH, 0 },
	{ "log_json", CBTM_PARAM_BOOL, FRAME(log_json), "false", 0, 0, NULL,
	  "events as JSON lines on stderr", 0, 0 },
	{ "quiet", CBTM_PARAM_BOOL, FRAME(quiet), "false", 0, 0, NULL, "warnings and errors only", 0,
	  0 },
	{ "help", CBTM_PARAM_BOOL, FRAME(help), "false", 0, 0, NULL, "this text", 0, 0 },
	{ "version", CBTM_PARAM_BOOL, FRAME(version), "false", 0, 0, NULL, "the version of cbtm", 0,
	  0 },
	CBTM_PARAM_END
};

static struct stage_folder *find_folder(struct stage_command *c, const char *dataset)
{
	for (size_t i = 0; i < c->folders; i++)
		if (!strcmp(c->folder[i].dataset, dataset))
			return &c->folder[i];
	return NULL;
}

const struct stage_folder *stage_command_folder(const struct stage_command *c, const char *dataset)
{
	return find_folder((struct stage_command *)c, dataset);
}

static int add_folder(struct stage_command *c, const char *dataset, bool published,
                      bool each_cluster, struct cbtm_error *e)
{
	struct stage_folder *f = find_folder(c, dataset);

	if (!f) {
		if (c->folders == STAGE_FOLDERS)
			return error_set(e, CBTM_ERR_INTERNAL, c->stage->name, "has too many datasets");
		f = &c->folder[c->folders++];
		f->dataset = dataset;
	}
	f->published |= published;
	f->each_cluster |= each_cluster;
	return 0;
}

/* First what is read from other stages, then what is published. */
static int list_folders(struct stage_command *c, struct cbtm_error *e)
{
	const struct cbtm_stage *registry[] = { c->stage, NULL };

	for (const struct stage_task *t = c->stage->tasks; t->name; t++)
		for (const struct stage_input *in = t->reads; in->dataset; in++)
			if (!stage_find_task(registry, in->dataset, NULL) &&
			    add_folder(c, in->dataset, false, in->how >= READS_SAME_CLUSTER, e))
				return e->name;
	for (const struct stage_task *t = c->stage->tasks; t->name; t++)
		if (add_folder(c, t->name, true, t->each == EACH_CLUSTER, e))
			return e->name;
	return 0;
}

static const char *folder_help(struct stage_command *c, const struct stage_folder *f,
                               struct cbtm_error *e)
{
	const struct cbtm_stage *registry[] = { c->stage, NULL };
	const struct stage_task *task = stage_find_task(registry, f->dataset, NULL);
	const char *many = f->each_cluster ? ", with a folder a cluster" : "";

	if (task)
		return arena_printf(c->arena, e, "output%s: %s", many, task->sentence);
	return arena_printf(c->arena, e, "input%s", many);
}

/* Rows for the datasets' folders; their values are c->folder[i].dirs. */
static int make_folder_group(struct stage_command *c, struct cbtm_error *e)
{
	struct cbtm_param *row = arena_take(c->arena, (c->folders + 1) * sizeof *row, e);

	if (!row)
		return e->name;
	for (size_t i = 0; i < c->folders; i++) {
		row[i] = (struct cbtm_param){ .name = c->folder[i].dataset,
			                          .type = CBTM_PARAM_TEXTS,
			                          .offset = i * sizeof c->folder[0] +
			                                    offsetof(struct stage_folder, dirs),
			                          .default_text = "[]",
			                          .help = folder_help(c, &c->folder[i], e),
			                          .flags = CBTM_PARAM_PATH };
		if (!row[i].help)
			return e->name;
	}
	c->group[GROUP_FOLDERS] = (struct option_group){ "Datasets (folders)", row, c->folder, 0 };
	return 0;
}

/* The first look: which plugin, and is help wanted? On a copy, as unknown words are moved. */
static int look_ahead(struct stage_command *c, int argc, char **argv, struct cbtm_error *e)
{
	char **copy = arena_take(c->arena, ((size_t)argc + 1) * sizeof *copy, e);
	struct option_group groups[] = { c->group[GROUP_STAGE], c->group[GROUP_FRAME] };
	int n;

	if (!copy)
		return e->name;
	memcpy(copy, argv, (size_t)argc * sizeof *copy);
	return options_parse(groups, 2, c->arena, argc, copy, &n, true, e);
}

static int find_plugin(struct stage_command *c, struct cbtm_error *e)
{
	const struct cbtm_param *row = param_find(c->stage->options, c->stage->plugin_param);
	const char *name, *kind = stage_plugin_kind(c->stage);

	if (!row || row->type != CBTM_PARAM_TEXT || !kind)
		return error_set(e, CBTM_ERR_INTERNAL, c->stage->name, "has no option %s for its plugin",
		                 c->stage->plugin_param);
	name = param_text(row, c->options);
	c->search.option =
		arena_string(c->arena, c->frame.plugin_path, strlen(c->frame.plugin_path), e);
	if (!c->search.option || plugin_describe(kind, name, &c->search, &c->plugin, e))
		return e->name;
	c->plugin_options = arena_take(c->arena, c->plugin->options_size, e);
	c->group[GROUP_PLUGIN] =
		(struct option_group){ arena_printf(c->arena, e, "Options of the %s plugin %s", kind, name),
		                       c->plugin->params, c->plugin_options, 0 };
	return e->name;
}

static int check_frame(struct stage_command *c, int n_arguments, char **argv, struct cbtm_error *e)
{
	uint64_t set = c->group[GROUP_FRAME].set;
	const struct cbtm_stage *registry[] = { c->stage, NULL };

	c->frame.part_given = set >> ROW_PART & 1;
	c->frame.cluster_given = set >> ROW_CLUSTER & 1;
	c->frame.clusters_given = set >> ROW_CLUSTERS & 1;
	if (n_arguments)
		return error_set(e, CBTM_ERR_USAGE, NULL,
		                 "\"%s\" is no option: this program takes options only", argv[1]);
	if (*c->frame.task && !stage_find_task(registry, c->frame.task, NULL)) {
		struct buffer names = { 0 };
		for (const struct stage_task *t = c->stage->tasks; t->name; t++)
			buffer_printf(&names, e, "%s%s", names.n ? ", " : "", t->name);
		error_set(e, CBTM_ERR_USAGE, "--task", "there is no task %s, only %s", c->frame.task,
		          names.data ? names.data : "none");
		buffer_free(&names);
		return e->name;
	}
	if ((c->frame.part_given || c->frame.cluster_given) && !*c->frame.task)
		return error_set(e, CBTM_ERR_USAGE, c->frame.part_given ? "--part" : "--cluster",
		                 "needs --task");
	return 0;
}

int stage_command_parse(const struct cbtm_stage *stage, int argc, char **argv,
                        struct stage_command *c, struct cbtm_error *e)
{
	struct cbtm_error plugin_error = { 0 };
	int n = 0;

	memset(c, 0, sizeof *c);
	c->stage = stage;
	c->arena = arena_new(e);
	if (!c->arena)
		return e->name;
	c->options = arena_take(c->arena, stage->options_size, e);
	if (!c->options)
		return e->name;
	c->group[GROUP_STAGE] = (struct option_group){ "Options", stage->options, c->options, 0 };
	c->group[GROUP_FRAME] = (struct option_group){ "Of every stage", frame_rows, &c->frame, 0 };
	if (list_folders(c, e) || make_folder_group(c, e) || look_ahead(c, argc, argv, e))
		return e->name;
	if (stage->plugin_param && find_plugin(c, &plugin_error) && !c->frame.help && !c->frame.version)
		return error_copy(e, &plugin_error);
	if (c->frame.help || c->frame.version)
		return 0;
	if (options_parse(c->group, STAGE_GROUPS, c->arena, argc, argv, &n, false, e))
		return e->name;
	return check_frame(c, n, argv, e);
}

void stage_command_free(struct stage_command *c)
{
	arena_free(c->arena);
	memset(c, 0, sizeof *c);
}

int stage_command_help(const struct stage_command *c, struct buffer *out, struct cbtm_error *e)
{
	if (buffer_printf(out, e, "%s\n\nusage: cbtm-%s [options]\n\n", c->stage->sentence,
	                  c->stage->name) ||
	    options_help(c->group, STAGE_GROUPS, out, e))
		return e->name;
	return buffer_printf(out, e, "\nexample:\n  %s\n", c->stage->example ? c->stage->example : "");
}
