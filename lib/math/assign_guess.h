/* SPDX-License-Identifier: MIT */
/*
 * Where the prices of a balanced assignment will lie, guessed from samples of growing size, so that
 * few scans of all points are needed and their borders are narrow. A guess costs or saves time; it
 * moves no result.
 */
#pragma once
#include "math/assign_border.h"
#include <stdbool.h>

/*
 * Moves b->price (equal prices: a cold start) to a guess. half (k), out: half windows within which
 * the optimum is likely to lie. spread, out: s, the mean over points of (mean - least cost), of a
 * sample; 0 if all costs are equal but for rounding: then half means nothing. wild, out: whether s
 * says nothing of most points, because some clusters or points lie far off (assign_wild.h): then
 * half means nothing, and price is as it was.
 *
 * In a series (b->window > 0) b->cluster holds the last assignment, which was balanced: the loads
 * that a sample had under it are what its loads should be now. So a sample's noise is that of the
 * points that change sides, not of all its points (a control variate).
 */
int assign_guess(struct pool *pool, const struct cbtm_balance *b, const struct assign_units *u,
                 double *half, double *spread, bool *wild, struct cbtm_error *e);

/* Doubles half windows that hardly hold the move from start to price (k each), if any; else all. */
void assign_widen(const double *price, const double *start, double *half, size_t k);
