/* SPDX-License-Identifier: MIT */
#if defined(__x86_64__)
#pragma GCC target("avx2,fma")

#include "vector_avx2.h"

#include "kernels.h"

const struct variant variant_avx2 = { .name = "avx2", KERNELS };
#endif
