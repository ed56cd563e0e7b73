/* SPDX-License-Identifier: MIT */
#include "math/sparse_tile.h"
#include <pthread.h>
#include <string.h>

enum { AHEAD = 12 }; /* entries: rows of v lie anywhere */

typedef float lanes __attribute__((vector_size(4 * TILE)));
typedef double wide __attribute__((vector_size(8 * TILE)));

static inline __attribute__((always_inline)) void tile_body(const float *value,
                                                            const uint32_t *column, size_t n,
                                                            size_t known, const float *v,
                                                            size_t stride, float *y)
{
	wide total = { 0 };
	for (size_t i = 0; i < n;) {
		size_t to = n - i < TILE_RUN ? n : i + TILE_RUN;
		lanes sum = { 0 }, row;
		for (; i < to; i++) {
			__builtin_prefetch(v + (size_t)column[i + AHEAD < known ? i + AHEAD : i] * stride);
			memcpy(&row, v + (size_t)column[i] * stride, sizeof row);
			sum += value[i] * row;
		}
		total += __builtin_convertvector(sum, wide);
	}
	lanes result = __builtin_convertvector(total, lanes);
	memcpy(y, &result, sizeof result);
}

/* GCC takes vectors wider than the machine's apart, not always well: the same sums by hand. */
static void tile_portable(const float *value, const uint32_t *column, size_t n, size_t known,
                          const float *v, size_t stride, float *y)
{
	double total[TILE] = { 0 };
	(void)known;
	for (size_t i = 0; i < n;) {
		size_t to = n - i < TILE_RUN ? n : i + TILE_RUN;
		float sum[TILE] = { 0 };
		for (; i < to; i++) {
			const float *row = v + (size_t)column[i] * stride;
			float x = value[i];
			for (size_t j = 0; j < TILE; j++)
				sum[j] += x * row[j];
		}
		for (size_t j = 0; j < TILE; j++)
			total[j] += (double)sum[j];
	}
	for (size_t j = 0; j < TILE; j++)
		y[j] = (float)total[j];
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void tile_avx2(const float *value, const uint32_t *column,
                                                      size_t n, size_t known, const float *v,
                                                      size_t stride, float *y)
{
	tile_body(value, column, n, known, v, stride, y);
}

__attribute__((target("avx512f"))) static void tile_avx512(const float *value,
                                                           const uint32_t *column, size_t n,
                                                           size_t known, const float *v,
                                                           size_t stride, float *y)
{
	tile_body(value, column, n, known, v, stride, y);
}
#endif

static struct sparse_variant found[3];
static size_t count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx512f"))
		found[count++] = (struct sparse_variant){ "avx512", tile_avx512 };
	if (__builtin_cpu_supports("avx2"))
		found[count++] = (struct sparse_variant){ "avx2", tile_avx2 };
#endif
	found[count++] = (struct sparse_variant){ "portable", tile_portable };
}

const struct sparse_variant *sparse_variants(size_t *n)
{
	pthread_once(&once, find);
	*n = count;
	return found;
}
