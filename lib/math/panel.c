/* SPDX-License-Identifier: MIT */
#include "math/panel.h"
#include <pthread.h>
#include <string.h>

enum {
	AHEAD = 64
}; /* rows of x: it comes from memory, and the processor does not look beyond a page */

/* So that sums are registers, which an array with a variable index is not. */
#define UNROLL _Pragma("GCC unroll 16")

static void dots_portable(const float *x, const float *y, size_t rows, float *c)
{
	for (size_t r = 0; r < rows;) {
		size_t to = rows - r < PANEL_RUN ? rows : r + PANEL_RUN;
		float sum[PANEL * PANEL] = { 0 };
		for (; r < to; r++)
			for (size_t i = 0; i < PANEL; i++)
				for (size_t j = 0; j < PANEL; j++)
					sum[i * PANEL + j] += x[r * PANEL + i] * y[r * PANEL + j];
		for (size_t i = 0; i < PANEL * PANEL; i++)
			c[i] += sum[i];
	}
}

static void add_portable(const float *x, const float *c, size_t rows, float *y)
{
	for (size_t r = 0; r < rows; r++) {
		float sum[PANEL] = { 0 };
		for (size_t i = 0; i < PANEL; i++)
			for (size_t j = 0; j < PANEL; j++)
				sum[j] += x[r * PANEL + i] * c[i * PANEL + j];
		for (size_t j = 0; j < PANEL; j++)
			y[r * PANEL + j] += sum[j];
	}
}

#ifdef __x86_64__
typedef float floats8 __attribute__((vector_size(32)));
typedef float floats16 __attribute__((vector_size(64)));

#define PANEL_NAME(name) name##_avx2
#define PANEL_TARGET __attribute__((target("avx2")))
#define PANEL_LANES floats8
#define PANEL_BAND 8
#include "math/panel_body.inc"

#define PANEL_NAME(name) name##_avx512
#define PANEL_TARGET __attribute__((target("avx512f")))
#define PANEL_LANES floats16
#define PANEL_BAND 16
#include "math/panel_body.inc"
#endif

static struct panel_variant found[3];
static size_t count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx512f"))
		found[count++] = (struct panel_variant){ "avx512", dots_avx512, add_avx512 };
	if (__builtin_cpu_supports("avx2"))
		found[count++] = (struct panel_variant){ "avx2", dots_avx2, add_avx2 };
#endif
	found[count++] = (struct panel_variant){ "portable", dots_portable, add_portable };
}

const struct panel_variant *panel_variants(size_t *n)
{
	pthread_once(&once, find);
	*n = count;
	return found;
}
