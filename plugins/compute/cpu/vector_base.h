/* SPDX-License-Identifier: MIT */
/* Vectors of 4 floats for any processor: what the compiler makes of its vector types. */
#pragma once
#include <stdint.h>
#include <string.h>

enum { WIDTH = 4, TILE = 4 };
typedef float vec __attribute__((vector_size(16)));
typedef int32_t ivec __attribute__((vector_size(16)));

static inline vec vec_load(const float *p)
{
	vec v;
	memcpy(&v, p, sizeof v);
	return v;
}
static inline void vec_store(float *p, vec v)
{
	memcpy(p, &v, sizeof v);
}
static inline vec vec_set(float x)
{
	return (vec){ x, x, x, x };
}
static inline vec vec_fma(vec a, vec b, vec c)
{
	return a * b + c;
}
static inline vec vec_max(vec a, vec b)
{
	ivec more = a > b;
	return (vec)((more & (ivec)a) | (~more & (ivec)b));
}
