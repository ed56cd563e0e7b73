/* SPDX-License-Identifier: MIT */
/* Sparse matrices in compressed rows (struct cbtm_sparse) times dense ones. */
#pragma once
#include "base/pool.h"
#include <cbtm/host.h>

/*
 * y (rows x d) = a (rows x columns) times v (columns x d), row-major, each element of y summed in
 * one order of a's entries (sparse_tile.h), in double over runs that are summed in float: no
 * dependence on threads or on the processor's vectors. NULL pool: in the caller.
 */
int sparse_times_dense(struct pool *pool, const struct cbtm_sparse *a, const float *v, size_t d,
                       float *y, struct cbtm_error *e);
/* The same of a v in panels, one behind the other: columns x TILE floats each, on 64 bytes, those
 * behind column d of the last one anything finite. Row i of the product goes to row place[i] of y
 * (place: a->rows numbers; NULL: i). */
int sparse_times_panels(struct pool *pool, const struct cbtm_sparse *a, const float *v, size_t d,
                        const uint32_t *place, float *y, struct cbtm_error *e);

/* The transpose, with entries of a row in ascending order; column c of a is its row went[c] (NULL:
 * c). Free with sparse_free. */
struct sparse_owned {
	struct cbtm_sparse matrix; /* points into what follows */
	uint64_t *start;
	uint32_t *column;
	float *value;
};
int sparse_transpose(const struct cbtm_sparse *a, const uint32_t *went, struct sparse_owned *t,
                     struct cbtm_error *e);
void sparse_free(struct sparse_owned *t);

/* BAD_DATA unless starts ascend from 0 and columns lie in range. */
int sparse_check(const struct cbtm_sparse *a, struct cbtm_error *e);
