/* SPDX-License-Identifier: MIT */
#include "stage/declaration.h"
#include "base/error.h"
#include "base/param.h"
#include "plugin/loader.h"
#include <stdio.h>
#include <string.h>

bool stage_if_clustered(const void *options, uint64_t k)
{
	(void)options;
	return k > 1;
}

const struct stage_task *stage_find_task(const struct cbtm_stage *const *registry,
                                         const char *dataset, const struct cbtm_stage **stage)
{
	for (; *registry; registry++)
		for (const struct stage_task *t = (*registry)->tasks; t->name; t++)
			if (!strcmp(t->name, dataset)) {
				if (stage)
					*stage = *registry;
				return t;
			}
	return NULL;
}

unsigned stage_task_index(const struct cbtm_stage *stage, const struct stage_task *task)
{
	return (unsigned)(task - stage->tasks);
}

const char *stage_plugin_kind(const struct cbtm_stage *stage)
{
	for (const struct stage_task *t = stage->tasks; t->name; t++)
		if (t->plugin)
			return t->plugin;
	return NULL;
}

bool stage_input_is_wanted(const struct stage_input *input, const void *options, uint64_t k)
{
	return !input->wanted || input->wanted(options, k);
}

bool stage_task_is_source(const struct cbtm_stage *stage, const struct stage_task *task)
{
	if (!stage->source || task->each != EACH_PART)
		return false;
	for (const struct stage_input *in = task->reads; in->dataset; in++)
		if (in->how == READS_SAME_PART)
			return false;
	return true;
}

bool stage_task_is_wanted(const struct cbtm_stage *stage, const struct stage_task *task,
                          const void *options, uint64_t k)
{
	bool read = false;

	for (const struct stage_task *t = task + 1; t->name; t++)
		for (const struct stage_input *in = t->reads; in->dataset; in++) {
			if (strcmp(in->dataset, task->name) != 0)
				continue;
			read = true;
			if (stage_input_is_wanted(in, options, k) && stage_task_is_wanted(stage, t, options, k))
				return true;
		}
	return !read;
}

bool stage_task_is_for_people(const struct cbtm_stage *stage, const struct stage_task *task)
{
	return stage->for_people && !strcmp(stage->for_people, task->name);
}

bool stage_task_needs(const struct cbtm_stage *stage, const struct stage_task *task,
                      const struct stage_task *other, const void *options, uint64_t k)
{
	const struct cbtm_stage *own[] = { stage, NULL };

	for (const struct stage_input *in = task->reads; in->dataset; in++) {
		const struct stage_task *from = stage_find_task(own, in->dataset, NULL);
		if (from && stage_input_is_wanted(in, options, k) &&
		    (from == other || stage_task_needs(stage, from, other, options, k)))
			return true;
	}
	return false;
}

const struct stage_task *stage_task_together(const struct cbtm_stage *stage,
                                             const struct stage_task *task)
{
	const struct cbtm_stage *own[] = { stage, NULL };

	if (!stage->together[0] || strcmp(stage->together[0], task->name) != 0)
		return NULL;
	return stage_find_task(own, stage->together[1], NULL);
}

const struct stage_task *stage_task_along(const struct cbtm_stage *stage,
                                          const struct stage_task *task, const void *options,
                                          uint64_t k)
{
	const struct cbtm_stage *own[] = { stage, NULL };
	const struct stage_task *along = stage_task_together(stage, task);

	for (const struct stage_input *in = along ? along->reads : NULL; in && in->dataset; in++) {
		const struct stage_task *from = stage_find_task(own, in->dataset, NULL);
		if (from && from != task && stage_input_is_wanted(in, options, k) &&
		    stage_task_needs(stage, from, task, options, k))
			return NULL;
	}
	return along;
}

bool stage_param_decides(const struct cbtm_stage *stage, const struct stage_task *task,
                         const struct cbtm_param *row)
{
	if (row->flags & CBTM_PARAM_NO_RESULT)
		return false;
	if (row->type == CBTM_PARAM_TEXTS && (row->flags & CBTM_PARAM_PATH))
		return false;
	if (stage->plugin_param && !strcmp(row->name, stage->plugin_param))
		return false;
	return !row->used_by || (row->used_by >> stage_task_index(stage, task) & 1);
}

int stage_check_needs(const struct cbtm_stage *stage, const void *options,
                      const struct cbtm_plugin *plugin, struct cbtm_error *e)
{
	const char *key = plugin ? plugin_needs(plugin) : NULL;
	const struct cbtm_param *row = key ? param_find(stage->options, key) : NULL;
	struct buffer value = { 0 };
	char allowed[256];

	if (key && !row)
		return error_set(e, CBTM_ERR_PLUGIN, plugin->name,
		                 "the plugin needs the key %s, which the stage %s does not have", key,
		                 stage->name);
	if (row && !param_print(row, options, &value, e) && !strcmp(value.data, row->default_text)) {
		param_allowed(row, allowed, sizeof allowed);
		error_set(e, CBTM_ERR_CONFIG, row->name,
		          "the plugin %s needs this key, which is %s: %s (%s)", plugin->name, value.data,
		          row->help, allowed);
	}
	buffer_free(&value);
	return e->name;
}

void stage_cluster_folder(uint32_t cluster, char name[STAGE_CLUSTER_FOLDER])
{
	snprintf(name, STAGE_CLUSTER_FOLDER, "cluster-%03u", cluster);
}
