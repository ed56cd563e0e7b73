/* SPDX-License-Identifier: MIT */
/*
 * The balanced assignment: n points to k centres, every cluster full, the sum of squared
 * distances minimal. A transportation problem whose dual has only k prices:
 *
 *   primal  min sum_ij f_ij v_ij,  sum_j f_ij = w_i,  sum_i f_ij <= Q,  f >= 0
 *   dual    max over p >= 0 of  g(p) = sum_i w_i min_j (v_ij + p_j) - Q sum_j p_j
 *
 * so a point goes to argmin_j v_ij + p_j, and an optimum is proved by its prices. Documents: w = 1,
 * Q = ceil(n / k): the solution is whole. Weights (tokens): Q = sum w / k exactly, and at most
 * k - 1 points are split; each goes whole to one of its clusters, so that none exceeds Q by as much
 * as the heaviest point. Costs then count by weight.
 *
 * Never an n x k array: a pass over the points keeps those whose cheapest clusters lie within a
 * window of prices (math/scan.h); Newton steps on the smoothed dual move the prices
 * (assign_prices.h), shortest augmenting paths make the assignment exact (assign_flow.h); accepted
 * if no price moved further than the window: then no dropped candidate can matter.
 */
#pragma once
#include "base/pool.h"
#include <cbtm/host.h>

#define ASSIGN_MAX_CLUSTERS                                                                        \
	4096 /* prices and paths hold about 70 bytes for each pair of clusters */

/*
 * Solves b (include/cbtm/host.h says what is in and out). Prices that differ are a start, equal
 * ones a cold one. On return the least price is 0. gap: sum of f_ij (v_ij + p_j - min_j) over
 * max(objective, w s), s = mean over points of (mean - least cost), or of near clusters alone where
 * some lie far off (assign_wild.h); measured in double, of the unsplit optimum. objective: of the whole assignment, weighted; split_loss: what rounding added
 * to it. TOO_MANY_CLUSTERS if n < k; CONFIG above ASSIGN_MAX_CLUSTERS.
 */
int balanced_assign(struct pool *pool, struct cbtm_balance *b, struct cbtm_error *e);

/* The same; points <= `whole` / k are solved without a window (0: always with one): for tests. */
int balanced_assign_tuned(struct pool *pool, struct cbtm_balance *b, size_t whole,
                          struct cbtm_error *e);
