/* SPDX-License-Identifier: MIT */
#include "math/scan_kernel.h"
#include "base/memory.h"
#include "math/dense.h"
#include "math/simd.h"
#include <math.h>
#include <stdlib.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define P SCAN_PANEL
/* Rows that a kernel does at once: as many as the registers hold sums for. */
enum { ROWS_AVX2 = 6, ROWS_AVX512 = 12 };
_Static_assert(SCAN_BLOCK % ROWS_AVX2 == 0 && SCAN_BLOCK % ROWS_AVX512 == 0, "whole groups");

int scan_packing_make(struct scan_packing *p, const float *centre, size_t k, size_t d,
                      const double *offset, const double *slack, struct cbtm_error *e)
{
	size_t width = (k + P - 1) / P * P;
	*p = (struct scan_packing){ .d = d, .k = k, .width = width };
	p->panel = mem_aligned(width, (d + 1) * sizeof *p->panel, "a scan", e);
	if (slack)
		p->slack = mem_aligned(width, sizeof *p->slack, "a scan", e);
	for (size_t j = 0; p->slack && j < width; j++)
		p->slack[j] = j < k ? (float)slack[j] : 0;
	for (size_t j = 0; p->panel && j < width; j++) {
		float *to = p->panel + j / P * P * (d + 1) + j % P;
		to[0] = j < k ? (float)offset[j] : INFINITY;
		for (size_t t = 0; t < d; t++)
			to[(t + 1) * P] = j < k ? centre[j * d + t] : 0;
		if (j < k && fabsf(to[0]) > p->largest)
			p->largest = fabsf(to[0]);
	}
	return e->name;
}

void scan_packing_free(struct scan_packing *p)
{
	free(p->slack), free(p->panel);
	p->slack = p->panel = NULL;
}

/* ---------------------------------------------------------------- portable */

static void scores_portable(const struct scan_packing *p, const float *const *row, size_t n,
                            float *score, float *square)
{
	for (size_t r = 0; r < n; r++) {
		float sum = 0;
		for (size_t t = 0; t < p->d; t++)
			sum += row[r][t] * row[r][t];
		square[r] = sum;
	}
	for (size_t j = 0; j < p->width; j += P) {
		const float *panel = p->panel + j * (p->d + 1);
		for (size_t r = 0; r < n; r++) {
			float sum[P];
			for (size_t c = 0; c < P; c++)
				sum[c] = -panel[c];
			for (size_t t = 0; t < p->d; t++)
				for (size_t c = 0; c < P; c++)
					sum[c] += row[r][t] * panel[(t + 1) * P + c];
			for (size_t c = 0; c < P; c++)
				score[r * p->width + j + c] = sum[c];
		}
	}
}

static size_t select_portable(const float *score, const float *slack, size_t width, float margin,
                              uint32_t *cluster)
{
	float best = -INFINITY;
	size_t count = 0;
	for (size_t j = 0; j < width; j++)
		best = score[j] > best ? score[j] : best;
	for (size_t j = 0; j < width; j++) {
		cluster[count] = (uint32_t)j;
		count += score[j] + (slack ? slack[j] : 0) >= best - margin;
	}
	return count;
}

static void best_portable(const float *score, size_t width, struct scan_best *best)
{
	*best = (struct scan_best){ score[0], -INFINITY, 0 };
	for (size_t j = 1; j < width; j++) {
		float lower = score[j] < best->score ? score[j] : best->score;
		best->second = lower > best->second ? lower : best->second;
		best->cluster = score[j] > best->score ? (uint32_t)j : best->cluster;
		best->score = score[j] > best->score ? score[j] : best->score;
	}
}

#if defined(__x86_64__)
/* ---------------------------------------------------------------- AVX2 */

__attribute__((target("avx2,fma"))) static inline float sum8(__m256 v)
{
	__m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
	four = _mm_add_ps(four, _mm_movehl_ps(four, four));
	return _mm_cvtss_f32(_mm_add_ss(four, _mm_shuffle_ps(four, four, 1)));
}

__attribute__((target("avx2,fma"))) static float square_avx2(const float *x, size_t d)
{
	__m256 sum = _mm256_setzero_ps();
	size_t t = 0;
	float rest = 0;
	for (; t + 8 <= d; t += 8) {
		__m256 v = _mm256_loadu_ps(x + t);
		sum = _mm256_fmadd_ps(v, v, sum);
	}
	for (; t < d; t++)
		rest += x[t] * x[t];
	return sum8(sum) + rest;
}

