/* SPDX-License-Identifier: MIT */
/*
 * kernel: the forms of an activation (struct tensor), read and written panel by panel: BLOCK rows of
 * 32 columns, a buffer of fp32 numbers that stays in the first cache. Numbers are rounded to the
 * nearest bf16, ties to even; what lies behind the last column is zero in bf16 forms, and so is the
 * second row of a last pair that has none.
 */
#pragma once

/* Where a block's rows of a tensor lie, from the block's first row on. */
struct place {
	float *v;
	uint16_t *rows, *pairs;
	size_t columns, stride, pair_panel;
};

/* 32 numbers. */
static inline __m512i bf16_of(vec low, vec high)
{
	return (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
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

/*
 * 2^t for softmax, whose results are rounded to bf16 or are sums of such: t = n + f, n whole, 0 <= f <
 * 1; 2^f by a polynomial with the value 1 at 0, largest relative error 3e-6 (least there is of degree
 * 4). Infinities and what lies below the smallest number come out right.
 */
static const float LOG2_E = 1.44269504088896341f;
static inline vec vec_power(vec t)
{
	vec f = (vec)_mm512_reduce_ps((__m512)t, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
	vec p = vec_fma(f, vec_set(0.0134266847f), vec_set(0.0522424728f));
	p = vec_fma(p, f, vec_set(0.2412802130f));
	p = vec_fma(p, f, vec_set(0.6930448413f));
	p = vec_fma(p, f, vec_set(1));
	return (vec)_mm512_scalef_ps((__m512)p, (__m512)t);
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

/* The lanes of a panel from column j on that are in a matrix of n columns. */
struct lanes {
	__mmask32 all;
	__mmask16 half[2];
};

static inline struct lanes lanes_from(size_t n, size_t j)
{
	__mmask32 all = lanes32(n - j);
	return (struct lanes){ all, { (__mmask16)all, (__mmask16)(all >> 16) } };
}

static inline vec load_lanes(const float *p, __mmask16 lanes)
{
	return (vec)_mm512_maskz_loadu_ps(lanes, p);
}
static inline void store_lanes(float *p, __mmask16 lanes, vec v)
{
	_mm512_mask_storeu_ps(p, lanes, (__m512)v);
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

/* m rows of the panel from column j on into `to`; lanes behind the last column are zero. */
static void take_panel(const struct place *p, size_t j, size_t m, float *to)
{
	struct lanes lanes = lanes_from(p->columns, j);
	if (p->v) {
		const float *from = p->v + j;
		for (size_t r = 0; r < m; r++, from += p->columns, to += PANEL) {
			vec_store(to, load_lanes(from, lanes.half[0]));
			vec_store(to + WIDTH, load_lanes(from + WIDTH, lanes.half[1]));
		}
	} else if (p->pairs) {
		const uint16_t *from = p->pairs + j / PANEL * p->pair_panel;
		for (size_t r = 0; r < m; r += 2, from += 2 * PANEL, to += 2 * PANEL)
			for (size_t i = 0; i < 2; i++) {
				__m512i pair = _mm512_loadu_si512(from + i * PANEL);
				__m512i second = _mm512_and_si512(pair, _mm512_set1_epi32((int)0xFFFF0000));
				vec_store(to + i * WIDTH, (vec)_mm512_slli_epi32(pair, 16));
				if (r + 1 < m)
					vec_store(to + PANEL + i * WIDTH, (vec)second);
			}
	} else {
		const uint16_t *from = p->rows + j;
		for (size_t r = 0; r < m; r++, from += p->stride, to += PANEL)
			for (size_t i = 0; i < PANEL; i += WIDTH)
				vec_store(to + i, vec_of_bf16(_mm256_loadu_si256((const void *)(from + i))));
	}
}

static inline __m512i row_of_panel(const float *from, struct lanes lanes)
{
	return _mm512_maskz_mov_epi16(lanes.all, bf16_of(vec_load(from), vec_load(from + WIDTH)));
}

/* The other way, into all forms that there are. */
static void put_panel(const struct place *p, size_t j, size_t m, const float *from)
{
	struct lanes lanes = lanes_from(p->columns, j);
	if (p->v) {
		float *to = p->v + j;
		for (size_t r = 0; r < m; r++, to += p->columns) {
			store_lanes(to, lanes.half[0], vec_load(from + r * PANEL));
			store_lanes(to + WIDTH, lanes.half[1], vec_load(from + r * PANEL + WIDTH));
		}
	}
	if (p->rows) {
		uint16_t *to = p->rows + j;
		for (size_t r = 0; r < m; r++, to += p->stride)
			_mm512_storeu_si512(to, row_of_panel(from + r * PANEL, lanes));
	}
	if (p->pairs) {
		uint16_t *to = p->pairs + j / PANEL * p->pair_panel;
		for (size_t r = 0; r < m; r += 2, from += 2 * PANEL, to += 2 * PANEL) {
			__m512i second = _mm512_setzero_si512();
			if (r + 1 < m)
				second = row_of_panel(from + PANEL, lanes);
			store_pairs(to, row_of_panel(from, lanes), second);
		}
	}
}

static inline unsigned forms_of(const struct place *p)
{
	return (p->v ? FORM_F32 : 0) | (p->rows ? FORM_ROWS : 0) | (p->pairs ? FORM_PAIRS : 0);
}

/* Rows r (even) and, if it is there, r + 1 of the panel from column j on, from registers into the place's
 * `forms`; `whole`: all 32 columns are there. */
static inline __attribute__((always_inline)) void put_two(const struct place *p,
                                                          const unsigned forms, size_t j, size_t r,
                                                          const bool whole, struct lanes lanes,
                                                          bool second, vec v[2][2])
{
	__m512i row[2] = { bf16_of(v[0][0], v[0][1]), bf16_of(v[1][0], v[1][1]) };
	if (!whole)
		for (size_t i = 0; i < 2; i++)
			row[i] = _mm512_maskz_mov_epi16(lanes.all, row[i]);
	if (!second)
		row[1] = _mm512_setzero_si512();
	for (size_t i = 0; i < (second ? 2 : 1); i++) {
		float *to = p->v + (r + i) * p->columns + j;
		for (size_t k = 0; k < 2 && forms & FORM_F32; k++)
			store_lanes(to + k * WIDTH, whole ? 0xFFFF : lanes.half[k], v[i][k]);
		if (forms & FORM_ROWS)
			_mm512_storeu_si512(p->rows + (r + i) * p->stride + j, row[i]);
	}
	if (forms & FORM_PAIRS)
		store_pairs(p->pairs + j / PANEL * p->pair_panel + r * PANEL, row[0], row[1]);
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
	float panel[BLOCK * PANEL] __attribute__((aligned(64)));
	to.v = NULL;
	from.pairs = NULL;
	if (from.v)
		from.rows = NULL;
	else
		to.rows = NULL;
	for (size_t j = 0; j < t->columns; j += PANEL) {
		if (from.v) {
			take_panel(&from, j, m, panel);
			put_panel(&to, j, m, panel);
			continue;
		}
		const uint16_t *row = from.rows + j;
		uint16_t *pairs = to.pairs + j / PANEL * to.pair_panel;
		for (size_t r = 0; r < m; r += 2, row += 2 * from.stride, pairs += 2 * PANEL) {
			bool second = r + 1 < m;
			store_pairs(pairs, _mm512_loadu_si512(row),
			            second ? _mm512_loadu_si512(row + from.stride) : _mm512_setzero_si512());
		}
	}
}
