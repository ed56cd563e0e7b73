/* SPDX-License-Identifier: MIT */
/*
 * The state of a run: parameters, moments, curves, the step, the last losses, as a store of kind
 * "checkpoint". Resume checkpoints are such stores beside the dataset, DIR/resume-STEP, sealed like any
 * other. The last two are kept: a damaged or unfinished one is discarded and the one before it taken.
 */
#pragma once
#include "base/digest.h"
#include "model/best.h"
#include "model/history.h"
#include "model/watch.h"
#include <stdbool.h>

/* Where a run stands, beside what its program holds. {0} is its beginning. */
struct run_state {
	uint64_t step;           /* steps done */
	struct curve_point last; /* of the last step, whether the curve has it or not */
	struct history history;
	struct watch watch;
	struct best best; /* if it is to be published */
};
void run_state_free(struct run_state *s);

/* Whose it is: nobody goes on from another configuration's. */
struct run_owner {
	struct digest fingerprint;
	const char *identity; /* model/identity.h */
	/* A state of another length may be taken up to this step if both have a constant rate; up to the other if
	 * they differ in nothing but where they end. */
	uint64_t stable, end;
	bool best; /* it wants the best parameters: they are in its states */
};

/* The folder of a step's: DIR/resume-STEP. Free it. */
char *resume_path(const char *dir, uint64_t step, struct cbtm_error *e);
/*
 * Copies a state into the files of a store `path` of its own. *w is what resume_seal takes, by any thread: it
 * needs neither program nor state. *w = NULL: it is there already; or writing took longer than
 * `patience` seconds (0: it may take what it takes) and was given up: *whole is then how many seconds all
 * of it would have taken, else 0.
 */
int resume_write(const char *path, const struct run_owner *owner, const struct program *p,
                 const struct run_state *state, double patience, struct store_writer **w,
                 double *whole, struct cbtm_error *e);
/* Waits until all is on the disk, under its name. *bytes: how large it is. */
int resume_seal(const char *path, struct store_writer *w, uint64_t *bytes, struct cbtm_error *e);
/* Removes all but the last two. */
int resume_keep(const char *dir, struct cbtm_error *e);
/* Goes back to the last one: the state, {0} before, and p are untouched if there is none. CONFIG,
 * naming all that differs with both values, if it is of a run with other settings. */
int resume_load(const char *dir, const struct run_owner *owner, const struct program *p,
                struct run_state *state, struct cbtm_error *e);
int resume_load_at(const char *path, const struct run_owner *owner, const struct program *p,
                   struct run_state *state, struct cbtm_error *e);
/* The step of the last one, whole or not; 0: none. */
int resume_last(const char *dir, uint64_t *step, struct cbtm_error *e);
/* Removes all of them, at the end. */
int resume_remove(const char *dir, struct cbtm_error *e);
