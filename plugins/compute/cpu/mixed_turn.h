/* SPDX-License-Identifier: MIT */
/*
 * kernel: products with dy weight where a matrix is packed by its rows alone: [n / 32][k / 2][32][2],
 * pairs of columns. A piece of 2 x 32 columns and up to 2 x PAIR_BLOCK rows is turned into pairs of rows,
 * multiplied with while the first caches hold it, and thrown away: the same numbers in the same
 * order as from a pack of its own, but half the memory, and half the packing behind an update.
 */
#pragma once

enum { TURN_COLUMNS = 2 * PANEL, TURN_NUMBERS = 2 * PAIR_BLOCK * TURN_COLUMNS };
_Static_assert(TURN_NUMBERS / 2 == TURN_FLOATS, "what plan.c leaves for a piece");

/* 8 x 8 numbers of 64 bits: rows as columns. */
static inline void transpose8(__m512i r[8])
{
	__m512i s[8];
	for (int i = 0; i < 8; i += 2) {
		s[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
		s[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
	}
	for (int i = 0; i < 2; i++) {
		r[i] = _mm512_shuffle_i32x4(s[i], s[i + 2], 0x88);
		r[i + 2] = _mm512_shuffle_i32x4(s[i], s[i + 2], 0xDD);
		r[i + 4] = _mm512_shuffle_i32x4(s[i + 4], s[i + 6], 0x88);
		r[i + 6] = _mm512_shuffle_i32x4(s[i + 4], s[i + 6], 0xDD);
	}
	for (int i = 0; i < 4; i++) {
		s[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
		s[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xDD);
	}
	for (int i = 0; i < 8; i++)
		r[i] = s[i];
}

/* 32 rows of 32 columns, of which `pairs` pairs are there: [pairs][32][2] -> [16][32][2], zeros for
 * others. */
static inline void turn_square(const uint16_t *from, size_t pairs, uint16_t *to)
{
	const __m512i swap =
		_mm512_broadcast_i32x4(_mm_set_epi8(15, 14, 11, 10, 13, 12, 9, 8, 7, 6, 3, 2, 5, 4, 1, 0));
	for (size_t half = 0; half < 2; half++)
		for (size_t p = 0; p < 16; p += 8) {
			__m512i r[8];
			for (size_t i = 0; i < 8; i++) {
				const uint16_t *at = from + (p + i) * 2 * PANEL + half * PANEL;
				r[i] = p + i < pairs ? _mm512_loadu_si512(at) : _mm512_setzero_si512();
				r[i] = _mm512_shuffle_epi8(r[i], swap);
			}
			transpose8(r);
			for (size_t i = 0; i < 8; i++)
				_mm512_storeu_si512(to + (half * 8 + i) * 2 * PANEL + p * 4, r[i]);
		}
}

/* Columns [j, j + TURN_COLUMNS) of `count` pairs of rows from pair p (a multiple of 16) on of the packed
 * matrix g -> panels [PAIR_BLOCK][32][2]. */
static void turn(const struct tensor *t, size_t g, size_t j, size_t p, size_t count, uint16_t *to)
{
	size_t pairs = blocks(t->columns, 2);
	const uint16_t *from = t->by_row16 + g * t->by_row_size + p * 4 * pairs + j * PANEL;
	for (size_t i = 0; i < count; i += 16, from += 2 * PANEL * pairs, to += 2 * PANEL * 16)
		for (size_t half = 0; half < 2 && j / 2 + half * 16 < pairs; half++)
			turn_square(from + half * PANEL * PANEL, least(16, pairs - j / 2 - half * 16),
			            to + half * 2 * PANEL * PAIR_BLOCK);
}

/* Behind the piece from pair p on, the next one: where it lies in memory, to be fetched in 16 parts of
 * 4 KiB, the bytes returned apart. */
static size_t turn_next(const struct tensor *t, size_t g, size_t j, size_t p, size_t pairs,
                        const char **next)
{
	size_t columns = blocks(t->columns, 2);
	p += PAIR_BLOCK;
	if (p >= pairs) {
		p = 0;
		j += TURN_COLUMNS;
	}
	*next = (const char *)(t->by_row16 + g * t->by_row_size + p * 4 * columns + j * PANEL);
	return 4 * PANEL * columns;
}
