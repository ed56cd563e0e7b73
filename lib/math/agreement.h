/* SPDX-License-Identifier: MIT */
/*
 * How two labellings of the same documents agree, from their contingency table: n_ij documents have
 * value i and cluster j. Logarithms are natural.
 *
 *   mutual information  MI = sum_ij n_ij / n ln(n n_ij / (n_i. n_.j))
 *   nmi                 MI / ((H(values) + H(clusters)) / 2), as scikit-learn's
 *                       normalized_mutual_info_score (arithmetic)
 *   homogeneity         MI / H(values): 1 if every cluster holds one value only (Rosenberg and
 *   completeness        MI / H(clusters): 1 if every value lies in one cluster   Hirschberg 2007)
 *   purity              sum_j max_i n_ij / n
 */
#pragma once
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

/* A sparse table: row i holds the cells start[i] .. start[i + 1) of (column, count > 0). */
struct contingency {
	size_t rows, columns;
	const uint64_t *start; /* rows + 1 */
	const uint32_t *column;
	const uint64_t *count;
};

struct agreement {
	uint64_t n; /* documents in the table; 0: the measures are NAN */
	double nmi, homogeneity, completeness, purity;
};
int agreement_of(const struct contingency *table, struct agreement *a, struct cbtm_error *e);
