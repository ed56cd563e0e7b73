/* SPDX-License-Identifier: MIT */
/*
 * The work folder: WORK/TASK/FINGERPRINT/ are datasets; WORK/runs/NAME/ holds what a person looks
 * for: SYSTEM/TASK -> the dataset, logs/, log.jsonl, record.json, results.json. One driver at a time.
 */
#pragma once
#include "pipeline/graph.h"

struct workspace {
	const char *work, *run; /* WORK, WORK/runs/NAME */
	const char *record, *results, *logs, *log, *state;
	const struct cbtm_stage *const *registry;
	int lock; /* -1: not taken */
};

/* The paths of a pipeline's run, in the arena. */
int workspace_paths(const struct pipeline *p, struct arena *a, struct workspace *w,
                    struct cbtm_error *e);
/* Makes the folders and takes the lock; BUSY if another driver works there. */
int workspace_lock(struct workspace *w, struct cbtm_error *e);
void workspace_unlock(struct workspace *w);
/* True if another driver works there now. */
bool workspace_is_busy(const struct workspace *w);

/* Makes the run's links be those of the graph; links of systems that are gone are removed. */
int workspace_link(const struct workspace *w, struct graph *g, struct cbtm_error *e);

/* Calls `each` with every folder of a dataset (WORK/TASK/16 digits) that no run's link names. */
int workspace_unnamed(const struct workspace *w,
                      int (*each)(void *arg, const char *folder, struct cbtm_error *e), void *arg,
                      struct cbtm_error *e);
