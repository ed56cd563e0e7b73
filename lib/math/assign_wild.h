/* SPDX-License-Identifier: MIT */
/*
 * Prices where costs have no scale in common: a cluster that lies a million times further off than
 * the others makes mean costs say nothing of most points. What is done here compares and ranks
 * costs, and asks no size of them; it takes longer than assign_guess, and no longer for any input.
 */
#pragma once
#include "math/assign_border.h"

/* How far apart the nearer clusters lie: the median over a border's groups, which hold all costs,
 * of (the k / 4-th least - the least cost). 0 for few clusters, and where most groups tie. */
double assign_typical(const struct border *b, size_t k, struct cbtm_error *e);

/*
 * Moves b->price (k) to an exact optimum of a sample of the rows; half (k), out: half windows that
 * hold so many of its points that the optimum of all is likely to lie within; typical, out: see
 * above. Work: at most about rows x k^2, rows = 2048 or, if more, 2 k.
 */
int assign_wild(struct pool *pool, const struct cbtm_balance *b, double *half, double *typical,
                struct cbtm_error *e);
