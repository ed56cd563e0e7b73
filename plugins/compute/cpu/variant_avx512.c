/* SPDX-License-Identifier: MIT */
#if defined(__x86_64__)
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma,prefer-vector-width=512")

#include "vector_avx512.h"

#include "kernels.h"

const struct variant variant_avx512 = { .name = "avx512", KERNELS };
#endif
