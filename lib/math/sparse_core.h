/* SPDX-License-Identifier: MIT */
/*
 * A sparse matrix arranged for many products with a a': its columns by falling number of entries,
 * so that what is used often lies together, and without those of a single entry, half of a
 * vocabulary: such a column adds to one element of the diagonal of a a' alone.
 *
 *   a a' = rows shared + diag(alone),   shared: the first rows of `columns`, the transpose of `rows`
 */
#pragma once
#include "math/sparse.h"

struct sparse_core {
	struct sparse_owned rows; /* a.rows x shared.rows */
	struct sparse_owned
		columns;               /* the transpose of all of a, a.columns x a.rows, in the new order */
	struct cbtm_sparse shared; /* its rows of two entries or more */
	uint32_t *place;           /* a.columns: the column of a that each of its rows is */
	float *alone;              /* a.rows: the sum of squares of entries that are alone */
};
/* Takes a copy of what it needs. Free with sparse_core_free. */
int sparse_core_make(struct pool *pool, const struct cbtm_sparse *a, struct sparse_core *core,
                     struct cbtm_error *e);
void sparse_core_free(struct sparse_core *core);
