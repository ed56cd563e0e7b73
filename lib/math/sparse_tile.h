/* SPDX-License-Identifier: MIT */
/*
 * The inner kernel of sparse times dense products: one sparse row times TILE columns. Each column
 * is summed alone and in the order of the entries, so vectors of any width give the same bits.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
	TILE = 16,     /* columns: a cache line, so that the rows in use of a dense matrix stay near */
	TILE_RUN = 128 /* entries that are summed in float before they go into the sum in double */
};

/* y (TILE) = sum over i < n of value[i] * v[column[i] * stride .. + TILE). known: how many columns lie
 * at `column`, n or more, those of the rows that come next behind them: their rows of v are fetched. */
typedef void sparse_tile(const float *value, const uint32_t *column, size_t n, size_t known,
                         const float *v, size_t stride, float *y);

/* The variants that this processor has: *n of them, the fastest first, the portable one last. */
struct sparse_variant {
	const char *name;
	sparse_tile *tile;
};
const struct sparse_variant *sparse_variants(size_t *n);