__attribute__((target("avx2,fma"))) static void
panel_avx2(const float *const *row, size_t d, const float *panel, float *score, size_t width)
{
	__m256 low[ROWS_AVX2], high[ROWS_AVX2];
	__m256 zero = _mm256_setzero_ps();
#pragma GCC unroll 6
	for (size_t r = 0; r < ROWS_AVX2; r++) {
		low[r] = _mm256_sub_ps(zero, _mm256_load_ps(panel));
		high[r] = _mm256_sub_ps(zero, _mm256_load_ps(panel + 8));
	}
	for (size_t t = 0; t < d; t++) {
		__m256 c0 = _mm256_load_ps(panel + (t + 1) * P);
		__m256 c1 = _mm256_load_ps(panel + (t + 1) * P + 8);
#pragma GCC unroll 6
		for (size_t r = 0; r < ROWS_AVX2; r++) {
			__m256 v = _mm256_broadcast_ss(row[r] + t);
			low[r] = _mm256_fmadd_ps(v, c0, low[r]);
			high[r] = _mm256_fmadd_ps(v, c1, high[r]);
		}
	}
#pragma GCC unroll 6
	for (size_t r = 0; r < ROWS_AVX2; r++) {
		_mm256_storeu_ps(score + r * width, low[r]);
		_mm256_storeu_ps(score + r * width + 8, high[r]);
	}
}

__attribute__((target("avx2,fma"))) static size_t
select_avx2(const float *score, const float *slack, size_t width, float margin, uint32_t *cluster)
{
	__m256 most = _mm256_set1_ps(-INFINITY);
	for (size_t j = 0; j < width; j += 8)
		most = _mm256_max_ps(_mm256_loadu_ps(score + j), most);
	__m128 four = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps(most, 1));
	four = _mm_max_ps(four, _mm_movehl_ps(four, four));
	float best = _mm_cvtss_f32(_mm_max_ss(four, _mm_shuffle_ps(four, four, 1)));
	__m256 cut = _mm256_set1_ps(best - margin);
	size_t count = 0;
	for (size_t j = 0; j < width; j += 8) {
		__m256 v = _mm256_loadu_ps(score + j);
		if (slack)
			v = _mm256_add_ps(v, _mm256_load_ps(slack + j));
		__m256 near = _mm256_cmp_ps(v, cut, _CMP_GE_OQ);
		for (int mask = _mm256_movemask_ps(near); mask; mask &= mask - 1)
			cluster[count++] = (uint32_t)j + (uint32_t)__builtin_ctz((unsigned)mask);
	}
	return count;
}

/* Lanes of bests and seconds, then across them. */
__attribute__((target("avx2,fma"))) static void best_avx2(const float *score, size_t width,
                                                          struct scan_best *best)
{
	__m256 most = _mm256_loadu_ps(score), second = _mm256_set1_ps(-INFINITY);
	__m256i at = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), lane = at;
	for (size_t j = 8; j < width; j += 8) {
		__m256 v = _mm256_loadu_ps(score + j);
		__m256i here = _mm256_add_epi32(lane, _mm256_set1_epi32((int)j));
		__m256 more = _mm256_cmp_ps(v, most, _CMP_GT_OQ);
		second = _mm256_max_ps(second, _mm256_min_ps(v, most));
		most = _mm256_max_ps(most, v);
		at = _mm256_blendv_epi8(at, here, _mm256_castps_si256(more));
	}
	float top[8], other[8];
	uint32_t cluster[8];
	_mm256_storeu_ps(top, most);
	_mm256_storeu_ps(other, second);
	_mm256_storeu_si256((__m256i *)cluster, at);
	best_portable(top, 8, best);
	for (size_t c = 0; c < 8; c++)
		best->second = other[c] > best->second ? other[c] : best->second;
	best->cluster = cluster[best->cluster];
}

/* ---------------------------------------------------------------- AVX-512 */

__attribute__((target("avx512f"))) static void best_avx512(const float *score, size_t width,
                                                           struct scan_best *best)
{
	__m512 most = _mm512_loadu_ps(score), second = _mm512_set1_ps(-INFINITY);
	__m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	__m512i at = lane;
	for (size_t j = P; j < width; j += P) {
		__m512 v = _mm512_loadu_ps(score + j);
		__mmask16 more = _mm512_cmp_ps_mask(v, most, _CMP_GT_OQ);
		second = _mm512_max_ps(second, _mm512_min_ps(v, most));
		most = _mm512_max_ps(most, v);
		at = _mm512_mask_add_epi32(at, more, lane, _mm512_set1_epi32((int)j));
	}
	best->score = _mm512_reduce_max_ps(most);
	unsigned top = _mm512_cmp_ps_mask(most, _mm512_set1_ps(best->score), _CMP_EQ_OQ);
	unsigned one = top & -top; /* 0 only where nothing is a number */
	uint32_t cluster[P];
	second = _mm512_max_ps(second,
	                       _mm512_mask_blend_ps((__mmask16)one, most, _mm512_set1_ps(-INFINITY)));
	best->second = _mm512_reduce_max_ps(second);
	_mm512_storeu_si512(cluster, at);
	best->cluster = one ? cluster[__builtin_ctz(one)] : 0;
}

