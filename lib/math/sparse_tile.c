/* SPDX-License-Identifier: MIT */
#include "math/sparse_tile.h"
#include <pthread.h>
#include <string.h>

enum { AHEAD = 16 }; /* entries: rows of v lie anywhere */

typedef float lanes __attribute__((vector_size(4 * TILE)));
typedef double wide __attribute__((vector_size(8 * TILE)));

/* Where a row of the product goes. */
static inline float *target(const struct sparse_product *p, size_t row)
{
	return p->y + (p->place ? p->place[row] : row - p->first) * p->step;
}

/* known: how many columns lie at `column`, those of the rows that come next behind these n. */
static inline __attribute__((always_inline)) void run_sum(const float *value,
                                                          const uint32_t *column, size_t n,
                                                          size_t known, const float *v, lanes *sum)
{
	lanes even = { 0 }, odd = { 0 }, row, other;
	size_t i = 0;
	for (; i + 2 <= n; i += 2) {
		size_t next = i + AHEAD + 1 < known ? i + AHEAD : i;
		__builtin_prefetch(v + (size_t)column[next] * TILE);
		__builtin_prefetch(v + (size_t)column[next + 1] * TILE);
		memcpy(&row, v + (size_t)column[i] * TILE, sizeof row);
		memcpy(&other, v + (size_t)column[i + 1] * TILE, sizeof row);
		even += value[i] * row;
		odd += value[i + 1] * other;
	}
	if (i < n) {
		memcpy(&row, v + (size_t)column[i] * TILE, sizeof row);
		even += value[i] * row;
	}
	*sum = even + odd;
}

static inline __attribute__((always_inline)) void tile_body(const struct sparse_product *p,
                                                            size_t from, size_t to)
{
	const uint64_t *start = p->a->start;
	const float *value = p->a->value;
	const uint32_t *column = p->a->column;
	for (size_t r = from; r < to; r++) {
		uint64_t i = start[r], end = start[r + 1];
		lanes sum;
		if (end - i <= TILE_RUN) { /* to double and back is the same */
			run_sum(value + i, column + i, end - i, start[to] - i, p->v, &sum);
		} else {
			wide total = { 0 };
			for (; i < end; i += TILE_RUN) {
				size_t n = end - i < TILE_RUN ? end - i : TILE_RUN;
				run_sum(value + i, column + i, n, start[to] - i, p->v, &sum);
				total += __builtin_convertvector(sum, wide);
			}
			sum = __builtin_convertvector(total, lanes);
		}
		memcpy(target(p, r), &sum, sizeof sum);
	}
}

/* GCC takes vectors wider than the machine's apart, not always well: the same sums by hand. */
static void tile_portable(const struct sparse_product *p, size_t from, size_t to)
{
	for (size_t r = from; r < to; r++) {
		double total[TILE] = { 0 };
		float *y = target(p, r);
		for (uint64_t i = p->a->start[r], end = p->a->start[r + 1]; i < end;) {
			uint64_t stop = end - i < TILE_RUN ? end : i + TILE_RUN;
			float sum[2][TILE] = { { 0 } };
			for (unsigned odd = 0; i < stop; i++, odd ^= 1) {
				const float *row = p->v + (size_t)p->a->column[i] * TILE;
				float x = p->a->value[i];
				for (size_t j = 0; j < TILE; j++)
					sum[odd][j] += x * row[j];
			}
			for (size_t j = 0; j < TILE; j++)
				total[j] += (double)(sum[0][j] + sum[1][j]);
		}
		for (size_t j = 0; j < TILE; j++)
			y[j] = (float)total[j];
	}
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void tile_avx2(const struct sparse_product *p, size_t from,
                                                      size_t to)
{
	tile_body(p, from, to);
}

__attribute__((target("avx512f"))) static void tile_avx512(const struct sparse_product *p,
                                                           size_t from, size_t to)
{
	tile_body(p, from, to);
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
