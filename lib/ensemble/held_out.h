/* SPDX-License-Identifier: MIT */
/*
 * Held-out documents from the stores: tokens, the experts' scores and assignments, brought
 * together row by row and handed to an evaluation in batches.
 */
#pragma once
#include "ensemble/evaluation.h"
#include "store/dataset.h"

struct held_out {
	struct dataset *tokens;
	struct dataset *assignments;   /* NULL if k = 1 */
	struct dataset *const *scores; /* the k experts', then the seed's */
	size_t n_scores;
	const size_t *symbol_size; /* bytes of each token id */
	size_t vocabulary_size;
};

/* Adds all scored documents to v. All scores must be of the same documents in the same order, and
 * these must stand in tokens: BAD_DATA naming the store otherwise. */
int held_out_evaluate(const struct held_out *h, struct evaluation *v, struct cbtm_error *e);

/* share (k): the clusters' shares of branch tokens (1/k each if there are none). */
int held_out_shares(const struct held_out *h, size_t k, double *share, struct cbtm_error *e);
