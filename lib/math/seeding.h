/* SPDX-License-Identifier: MIT */
/* The first centres of k-means: rows of the points. */
#pragma once
#include "base/error.h"
#include "base/pool.h"
#include <cbtm/host.h>
#include <stddef.h>
#include <stdint.h>

/*
 * centre (k x d): k of the n rows of x, where n is large of max(8192, 64 k) rows at even steps.
 * k-means++: each drawn with probability proportional to its squared distance to the nearest centre
 * so far, the best of 2 + ln k draws (Arthur and Vassilvitskii 2007, section 5). Random: no row
 * twice. Farthest: a random row, then each time the row farthest from all centres, ties to the
 * first. Rows that differ from all centres run out if there are fewer than k distinct ones: then
 * equal rows come. TOO_MANY_CLUSTERS unless n >= k >= 1.
 */
int seeding_make(struct pool *pool, enum cbtm_seeding how, const float *x, size_t n, size_t d,
                 size_t k, uint64_t seed, float *centre, struct cbtm_error *e);
