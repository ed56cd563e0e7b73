/* SPDX-License-Identifier: MIT */
/* tfidf_add by the processor's vectors: each element alone, so the same bits for any width. */
#include "tfidf.h"

typedef float narrow __attribute__((vector_size(32), aligned(4), may_alias));
typedef double wide __attribute__((vector_size(64), aligned(8), may_alias));

static inline __attribute__((always_inline)) void add(const float *row, size_t n, double weight,
                                                      double *sum)
{
	size_t i = 0;
	for (; i + 8 <= n; i += 8)
		*(wide *)(sum + i) += weight * __builtin_convertvector(*(const narrow *)(row + i), wide);
	for (; i < n; i++)
		sum[i] += weight * (double)row[i];
}

#ifdef __x86_64__
__attribute__((target("avx512f"))) static void add_avx512(const float *row, size_t n, double weight,
                                                          double *sum)
{
	add(row, n, weight, sum);
}

__attribute__((target("avx2"))) static void add_avx2(const float *row, size_t n, double weight,
                                                     double *sum)
{
	add(row, n, weight, sum);
}
#endif

static void add_portable(const float *row, size_t n, double weight, double *sum)
{
	for (size_t i = 0; i < n; i++)
		sum[i] += weight * (double)row[i];
}

static void (*chosen)(const float *row, size_t n, double weight, double *sum) = add_portable;

void tfidf_choose(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx512f"))
		chosen = add_avx512;
	else if (__builtin_cpu_supports("avx2"))
		chosen = add_avx2;
#endif
}

void tfidf_fetch(const struct state *s, uint32_t word)
{
	const float *row = s->v + (size_t)word * s->dims;
	for (size_t i = 0; i < s->dims; i += 16)
		__builtin_prefetch(row + i);
	__builtin_prefetch(row + s->dims - 1);
	__builtin_prefetch(s->idf + word);
}

void tfidf_add(const struct state *s, uint32_t word, double weight, double *sum)
{
	chosen(s->v + (size_t)word * s->dims, s->dims, weight, sum);
}
