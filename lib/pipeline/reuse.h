/* SPDX-License-Identifier: MIT */
/* Parts that exist already in another dataset of the same task: linked, not made again. */
#pragma once
#include "pipeline/graph.h"

/* Whether a dataset of its task is there whose content may be that of d, which is then taken over: the task
 * finds it out by itself. Not where d has begun. */
bool reuse_by_content(const struct graph_dataset *d);
/* Hard-links the MISSING parts of d whose fingerprints another folder of its task has; their states
 * become DONE, *linked counts them. Looks at other folders once, and only if a part is missing. */
int reuse_parts(struct graph_dataset *d, size_t *linked, struct cbtm_error *e);
