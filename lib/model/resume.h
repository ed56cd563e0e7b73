/* SPDX-License-Identifier: MIT */
/*
 * Resume checkpoints: parameters, moments, curves and the step, each in a store of its own beside
 * the dataset, DIR/resume-STEP, sealed like any other. The last two are kept: a damaged or
 * unfinished one is discarded and the one before it taken.
 */
#pragma once
#include "base/digest.h"
#include "model/checkpoint.h"
#include "model/history.h"
#include "model/watch.h"

/* Where a run stands, beside what its program holds. {0} is its beginning. */
struct run_state {
	uint64_t step; /* steps done */
	struct history history;
	struct watch watch;
};
void run_state_free(struct run_state *s);

/* fingerprint: of the task, so that nobody goes on from another configuration's. *bytes: how large it
 * is; may be NULL. */
int resume_save(const char *dir, struct digest fingerprint, const struct program *p,
                const struct run_state *state, uint64_t *bytes, struct cbtm_error *e);
/* Goes back to the last one: the state, {0} before, and p are untouched if there is none. */
int resume_load(const char *dir, struct digest fingerprint, const struct program *p,
                struct run_state *state, struct cbtm_error *e);
/* The step of the last one, whole or not; 0: none. */
int resume_last(const char *dir, uint64_t *step, struct cbtm_error *e);
/* Removes all of them, at the end. */
int resume_remove(const char *dir, struct cbtm_error *e);
