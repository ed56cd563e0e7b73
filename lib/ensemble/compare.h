/* SPDX-License-Identifier: MIT */
/* Paired comparison of two systems over the same documents. */
#pragma once
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

struct comparison {
	double ratio;     /* perplexity of a / perplexity of b */
	double low, high; /* 95 % percentile interval of the bootstrap */
	size_t documents;
};

/*
 * nll_a, nll_b (n): each document's summed loss (natural log); tokens (n). The n documents are
 * resampled with replacement `resamples` times by counter-based random numbers: the same input
 * gives the same interval.
 */
int compare_paired(const double *nll_a, const double *nll_b, const uint64_t *tokens, size_t n,
                   size_t resamples, struct comparison *c, struct cbtm_error *e);
