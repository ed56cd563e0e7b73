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

/* fingerprint: of the task, so that nobody goes on from another configuration's. */
int resume_save(const char *dir, struct digest fingerprint, uint64_t step, const struct program *p,
                const struct history *h, struct cbtm_error *e);
/* Goes back to the last one: *step is 0, and p and h untouched, if there is none. */
int resume_load(const char *dir, struct digest fingerprint, uint64_t *step, const struct program *p,
                struct history *h, struct cbtm_error *e);
/* Removes all of them, at the end. */
int resume_remove(const char *dir, struct cbtm_error *e);
