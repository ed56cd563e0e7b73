/* SPDX-License-Identifier: MIT */
/* Questions to stages' declarations (stage/stage.h), asked by stage programs and driver alike. */
#pragma once
#include "stage/stage.h"

/* The task that publishes `dataset`; *stage (may be NULL) is its stage. NULL: nobody does. */
const struct stage_task *stage_find_task(const struct cbtm_stage *const *registry,
                                         const char *dataset, const struct cbtm_stage **stage);
/* Its number in the stage: the bit of cbtm_param.used_by. */
unsigned stage_task_index(const struct cbtm_stage *stage, const struct stage_task *task);
/* The kind of plugin that the stage's tasks use; NULL: none. */
const char *stage_plugin_kind(const struct cbtm_stage *stage);
bool stage_input_is_wanted(const struct stage_input *input, const void *options, uint64_t k);
/* True if the task reads source files: in a stage with a source those of each part that read no
 * part of a dataset. */
bool stage_task_is_source(const struct cbtm_stage *stage, const struct stage_task *task);
/* True if the task is of those for people, which nothing needs. */
bool stage_task_is_for_people(const struct cbtm_stage *stage, const struct stage_task *task);
/* False if all tasks of the stage that read what it publishes do not want it with these options. */
bool stage_task_is_wanted(const struct cbtm_stage *stage, const struct stage_task *task,
                          const void *options, uint64_t k);
/* True if `task` needs, itself or by way of others of the stage, what `other` publishes. */
bool stage_task_needs(const struct cbtm_stage *stage, const struct stage_task *task,
                      const struct stage_task *other, const void *options, uint64_t k);
/* The task whose part `task` can make along, if all else that it reads is there. NULL: none. */
const struct stage_task *stage_task_together(const struct cbtm_stage *stage,
                                             const struct stage_task *task);
/* The task that `task` can make along, with these options: all else that it reads needs nothing of
 * `task`. NULL: none. */
const struct stage_task *stage_task_along(const struct cbtm_stage *stage,
                                          const struct stage_task *task, const void *options,
                                          uint64_t k);
/* True if the task's result depends on the row: used by it, not flagged NO_RESULT, not the plugin's
 * name (which has a place of its own in a fingerprint), not the list of source files. */
bool stage_param_decides(const struct cbtm_stage *stage, const struct stage_task *task,
                         const struct cbtm_param *row);

/* CONFIG, naming the key, if the plugin (NULL: none) needs a key of the stage that is at its default. */
int stage_check_needs(const struct cbtm_stage *stage, const void *options,
                      const struct cbtm_plugin *plugin, struct cbtm_error *e);

/* "cluster-007": the folder of a per-cluster dataset inside its parent. */
#define STAGE_CLUSTER_FOLDER 32
void stage_cluster_folder(uint32_t cluster, char name[STAGE_CLUSTER_FOLDER]);
