/* SPDX-License-Identifier: MIT */
/*
 * kernel: matrix products of bf16 operands with sums in fp32. Both operands hold their inner index
 * in pairs, 32 bits each. The left one is read at a[row i + step p], pair p of row i: so it may be
 * row-major, or a copy in pairs of tokens (struct tensor) taken crosswise. The right one lies in
 * panels [pairs][32][2]. Each element is one chain of vdpbf16ps, pairs ascending, wherever its
 * row stands.
 */
#pragma once

enum {
	PAIR_BLOCK = 256, /* pairs whose panel stays in the first cache while all rows pass by */
	MIXED_TILE = 8    /* rows of the register tile; it is two vectors wide */
};

static inline __m512bh pair_of(const uint16_t *a)
{
	int32_t x;
	memcpy(&x, a, sizeof x);
	return (__m512bh)_mm512_set1_epi32(x);
}

/* row, step: in bf16 numbers. What follows `next` is fetched. */
static inline __attribute__((always_inline)) void
mixed_tile(const int rows, size_t pairs, const uint16_t *a, size_t row, size_t step,
           const uint16_t *b, float *c, size_t c_row, bool add, const char *next)
{
	__m512 acc[MIXED_TILE][2];
#pragma GCC unroll 8
	for (int r = 0; r < rows; r++) {
		acc[r][0] = add ? _mm512_loadu_ps(c + (size_t)r * c_row) : _mm512_setzero_ps();
		acc[r][1] = add ? _mm512_loadu_ps(c + (size_t)r * c_row + 16) : _mm512_setzero_ps();
	}
	for (size_t p = 0; p < pairs; p++, a += step, b += 2 * PANEL, next += 16) {
		_mm_prefetch(next, _MM_HINT_T0);
		__m512bh b0 = (__m512bh)_mm512_loadu_si512(b), b1 = (__m512bh)_mm512_loadu_si512(b + PANEL);
#pragma GCC unroll 8
		for (int r = 0; r < rows; r++) {
			__m512bh x = pair_of(a + (size_t)r * row);
			acc[r][0] = _mm512_dpbf16_ps(acc[r][0], x, b0);
			acc[r][1] = _mm512_dpbf16_ps(acc[r][1], x, b1);
		}
	}
#pragma GCC unroll 8
	for (int r = 0; r < rows; r++) {
		_mm512_storeu_ps(c + (size_t)r * c_row, acc[r][0]);
		_mm512_storeu_ps(c + (size_t)r * c_row + 16, acc[r][1]);
	}
}

/* c[m x 32] = (or, with `add`, +=) a times one panel, all pairs at once. Tile by tile a part of what
 * will be needed next is fetched, `jump` bytes apart. */
static void mixed_rows_fetching(size_t m, size_t pairs, const uint16_t *a, size_t row, size_t step,
                                const uint16_t *b, float *c, size_t c_row, bool add,
                                const char *next, size_t jump)
{
	for (; m >= MIXED_TILE;
	     m -= MIXED_TILE, a += MIXED_TILE * row, c += MIXED_TILE * c_row, next += jump)
		mixed_tile(MIXED_TILE, pairs, a, row, step, b, c, c_row, add, next);
	for (; m >= 4; m -= 4, a += 4 * row, c += 4 * c_row)
		mixed_tile(4, pairs, a, row, step, b, c, c_row, add, next);
	for (; m; m--, a += row, c += c_row)
		mixed_tile(1, pairs, a, row, step, b, c, c_row, add, next);
}

/* The same; the next panel is fetched. */
static void mixed_rows(size_t m, size_t pairs, const uint16_t *a, size_t row, size_t step,
                       const uint16_t *b, float *c, size_t c_row, bool add)
{
	mixed_rows_fetching(m, pairs, a, row, step, b, c, c_row, add,
	                    (const char *)(b + 2 * PANEL * pairs), 16 * pairs);
}

/* Pairs of a block of an inner index: blocks of about equal size, at most PAIR_BLOCK, so that each one
 * fetches the whole next one. */
static inline size_t pair_block(size_t pairs)
{
	return pairs > PAIR_BLOCK ? round_up(blocks(pairs, blocks(pairs, PAIR_BLOCK)), 16) : PAIR_BLOCK;
}

/* The same, block of pairs by block. */
static void mixed_panel(size_t m, size_t pairs, const uint16_t *a, size_t row, size_t step,
                        const uint16_t *b, float *c, size_t c_row, bool add)
{
	size_t block = pair_block(pairs);
	for (size_t p = 0; p < pairs; p += block, add = true)
		mixed_rows(m, least(block, pairs - p), a + p * step, row, step, b + p * 2 * PANEL, c, c_row,
		           add);
}