__attribute__((target("avx512f"))) static void
panel_avx512(const float *const *row, size_t d, const float *panel, float *score, size_t width)
{
	__m512 sum[ROWS_AVX512];
#pragma GCC unroll 12
	for (size_t r = 0; r < ROWS_AVX512; r++)
		sum[r] = _mm512_sub_ps(_mm512_setzero_ps(), _mm512_load_ps(panel));
	for (size_t t = 0; t < d; t++) {
		__m512 c = _mm512_load_ps(panel + (t + 1) * P);
#pragma GCC unroll 12
		for (size_t r = 0; r < ROWS_AVX512; r++)
			sum[r] = _mm512_fmadd_ps(_mm512_set1_ps(row[r][t]), c, sum[r]);
	}
#pragma GCC unroll 12
	for (size_t r = 0; r < ROWS_AVX512; r++)
		_mm512_storeu_ps(score + r * width, sum[r]);
}

__attribute__((target("avx512f"))) static size_t
select_avx512(const float *score, const float *slack, size_t width, float margin, uint32_t *cluster)
{
	__m512 most = _mm512_set1_ps(-INFINITY);
	for (size_t j = 0; j < width; j += P)
		most = _mm512_max_ps(_mm512_loadu_ps(score + j), most);
	__m512 cut = _mm512_set1_ps(_mm512_reduce_max_ps(most) - margin);
	size_t count = 0;
	for (size_t j = 0; j < width; j += P) {
		__m512 v = _mm512_loadu_ps(score + j);
		if (slack)
			v = _mm512_add_ps(v, _mm512_load_ps(slack + j));
		__mmask16 near = _mm512_cmp_ps_mask(v, cut, _CMP_GE_OQ);
		for (unsigned mask = near; mask; mask &= mask - 1)
			cluster[count++] = (uint32_t)j + (uint32_t)__builtin_ctz(mask);
	}
	return count;
}

static void scores_x86(const struct scan_packing *p, const float *const *row, size_t n,
                       float *score, float *square, bool wide)
{
	size_t rows = wide ? ROWS_AVX512 : ROWS_AVX2;
	const float *last[ROWS_AVX512];
	for (size_t r = 0; r < n; r++)
		square[r] = square_avx2(row[r], p->d);
	/* Behind the last row of a group that is not full it comes again. */
	for (size_t r = 0; r < rows; r++)
		last[r] = row[n / rows * rows + r < n ? n / rows * rows + r : n - 1];
	for (size_t j = 0; j < p->width; j += P)
		for (size_t first = 0; first < n; first += rows) {
			const float *panel = p->panel + j * (p->d + 1);
			const float *const *group = first + rows <= n ? row + first : last;
			float *to = score + first * p->width + j;
			if (wide)
				panel_avx512(group, p->d, panel, to, p->width);
			else
				panel_avx2(group, p->d, panel, to, p->width);
		}
}
#endif

void scan_scores(const struct scan_packing *p, const float *const *row, size_t n, float *score,
                 float *square)
{
	enum simd_level level = simd_level();
	if (level == SIMD_NONE)
		scores_portable(p, row, n, score, square);
#if defined(__x86_64__)
	else if (n)
		scores_x86(p, row, n, score, square, level == SIMD_AVX512);
#endif
}

size_t scan_select(const struct scan_packing *p, const float *score, float margin,
                   uint32_t *cluster)
{
	enum simd_level level = simd_level();
	size_t count = 0;
	if (level == SIMD_NONE)
		count = select_portable(score, p->slack, p->width, margin, cluster);
#if defined(__x86_64__)
	else if (level == SIMD_AVX2)
		count = select_avx2(score, p->slack, p->width, margin, cluster);
	else
		count = select_avx512(score, p->slack, p->width, margin, cluster);
#endif
	while (count && cluster[count - 1] >= p->k) /* an infinite margin takes the padding too */
		count--;
	return count;
}

void scan_bests(const struct scan_packing *p, const float *score, size_t n, struct scan_best *best)
{
	enum simd_level level = simd_level();
	for (size_t r = 0; r < n; r++) {
		const float *row = score + r * p->width;
		if (level == SIMD_NONE)
			best_portable(row, p->width, &best[r]);
#if defined(__x86_64__)
		else if (level == SIMD_AVX2)
			best_avx2(row, p->width, &best[r]);
		else
			best_avx512(row, p->width, &best[r]);
#endif
	}
}
