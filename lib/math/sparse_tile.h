/* SPDX-License-Identifier: MIT */
/*
 * The inner kernel of sparse times dense products: sparse rows times a panel of TILE columns. Each element
 * is summed alone and in one order, so vectors of any width give the same bits.
 */
#pragma once
#include <cbtm/host.h>

enum {
	TILE = 16,     /* columns: a cache line, so that the rows in use of a dense matrix stay near */
	TILE_RUN = 128 /* entries that are summed in float, even and odd ones apart, before they go into
	                * the sum in double */
};

/* One panel of a product: a times v (a->columns x TILE). Its row i goes to y + place[i] * step, or, place
 * being NULL, to y + (i - first) * step. */
struct sparse_product {
	const struct cbtm_sparse *a;
	const float *v;
	float *y;
	size_t step;
	const uint32_t *place;
	size_t first;
};

/* The rows [from, to) of the product. */
typedef void sparse_tile(const struct sparse_product *p, size_t from, size_t to);

/* The variants that this processor has: *n of them, the fastest first, the portable one last. */
struct sparse_variant {
	const char *name;
	sparse_tile *tile;
};
const struct sparse_variant *sparse_variants(size_t *n);
