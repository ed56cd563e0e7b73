/* SPDX-License-Identifier: MIT */
/*
 * bench/peak [THREADS]: the processor's peak of matrix products, GFLOP/s of all threads together:
 * fused multiply-adds on fp32, and vdpbf16ps where there is AVX-512 BF16, 16 independent chains of
 * vectors from registers.
 */
#include "base/error.h"
#include "base/number.h"
#include "base/pool.h"
#include "base/progress.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

enum { CHAINS = 16, ROUNDS = 4000000 };

__attribute__((target("avx512f"), noinline)) static float fp32_rounds(void)
{
	__m512 sum[CHAINS], x = _mm512_set1_ps(0.5f);
	for (int c = 0; c < CHAINS; c++)
		sum[c] = _mm512_set1_ps((float)c);
	for (int i = 0; i < ROUNDS; i++)
#pragma GCC unroll 16
		for (int c = 0; c < CHAINS; c++)
			sum[c] = _mm512_fmadd_ps(sum[c], x, x);
	for (int c = 1; c < CHAINS; c++)
		sum[0] = _mm512_add_ps(sum[0], sum[c]);
	return _mm512_reduce_add_ps(sum[0]);
}

__attribute__((target("avx512f,avx512bf16"), noinline)) static float bf16_rounds(void)
{
	__m512 sum[CHAINS];
	__m512bh x = (__m512bh)_mm512_set1_epi16(0x3C00);
	for (int c = 0; c < CHAINS; c++)
		sum[c] = _mm512_set1_ps((float)c);
	for (int i = 0; i < ROUNDS; i++)
#pragma GCC unroll 16
		for (int c = 0; c < CHAINS; c++)
			sum[c] = _mm512_dpbf16_ps(sum[c], x, x);
	for (int c = 1; c < CHAINS; c++)
		sum[0] = _mm512_add_ps(sum[0], sum[c]);
	return _mm512_reduce_add_ps(sum[0]);
}

static float (*const rounds[2])(void) = { fp32_rounds, bf16_rounds };

static bool available(int kind)
{
	return __builtin_cpu_supports("avx512f") && (!kind || __builtin_cpu_supports("avx512bf16"));
}
#else
enum { CHAINS = 0, ROUNDS = 0 };
static float (*const rounds[2])(void);
static bool available(int kind)
{
	(void)kind;
	return false;
}
#endif

static volatile float sink;

static int task(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)i, (void)thread, (void)e;
	float x = rounds[*(const int *)arg]();
	sink = x;
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const names[2] = { "fp32", "bf16" };
	struct cbtm_error e = { 0 };
	uint64_t threads = 2;
	if (argc > 1 && !number_parse_u64(argv[1], strlen(argv[1]), &threads))
		return 64;
	struct pool *pool = pool_new((unsigned)threads, &e);
	for (int kind = 0; kind < 2 && !e.name; kind++) {
		double best = 0;
		for (int run = 0; run < 5 && available(kind); run++) {
			double start = clock_seconds();
			if (pool_run(pool, threads, task, &kind, &e))
				break;
			double flops = (double)threads * ROUNDS * CHAINS * 16 * (kind ? 4 : 2);
			double rate = flops / (clock_seconds() - start) * 1e-9;
			best = rate > best ? rate : best;
		}
		if (best > 0)
			printf("%s %.1f\n", names[kind], best);
	}
	pool_free(pool);
	return error_exit_status(e.name);
}
