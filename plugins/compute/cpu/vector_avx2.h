/* SPDX-License-Identifier: MIT */
/* Vectors of 8 floats, AVX2 and FMA. The compiler's vector types do + - * / and comparisons. */
#pragma once
#include <immintrin.h>
#include <stdint.h>

enum { WIDTH = 8, TILE = 6 }; /* TILE: rows of a product's register tile, two vectors wide */
typedef float vec __attribute__((vector_size(32)));
typedef int32_t ivec __attribute__((vector_size(32)));

static inline vec vec_load(const float *p)
{
	return (vec)_mm256_loadu_ps(p);
}
static inline void vec_store(float *p, vec v)
{
	_mm256_storeu_ps(p, (__m256)v);
}
static inline vec vec_set(float x)
{
	return (vec)_mm256_set1_ps(x);
}
static inline vec vec_fma(vec a, vec b, vec c)
{
	return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
static inline vec vec_max(vec a, vec b)
{
	return (vec)_mm256_max_ps((__m256)a, (__m256)b);
}
