/* SPDX-License-Identifier: MIT */
/* The two halves of Lloyd's algorithm (1982) without constraints: nearest centres, and means. */
#pragma once
#include "base/error.h"
#include "base/pool.h"
#include <stddef.h>
#include <stdint.h>

/*
 * cluster (n): argmin_j ||x_i - c_j||^2 + p_j, ties to the lower j; price NULL: zeros. distance (n,
 * may be NULL): ||x_i - c||^2 to that cluster's centre. x: n x d, centre: k x d.
 * Distances are compared in double: a row's result depends on that row alone.
 */
int lloyd_nearest(struct pool *pool, const float *x, size_t n, size_t d, const float *centre,
                  size_t k, const double *price, uint32_t *cluster, double *distance,
                  struct cbtm_error *e);

/*
 * centre (k x d): each cluster's mean, weighted if weight (n) is given; a cluster without weight
 * keeps the centre that it has. size (k, may be NULL): points of each; total (k, may be NULL):
 * their weight.
 */
int lloyd_means(struct pool *pool, const float *x, size_t n, size_t d, const uint64_t *weight,
                const uint32_t *cluster, size_t k, float *centre, uint64_t *size, uint64_t *total,
                struct cbtm_error *e);
