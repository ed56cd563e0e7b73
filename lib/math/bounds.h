/* SPDX-License-Identifier: MIT */
/*
 * Nearest centres in a series of steps, with two bounds for each point (Hamerly 2010): its own
 * centre is no further than the upper one, no other is nearer than the lower one; they grow and
 * shrink by how far centres move. A point whose bounds do not meet needs no look at any centre, nor
 * at its vector. The assignments are those of lloyd_nearest, to the bit: bounds and float products
 * decide only where they tell more than rounding could.
 */
#pragma once
#include "base/error.h"
#include "base/pool.h"
#include <stddef.h>
#include <stdint.h>

/*
 * before: the centres of the last call (k x d), NULL at the first. bound (n x 2: upper, lower),
 * cluster (n): kept by the caller between calls. *scanned: points that were compared with all
 * centres.
 */
int bounds_nearest(struct pool *pool, const float *x, size_t n, size_t d, const float *centre,
                   const float *before, size_t k, float *bound, uint32_t *cluster, size_t *scanned,
                   struct cbtm_error *e);
