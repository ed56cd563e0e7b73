/* SPDX-License-Identifier: MIT */
/*
 * kernel: the forms of an activation (struct tensor), read and written two rows and 32 columns at a
 * time. Numbers are rounded to the nearest bf16, ties to even; what lies behind the last column is
 * zero in bf16 forms, and so is the second row of a last pair that has none.
 */
#pragma once

/* Two rows of a panel. */
struct two {
	vec a[2], b[2];
};

/* Where a block's rows of a tensor lie, from the block's first row on. */
struct place {
	float *v;
	uint16_t *rows, *pairs;
	size_t columns, stride, pair_panel;
};

static inline __m512i bf16_of(const vec v[2])
{
	return (__m512i)_mm512_cvtne2ps_pbh((__m512)v[1], (__m512)v[0]);
}

static inline vec vec_of_bf16(__m256i x)
{
	return (vec)_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}

static inline float float_of_bf16(uint16_t x)
{
	uint32_t bits = (uint32_t)x << 16;
	float v;
	memcpy(&v, &bits, sizeof v);
	return v;
}

/* The first n of the 16 or 32 lanes. */
static inline __mmask16 lanes16(size_t n)
{
	return (__mmask16)(n >= 16 ? 0xFFFF : (1u << n) - 1);
}
static inline __mmask32 lanes32(size_t n)
{
	return n >= 32 ? 0xFFFFFFFF : (1u << n) - 1;
}

static inline vec load_lanes(const float *p, size_t n)
{
	return (vec)_mm512_maskz_loadu_ps(lanes16(n), p);
}
static inline void store_lanes(float *p, size_t n, vec v)
{
	_mm512_mask_storeu_ps(p, lanes16(n), (__m512)v);
}

/* Number by number, a's and b's beside each other: 64 bf16. */
static inline void store_pairs(uint16_t *to, __m512i a, __m512i b)
{
	const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40,
	                                     8, 39, 7, 38, 6, 37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
	const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
	_mm512_storeu_si512(to, _mm512_permutex2var_epi16(a, low, b));
	_mm512_storeu_si512(to + 32, _mm512_permutex2var_epi16(a, high, b));
}

/* Lanes from column n - j on are zero. `both`: there is a row r + 1. */
static inline struct two take_two(const struct place *p, size_t r, size_t j, bool both)
{
	size_t n = p->columns - j, rest = n > WIDTH ? n - WIDTH : 0;
	struct two t = { { vec_set(0), vec_set(0) }, { vec_set(0), vec_set(0) } };
	if (p->v) {
		const float *v = p->v + r * p->columns + j;
		t.a[0] = load_lanes(v, n);
		t.a[1] = load_lanes(v + WIDTH, rest);
		if (both) {
			t.b[0] = load_lanes(v + p->columns, n);
			t.b[1] = load_lanes(v + p->columns + WIDTH, rest);
		}
	} else if (p->pairs) {
		const uint16_t *x = p->pairs + j / PANEL * p->pair_panel + r * PANEL;
		const __m512i high = _mm512_set1_epi32((int)0xFFFF0000);
		for (int i = 0; i < 2; i++) {
			__m512i pair = _mm512_loadu_si512(x + i * PANEL);
			t.a[i] = (vec)_mm512_slli_epi32(pair, 16);
			t.b[i] = (vec)_mm512_and_si512(pair, high);
		}
	} else {
		for (int i = 0; i < 2; i++) {
			const uint16_t *x = p->rows + r * p->stride + j + (size_t)i * WIDTH;
			t.a[i] = vec_of_bf16(_mm256_loadu_si256((const void *)x));
			if (both)
				t.b[i] = vec_of_bf16(_mm256_loadu_si256((const void *)(x + p->stride)));
		}
	}
	return t;
}

static inline void put_two(const struct place *p, size_t r, size_t j, bool both, struct two t)
{
	size_t n = p->columns - j, rest = n > WIDTH ? n - WIDTH : 0;
	if (p->v) {
		float *v = p->v + r * p->columns + j;
		store_lanes(v, n, t.a[0]);
		store_lanes(v + WIDTH, rest, t.a[1]);
		if (both) {
			store_lanes(v + p->columns, n, t.b[0]);
			store_lanes(v + p->columns + WIDTH, rest, t.b[1]);
		}
	}
	if (!p->rows && !p->pairs)
		return;
	__m512i a = _mm512_maskz_mov_epi16(lanes32(n), bf16_of(t.a));
	__m512i b = both ? _mm512_maskz_mov_epi16(lanes32(n), bf16_of(t.b)) : _mm512_setzero_si512();
	if (p->rows) {
		_mm512_storeu_si512(p->rows + r * p->stride + j, a);
		if (both)
			_mm512_storeu_si512(p->rows + (r + 1) * p->stride + j, b);
	}
	if (p->pairs)
		store_pairs(p->pairs + j / PANEL * p->pair_panel + r * PANEL, a, b);
}

/* A tensor's rows from r0 on. `scratch`: the thread's, where tensors local to a block lie. */
static inline struct place place_of(const struct tensor *t, size_t r0, float *scratch)
{
	struct place p = { .columns = t->columns, .stride = t->stride, .pair_panel = t->pair_panel };
	if (t->v)
		p.v = t->v + r0 * t->columns;
	if (t->local)
		p.rows = (uint16_t *)scratch + t->local_offset;
	else if (t->rows)
		p.rows = t->rows + r0 * t->stride;
	if (t->pairs)
		p.pairs = t->pairs + r0 * PANEL;
	return p;
}

/* bf16 forms of rows [r0, r0 + m), r0 a multiple of BLOCK: from the fp32 numbers, else from rows. */
static void make_forms(const struct tensor *t, size_t r0, size_t m)
{
	struct place from = place_of(t, r0, NULL), to = from;
	if (from.v)
		from.rows = from.pairs = NULL;
	else
		to.rows = NULL;
	from.pairs = NULL;
	to.v = NULL;
	for (size_t j = 0; j < t->columns; j += PANEL)
		for (size_t r = 0; r < m; r += 2)
			put_two(&to, r, j, r + 1 < m, take_two(&from, r, j, r + 1 < m));
}
