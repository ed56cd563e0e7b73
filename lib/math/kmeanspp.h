/* SPDX-License-Identifier: MIT */
/* Seeds of k-means: k-means++ (Arthur and Vassilvitskii 2007). */
#pragma once
#include "base/error.h"
#include "base/pool.h"
#include <stddef.h>
#include <stdint.h>

/*
 * centre (k x d): k of the n rows of x, each drawn with probability proportional to its squared
 * distance to the nearest centre so far, the best of 2 + ln k draws (the paper's section 5). Where
 * n is large, from max(8192, 64 k) rows at even steps. Rows that differ from all centres run out
 * if there are fewer than k distinct ones: then rows repeat. Needs n >= k >= 1.
 */
int kmeanspp_seeds(struct pool *pool, const float *x, size_t n, size_t d, size_t k, uint64_t seed,
                   float *centre, struct cbtm_error *e);
