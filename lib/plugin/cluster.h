/* SPDX-License-Identifier: MIT */
/* Clustering plugins: opening one, and its functions that may be missing. */
#pragma once
#include "plugin/search.h"
#include <cbtm/cluster.h>

int cluster_open(const char *name, const struct plugin_search *search,
                 const struct cbtm_cluster **cluster, struct cbtm_error *e);

/* The plugin's save, load and free; where it has none nothing is saved and the state is NULL. */
int cluster_save(const struct cbtm_cluster *cluster, const void *state, struct cbtm_state_writer *w,
                 struct cbtm_error *e);
int cluster_load(const struct cbtm_cluster *cluster, const void *options,
                 struct cbtm_state_reader *r, void **state, struct cbtm_error *e);
void cluster_free(const struct cbtm_cluster *cluster, void *state);
