/* SPDX-License-Identifier: MIT */
#include "stage/declaration.h"
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
	return stage->source && !task->reads[0].dataset;
}

bool stage_task_is_for_people(const struct cbtm_stage *stage, const struct stage_task *task)
{
	return stage->for_people && !strcmp(stage->for_people, task->name);
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

void stage_cluster_folder(uint32_t cluster, char name[STAGE_CLUSTER_FOLDER])
{
	snprintf(name, STAGE_CLUSTER_FOLDER, "cluster-%03u", cluster);
}
