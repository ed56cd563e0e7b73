/* SPDX-License-Identifier: MIT */
/* Which kernels run on this processor. */
#include "cpu.h"

enum { AUTO, AVX512, AVX2, BASE };

#if defined(__x86_64__)
static const struct variant *find(int kernels)
{
	bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
	bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
	              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
	if (kernels == AVX512)
		return avx512 ? &variant_avx512 : NULL;
	if (kernels == AVX2)
		return avx2 ? &variant_avx2 : NULL;
	return &variant_base;
}
#else
static const struct variant *find(int kernels)
{
	return kernels == BASE ? &variant_base : NULL;
}
#endif

const struct variant *variant_choose(const struct options *o)
{
	const struct variant *v = NULL;
	if (o && o->kernels != AUTO)
		return find(o->kernels);
	for (int kernels = AVX512; !v && kernels <= BASE; kernels++)
		v = find(kernels);
	return v;
}
