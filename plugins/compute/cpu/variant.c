/* SPDX-License-Identifier: MIT */
/* Which kernels run on this processor. */
#include "cpu.h"

enum { AUTO, AVX512, AVX2, BASE };
enum { PRECISION_AUTO, FP32, BF16 };

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

static const struct variant *find_mixed(const struct options *o)
{
	bool wanted = o->kernels == AUTO || o->kernels == AVX512;
	return wanted && find(AVX512) && __builtin_cpu_supports("avx512bf16") ? &variant_mixed : NULL;
}
#else
static const struct variant *find(int kernels)
{
	return kernels == BASE ? &variant_base : NULL;
}

static const struct variant *find_mixed(const struct options *o)
{
	(void)o;
	return NULL;
}
#endif

const struct variant *variant_choose(const struct options *o, size_t width)
{
	const struct options defaults = { 0 };
	const struct variant *v = NULL;
	if (!o)
		o = &defaults;
	if (o->precision == BF16 || (o->precision == PRECISION_AUTO && width >= MIXED_WIDTH))
		v = find_mixed(o);
	if (v || o->precision == BF16)
		return v;
	if (o->kernels != AUTO)
		return find(o->kernels);
	for (int kernels = AVX512; !v && kernels <= BASE; kernels++)
		v = find(kernels);
	return v;
}
