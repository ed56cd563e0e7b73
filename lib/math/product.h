/* SPDX-License-Identifier: MIT */
/*
 * The inner kernels of dense products, safe on many threads at once: OpenBLAS as Debian builds it
 * without threads shares one buffer between callers and then gives wrong products now and then.
 * Each element is summed alone, in the order of the depth, in runs of PRODUCT_RUN that are then
 * added up: the same bits for vectors of any width and for any cutting into rows and columns.
 */
#pragma once
#include <stddef.h>

enum {
	PRODUCT_ROWS = 8,   /* rows and */
	PRODUCT_WIDTH = 32, /* columns of a tile whose sums stay in registers */
	PRODUCT_RUN = 64    /* depth of a run: the first cache holds its rows of a basis */
};

/* Element (i, j) of a matrix is at[i * row + j * column]: rows, columns or transposes of others. */
struct view {
	const float *at;
	size_t row, column;
};

/* c (m x n, rows `stride` apart) += a (m x depth) times b (depth x n). */
void product_add(size_t m, size_t n, size_t depth, struct view a, struct view b, float *c,
                 size_t stride);
/* g (m x m) += transpose of x (rows x m, contiguous) times x: the upper triangle and what lies in
 * its tiles. */
void product_gram(size_t rows, size_t m, const double *x, double *g);

/* The variants that this processor has: *n of them, the fastest first, the portable one last.
 * tile: c (rows x columns, `stride` apart) += sum over p < depth of a(i, p) panel[p], whose rows are
 * PRODUCT_WIDTH apart; rows <= PRODUCT_ROWS, columns 16 or PRODUCT_WIDTH.
 * gram: g (rows <= 4, x 16) += sum over p < depth of left[p * m + i] right[p * m ..]. */
struct product_variant {
	const char *name;
	void (*tile)(struct view a, size_t rows, size_t depth, const float *panel, size_t columns,
	             float *c, size_t stride);
	void (*gram)(const double *left, const double *right, size_t m, size_t rows, size_t depth,
	             double *g);
};
const struct product_variant *product_variants(size_t *n);
