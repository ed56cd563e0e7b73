/* SPDX-License-Identifier: MIT */
/*
 * Runs that lie beside one's own, in folders of the same folder: under `cbtm run` all experts ever
 * trained in a work folder, by hand the other clusters. One that is the same in all that decides its
 * result (model/identity.h) is taken over; one that began alike leaves the state that a longer run goes
 * on from. What is damaged or not complete has nothing for anybody, and is no error.
 */
#pragma once
#include "base/error.h"
#include "store/store.h"
#include <stdbool.h>

/* What a run is to publish. */
struct sibling_wanted {
	const char *identity;
	bool use_best, keep_both; /* as in struct training */
};
struct sibling_found {
	bool found;
	uint64_t last_step, best_step; /* of its parameters */
	double best_loss;
	bool best_known;
	/* Why the one that differs in its length alone, if there is one, is of no use; "" if there is none. */
	char reason[512];
};

/*
 * Copies a finished run of this identity into `out`: curves, the parameters that are wanted, be they those that it
 * used or those that it kept beside them, and its facts, but those of which cluster it is, which parameters it
 * has, and those that its start handed down.
 */
int sibling_take_over(const char *dir, const struct sibling_wanted *wanted,
                      struct store_writer *out, struct sibling_found *found, struct cbtm_error *e);

/*
 * The folder of the longest state of a family that has at most `most` steps, in `dir` or a folder beside
 * it, and its steps; *path = NULL: none. Free *path.
 */
int sibling_state(const char *dir, const char *family, uint64_t most, char **path, uint64_t *step,
                  struct cbtm_error *e);
/* The folder of such a state of `dir`: DIR/stable-FAMILY-STEP. Free it. */
char *sibling_state_path(const char *dir, const char *family, uint64_t step, struct cbtm_error *e);
/* Removes all states in `dir` but those of n steps. */
int sibling_forget(const char *dir, const uint64_t *steps, size_t n, struct cbtm_error *e);
