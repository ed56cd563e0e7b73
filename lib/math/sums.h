/* SPDX-License-Identifier: MIT */
/*
 * The sums of the points of each cluster, in double, kept from step to step of Lloyd's algorithm:
 * only points that changed their cluster are looked at. Means and objective follow from them:
 * sum_i w_i |x_i - c|^2 = sum_i w_i |x_i|^2 + sum_j (W_j |c_j|^2 - 2 c_j . S_j).
 */
#pragma once
#include "base/error.h"
#include "base/pool.h"
#include <stddef.h>
#include <stdint.h>

struct cbtm_sums;

/* Of n points x (n x d) with weights (n, or NULL: 1) that lie in none of k clusters yet. The points
 * stay the caller's and as they are. Free with sums_free. */
struct cbtm_sums *sums_new(struct pool *pool, const float *x, size_t n, size_t d,
                           const uint64_t *weight, size_t k, struct cbtm_error *e);
void sums_free(struct cbtm_sums *s); /* NULL is fine */

/* Moves each point to cluster[i] < k (n). *moved: how many were elsewhere before; n at the first
 * call. The same bits for any number of threads; not for any path of moves to an assignment. */
int sums_move(struct pool *pool, struct cbtm_sums *s, const uint32_t *cluster, size_t *moved,
              struct cbtm_error *e);

/* centre (k x d): each cluster's mean; a cluster without weight keeps the centre that it has. */
void sums_means(const struct cbtm_sums *s, float *centre);

/* The weighted sum of squared distances of all points to their clusters' centres (k x d). It errs
 * by rounding of sum_i w_i |x_i|^2, and is never negative. */
double sums_objective(const struct cbtm_sums *s, const float *centre);
