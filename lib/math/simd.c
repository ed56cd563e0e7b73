/* SPDX-License-Identifier: MIT */
#include "math/simd.h"

static enum simd_level limit = SIMD_AVX512;

enum simd_level simd_level(void)
{
	enum simd_level level = SIMD_NONE;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		level = __builtin_cpu_supports("avx512f") ? SIMD_AVX512 : SIMD_AVX2;
#endif
	return level < limit ? level : limit;
}

void simd_limit(enum simd_level most)
{
	limit = most;
}
