/* SPDX-License-Identifier: MIT */
/*
 * One pass over points and centres: which clusters can be a point's cheapest.
 *
 * The cost of point i in cluster j is v_ij = |c_j|^2 - 2 x_i . c_j: its squared distance without
 * |x_i|^2, which decides nothing. A pass forms blocks of products in float, keeps the clusters with
 * v_ij + p_j - h_j <= min_j (v_ij + p_j + h_j) + window, whatever float rounding did, and gives
 * their costs in double. So results are pure functions of a row: no dependence on blocks, threads
 * or the processor's instructions.
 */
#pragma once
#include "base/error.h"
#include "math/scan_kernel.h"
#include <stddef.h>
#include <stdint.h>

struct scan {
	const float *x; /* n x d */
	size_t n, d;
	const float *centre; /* k x d */
	size_t k;
	const double *price; /* k, or NULL: zeros */
	const double *half;  /* k, or NULL: h, half a window of each cluster's own; finite, >= 0 */
	double window;       /* >= 0, may be infinite */
	size_t step;         /* 0, 1 or more: row r of the scan is row r x step of x */
	double *square;      /* k: |c_j|^2, made by scan_open */
	struct scan_packing packing;
	double reach;  /* bound of |c_j|: of the float error of a score */
	double widest; /* of h */
};
/* Fills square, packing and reach from the other fields. Free with scan_close. */
int scan_open(struct scan *s, struct cbtm_error *e);
void scan_close(struct scan *s);

/* Called for each row, in order: the `count` >= 1 clusters kept, ascending, and their costs v
 * (without price; in double), which are left out if count is 1. Non-zero stops. */
typedef int scan_row(void *arg, size_t row, size_t count, const uint32_t *cluster, const double *v,
                     struct cbtm_error *e);
/* Rows [from, to), in the caller's thread. */
int scan_rows(const struct scan *s, size_t from, size_t to, scan_row *each, void *arg,
              struct cbtm_error *e);
