/* SPDX-License-Identifier: MIT */
/*
 * kernel: packed bf16 copies of matrices (struct tensor), made of 32 rows at a time: by AdamW while
 * the numbers are in the cache, and when cbtm has written a matrix.
 */
#pragma once

/* Stores of a pack that the caches do not hold until it is read: past them. */
static inline void store_pack(bool past, void *to, __m512i v)
{
	if (past)
		_mm512_stream_si512(to, v);
	else
		_mm512_storeu_si512(to, v);
}

/* 16 x 16 numbers of 32 bits, rows `stride` bytes apart -> columns as rows of 64 bytes. */
static void transpose16(const uint8_t *from, size_t stride, size_t rows, bool past, uint8_t *to,
                        size_t to_row, size_t columns)
{
	__m512i r[16], s[16];
	for (size_t i = 0; i < 16; i++)
		r[i] = i < rows ? _mm512_loadu_si512(from + i * stride) : _mm512_setzero_si512();
	for (int i = 0; i < 16; i += 2) {
		s[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
		s[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
	}
	for (int i = 0; i < 16; i += 4) {
		r[i] = _mm512_unpacklo_epi64(s[i], s[i + 2]);
		r[i + 1] = _mm512_unpackhi_epi64(s[i], s[i + 2]);
		r[i + 2] = _mm512_unpacklo_epi64(s[i + 1], s[i + 3]);
		r[i + 3] = _mm512_unpackhi_epi64(s[i + 1], s[i + 3]);
	}
	for (int i = 0; i < 4; i++) {
		s[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
		s[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xDD);
		s[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
		s[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xDD);
	}
	for (int i = 0; i < 8; i++) {
		r[i] = _mm512_shuffle_i32x4(s[i], s[i + 8], 0x88);
		r[i + 8] = _mm512_shuffle_i32x4(s[i], s[i + 8], 0xDD);
	}
	for (size_t i = 0; i < columns; i++)
		store_pack(past, to + i * to_row, r[i]);
}

/* bf16 rows -> a panel of 32 rows with their columns in pairs: [pairs][32][2], zeros for rows that
 * are not there. Rows are readable up to a multiple of 32 columns. */
static inline void pack_rows_by(const uint16_t *from, size_t stride, size_t rows, size_t pairs,
                                bool past, uint16_t *to)
{
	for (size_t p = 0; p < pairs; p += 16)
		for (size_t half = 0; half < 2; half++) {
			size_t first = least(rows, half * 16);
			transpose16((const uint8_t *)(from + first * stride + 2 * p), 2 * stride, rows - first,
			            past, (uint8_t *)(to + p * 2 * PANEL + half * PANEL), 4 * PANEL,
			            least(16, pairs - p));
		}
}

/* bf16 rows -> pairs of rows in panels of 32 columns, [columns / 32][..][32][2]. */
static inline void pair_rows_by(const uint16_t *from, size_t stride, size_t rows, size_t columns,
                                bool past, uint16_t *to, size_t panel, struct ahead *ahead)
{
	for (size_t r = 0; r < rows; r += 2)
		for (size_t j = 0; j < columns; j += PANEL) {
			const uint16_t *a = from + r * stride + j;
			uint16_t *at = to + j / PANEL * panel + r * PANEL;
			__m512i second = _mm512_setzero_si512(), pairs[2];
			if (r + 1 < rows)
				second = _mm512_loadu_si512(a + stride);
			store_pairs((uint16_t *)pairs, _mm512_loadu_si512(a), second);
			store_pack(past, at, pairs[0]);
			store_pack(past, at + PANEL, pairs[1]);
			fetch(ahead, 2);
		}
}

static void pack_rows(const uint16_t *from, size_t stride, size_t rows, size_t pairs, uint16_t *to)
{
	pack_rows_by(from, stride, rows, pairs, false, to);
}
static void pair_rows(const uint16_t *from, size_t stride, size_t rows, size_t columns,
                      uint16_t *to, size_t panel)
{
	pair_rows_by(from, stride, rows, columns, false, to, panel, NULL);
}

/* Both packs of rows [PACK_ROWS i, PACK_ROWS (i + 1)) of a matrix. */
static void mixed_pack(struct tensor *t, size_t i, float *scratch, struct ahead *ahead)
{
	size_t n = matrix_rows(t), k = t->columns, wide = round_up(k, PANEL);
	size_t g = i / blocks(n, PACK_ROWS), r0 = i % blocks(n, PACK_ROWS) * PACK_ROWS;
	size_t rows = least(PACK_ROWS, n - r0), pairs = blocks(k, 2);
	uint16_t *copy = (uint16_t *)scratch;
	const float *from = t->v + (g * n + r0) * k;
	for (size_t r = 0; r < rows; r++)
		for (size_t j = 0; j < k; j += PANEL) {
			struct lanes lanes = lanes_from(k, j);
			const float *x = from + r * k + j;
			vec low = load_lanes(x, lanes.half[0]), high = load_lanes(x + WIDTH, lanes.half[1]);
			_mm512_storeu_si512(copy + r * wide + j, bf16_of(low, high));
			fetch(ahead, 1);
		}
	if (t->by_row16)
		pack_rows_by(copy, wide, rows, pairs, t->past_caches,
		             t->by_row16 + g * t->by_row_size + r0 * 2 * pairs);
	if (t->by_column16)
		pair_rows_by(copy, wide, rows, k, t->past_caches,
		             t->by_column16 + g * t->by_column_size + r0 * PANEL, blocks(n, 2) * 2 * PANEL,
		             ahead);
	_mm_sfence();
}
