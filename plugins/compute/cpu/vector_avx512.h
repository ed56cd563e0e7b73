/* SPDX-License-Identifier: MIT */
/* Vectors of 16 floats, AVX-512F. The compiler's vector types do + - * / and comparisons. */
#pragma once
#include <immintrin.h>
#include <stdint.h>

enum { WIDTH = 16, TILE = 8 }; /* TILE: rows of a product's register tile, two vectors wide */
typedef float vec __attribute__((vector_size(64)));
typedef int32_t ivec __attribute__((vector_size(64)));

static inline vec vec_load(const float *p)
{
	return (vec)_mm512_loadu_ps(p);
}
static inline void vec_store(float *p, vec v)
{
	_mm512_storeu_ps(p, (__m512)v);
}
static inline vec vec_set(float x)
{
	return (vec)_mm512_set1_ps(x);
}
static inline vec vec_fma(vec a, vec b, vec c)
{
	return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
static inline vec vec_max(vec a, vec b)
{
	return (vec)_mm512_max_ps((__m512)a, (__m512)b);
}
