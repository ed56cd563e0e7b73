/* SPDX-License-Identifier: MIT */
/*
 * Nearest centres in a series of steps, with a bound for each point (Hamerly 2010): no other centre
 * lies nearer than the bound, which shrinks by how far centres move. A point whose own centre is
 * nearer than that needs no look at the others. The assignments are those of lloyd_nearest, to the
 * bit: a bound decides only where it exceeds the distance by more than rounding could.
 */
#pragma once
#include "base/error.h"
#include "base/pool.h"
#include <stddef.h>
#include <stdint.h>

/*
 * before: the centres of the last call (k x d), NULL at the first. bound (n), cluster (n): kept by
 * the caller between calls. distance (n): squared, to the point's centre. *scanned: points that
 * were compared with all centres.
 */
int bounds_nearest(struct pool *pool, const float *x, size_t n, size_t d, const float *centre,
                   const float *before, size_t k, float *bound, uint32_t *cluster, double *distance,
                   size_t *scanned, struct cbtm_error *e);
