/* SPDX-License-Identifier: MIT */
/* A pipeline opened for planning or running: read, its graph made, the work folder looked at. */
#pragma once
#include "pipeline/record.h"
#include "pipeline/workspace.h"

struct run {
	struct pipeline *pipeline;
	struct graph *graph;
	struct workspace workspace;
	struct record record;
	struct problems problems;
};

/* What `cbtm run` may be told about stages; NULL or "": nothing. */
struct run_selection {
	const char *from;  /* this stage and those behind it */
	const char *only;  /* this stage alone */
	const char *force; /* this stage again, even if it is done */
};

/*
 * Opens. If the pipeline has problems they are in run->problems and e is filled; nothing else of
 * the run may be used then. Close in any case.
 */
int run_open(const struct pipeline_request *request, const struct cbtm_stage *const *registry,
             struct run *run, struct cbtm_error *e);
void run_close(struct run *run);
/* Looks at the work folder again: under the lock, when it may have changed. */
int run_look(struct run *run, struct cbtm_error *e);
/* Marks what is wanted and forced. Refused: an unknown stage, and a stage that is left out though
 * what is wanted needs it and it is not done. */
int run_select(struct run *run, const struct run_selection *selection, struct cbtm_error *e);

/* Jobs that are to run, and those of the whole pipeline. */
size_t run_jobs(const struct run *run, bool all);
/* Puts a dataset into the record of all systems that have it. */
int run_note(struct run *run, const struct graph_dataset *d, struct cbtm_error *e);
/* What the record has of it: of the first system that had such a dataset; NULL: nothing. */
const struct record_entry *run_recorded(const struct run *run, const struct graph_dataset *d);
/* Whether it may be taken over from an earlier run, which its task finds out by content (pipeline/reuse.h): its
 * inputs are others, but may have the same content. */
bool run_may_take_over(const struct run *run, const struct graph_dataset *d);
