/* SPDX-License-Identifier: MIT */
/*
 * A growing set of long vectors (each of n elements), kept as the columns of row-major slabs, and
 * projections on it: what a Krylov method with full orthogonalisation needs. Products are cut into
 * chunks of rows that depend on n alone and are summed in order: the same bits for any threads.
 */
#pragma once
#include "base/pool.h"

enum { BASIS_SLAB = 128 }; /* vectors of a slab */

struct basis {
	struct pool *pool;
	size_t n, used;
	float **slab; /* each n x BASIS_SLAB */
	size_t slabs, room;
};

/* Frees what the basis holds. */
void basis_free(struct basis *b);
/* Appends the w columns of y (n x w); w divides BASIS_SLAB and is always the same. */
int basis_append(struct basis *b, const float *y, size_t w, struct cbtm_error *e);
/* c ((used - from) x w) = transpose of the vectors from `from` on times y (n x w). */
int basis_project(const struct basis *b, size_t from, const float *y, size_t w, float *c,
                  struct cbtm_error *e);
/* y (n x w) -= the vectors from `from` on times c ((used - from) x w). */
int basis_subtract(const struct basis *b, size_t from, const float *c, size_t w, float *y,
                   struct cbtm_error *e);
/* y (n x w) = all vectors times c (used x w). */
int basis_combine(const struct basis *b, const float *c, size_t w, float *y, struct cbtm_error *e);
