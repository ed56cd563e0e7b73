/* SPDX-License-Identifier: MIT */
#include "math/row.h"
#include "math/simd.h"
#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Vectors that may lie anywhere. */
typedef float floats4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef double doubles2 __attribute__((vector_size(16), aligned(8), may_alias));
typedef double doubles4 __attribute__((vector_size(32), aligned(8), may_alias));
typedef double doubles8 __attribute__((vector_size(64), aligned(8), may_alias));
typedef int64_t longs2 __attribute__((vector_size(16), aligned(8), may_alias));
typedef uint64_t words2 __attribute__((vector_size(16), aligned(8), may_alias));
typedef int64_t longs4 __attribute__((vector_size(32), aligned(8), may_alias));
typedef uint64_t words4 __attribute__((vector_size(32), aligned(8), may_alias));
typedef int64_t longs8 __attribute__((vector_size(64), aligned(8), may_alias));
typedef uint64_t words8 __attribute__((vector_size(64), aligned(8), may_alias));

#define ROW(name) name##_portable
#define ROW_TARGET
#define ROW_WIDEN4(p) __builtin_convertvector(*(const floats4 *)(p), doubles4)
#define ROW_DOUBLES doubles2
#define ROW_LONGS longs2
#define ROW_WORDS words2
#include "math/row_body.inc"

#if defined(__x86_64__)
#undef ROW
#undef ROW_TARGET
#undef ROW_WIDEN4
#undef ROW_DOUBLES
#undef ROW_LONGS
#undef ROW_WORDS
#define ROW(name) name##_avx2
#define ROW_TARGET __attribute__((target("avx2")))
#define ROW_WIDEN4(p) (doubles4) _mm256_cvtps_pd(_mm_loadu_ps(p))
#define ROW_DOUBLES doubles4
#define ROW_LONGS longs4
#define ROW_WORDS words4
#include "math/row_body.inc"
#undef ROW
#undef ROW_TARGET
#undef ROW_DOUBLES
#undef ROW_LONGS
#undef ROW_WORDS
#define ROW(name) name##_avx512
#define ROW_TARGET __attribute__((target("avx512f")))
#define ROW_DOUBLES doubles8
#define ROW_LONGS longs8
#define ROW_WORDS words8
#include "math/row_body.inc"
#else
#define dot_avx2 dot_portable
#define distance_avx2 distance_portable
#define add_avx2 add_portable
#define exp_avx2 exp_portable
#define dot_avx512 dot_portable
#define distance_avx512 distance_portable
#define add_avx512 add_portable
#define exp_avx512 exp_portable
#endif

static const struct {
	double (*dot)(const float *, const float *, size_t);
	double (*distance)(const float *, const float *, size_t);
	void (*add)(double *, const float *, double, size_t);
	void (*exp)(const double *, double *, size_t);
} kernel[] = { [SIMD_NONE] = { dot_portable, distance_portable, add_portable, exp_portable },
	           [SIMD_AVX2] = { dot_avx2, distance_avx2, add_avx2, exp_avx2 },
	           [SIMD_AVX512] = { dot_avx512, distance_avx512, add_avx512, exp_avx512 } };

double row_dot(const float *a, const float *b, size_t d)
{
	return kernel[simd_level()].dot(a, b, d);
}

double row_distance(const float *a, const float *b, size_t d)
{
	return kernel[simd_level()].distance(a, b, d);
}

void row_add(double *sum, const float *x, double weight, size_t d)
{
	kernel[simd_level()].add(sum, x, weight, d);
}

void row_exp(const double *x, double *y, size_t n)
{
	kernel[simd_level()].exp(x, y, n);
}
