/* SPDX-License-Identifier: MIT */
/* From the folders on the command line to those of a task's inputs and output. */
#pragma once
#include "stage/command_line.h"

/* The number of clusters: --clusters, the stage's own option `k`, or what the inputs say; else 1. */
int stage_clusters(const struct stage_command *c, uint64_t *k, struct cbtm_error *e);

/* The folders of an input, in the command's arena: one, or k for READS_ALL_CLUSTERS. */
int stage_input_dirs(const struct stage_command *c, const struct stage_input *input,
                     uint32_t cluster, uint64_t k, const char ***dirs, size_t *n,
                     struct cbtm_error *e);
/* The folder that a task publishes to, in the command's arena. NULL: an error. */
const char *stage_output_dir(const struct stage_command *c, const struct stage_task *task,
                             uint32_t cluster, struct cbtm_error *e);
