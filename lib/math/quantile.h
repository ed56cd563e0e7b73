/* SPDX-License-Identifier: MIT */
/*
 * Exact quantiles of any number of floats in groups, in several passes over them and in memory that
 * does not depend on their number: radix selection. Each pass counts 8 more bits of those values
 * whose higher bits are those of a wanted one: 2 KiB a group and quantile.
 *
 *   struct quantiles *q = quantiles_new(groups, shares, n, e);
 *   for (int pass = 0; pass < QUANTILE_PASSES; pass++) {
 *           for (all values, in any order) quantiles_add(q, group, value);
 *           quantiles_next(q);
 *   }
 *
 * The quantile of share s of N values is the smallest value with at least s N values at or below it
 * (numpy's method "inverted_cdf"): a value that was there. s = 0: the smallest, 1: the largest.
 */
#pragma once
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

enum { QUANTILE_PASSES = 4 };

struct quantiles;
/* share (n) is copied. Free with quantiles_free; NULL is fine. */
struct quantiles *quantiles_new(size_t groups, const double *share, size_t n, struct cbtm_error *e);
void quantiles_free(struct quantiles *q);
/* Not NAN; the same values in every pass. */
void quantiles_add(struct quantiles *q, size_t group, float value);
void quantiles_next(struct quantiles *q);
/* After the last pass: the i-th share's quantile; NAN if the group is empty. */
float quantiles_get(const struct quantiles *q, size_t group, size_t i);
