/* SPDX-License-Identifier: MIT */
/*
 * Which vector instructions the kernels of lib/math use: chosen by cpuid at run time. Whatever is
 * chosen, results are the same bits: kernels add in one order that the portable form defines, or
 * only narrow down what is then decided in double.
 */
#pragma once
enum simd_level { SIMD_NONE, SIMD_AVX2, SIMD_AVX512 };

/* The best that this processor has, at most the limit. */
enum simd_level simd_level(void);
/* For tests: no better than this from now on. No thread may be at work. */
void simd_limit(enum simd_level most);
