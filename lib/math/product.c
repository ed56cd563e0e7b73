/* SPDX-License-Identifier: MIT */
#include "math/product.h"
#include <pthread.h>
#include <string.h>

enum { GRAM_WIDTH = 16, GRAM_ROWS = 4 };

/* Sixteen floats or eight doubles: one vector of AVX-512, two of AVX2. */
typedef float floats __attribute__((vector_size(64)));
typedef double doubles __attribute__((vector_size(64)));

/* So that sums are registers, which an array with a variable index is not. */
#define UNROLL _Pragma("GCC unroll 8")
#define INLINE static inline __attribute__((always_inline))

/* rows and vectors (of 16 floats) are constants where it is inlined. */
INLINE void tile_part(struct view a, size_t rows, size_t depth, const float *panel, size_t vectors,
                      float *c, size_t stride)
{
	floats sum[PRODUCT_ROWS][2], b[2], old;
	UNROLL
	for (size_t i = 0; i < rows; i++)
		sum[i][0] = sum[i][1] = (floats){ 0 };
	for (size_t p = 0; p < depth; p++) {
		memcpy(b, panel + p * PRODUCT_WIDTH, vectors * sizeof *b);
		UNROLL
		for (size_t i = 0; i < rows; i++) {
			float x = a.at[i * a.row + p * a.column];
			sum[i][0] += x * b[0];
			if (vectors == 2)
				sum[i][1] += x * b[1];
		}
	}
	UNROLL
	for (size_t i = 0; i < rows; i++) {
		memcpy(&old, c + i * stride, sizeof old);
		old += sum[i][0];
		memcpy(c + i * stride, &old, sizeof old);
		if (vectors < 2)
			continue;
		memcpy(&old, c + i * stride + 16, sizeof old);
		old += sum[i][1];
		memcpy(c + i * stride + 16, &old, sizeof old);
	}
}

/* The rows in bands of `band`, which the registers hold, what is left one by one. */
INLINE void tile_body(struct view a, size_t rows, size_t depth, const float *panel, size_t vectors,
                      size_t band, float *c, size_t stride)
{
	size_t i = 0;
	for (; i + band <= rows; i += band)
		tile_part((struct view){ a.at + i * a.row, a.row, a.column }, band, depth, panel, vectors,
		          c + i * stride, stride);
	for (; i < rows; i++)
		tile_part((struct view){ a.at + i * a.row, a.row, a.column }, 1, depth, panel, vectors,
		          c + i * stride, stride);
}

INLINE void gram_part(const double *left, const double *right, size_t m, size_t rows, size_t depth,
                      double *g)
{
	doubles sum[GRAM_ROWS][2], b[2];
	UNROLL
	for (size_t i = 0; i < rows; i++)
		memcpy(sum[i], g + i * GRAM_WIDTH, sizeof sum[i]);
	for (size_t p = 0; p < depth; p++) {
		memcpy(b, right + p * m, sizeof b);
		UNROLL
		for (size_t i = 0; i < rows; i++) {
			sum[i][0] += left[p * m + i] * b[0];
			sum[i][1] += left[p * m + i] * b[1];
		}
	}
	UNROLL
	for (size_t i = 0; i < rows; i++)
		memcpy(g + i * GRAM_WIDTH, sum[i], sizeof sum[i]);
}

INLINE void gram_body(const double *left, const double *right, size_t m, size_t rows, size_t depth,
                      double *g)
{
	if (rows == GRAM_ROWS)
		gram_part(left, right, m, GRAM_ROWS, depth, g);
	else
		for (size_t i = 0; i < rows; i++)
			gram_part(left + i, right, m, 1, depth, g + i * GRAM_WIDTH);
}

static void tile_portable(struct view a, size_t rows, size_t depth, const float *panel,
                          size_t columns, float *c, size_t stride)
{
	for (size_t i = 0; i < rows; i++) {
		float sum[PRODUCT_WIDTH] = { 0 };
		for (size_t p = 0; p < depth; p++) {
			float x = a.at[i * a.row + p * a.column];
			for (size_t j = 0; j < columns; j++)
				sum[j] += x * panel[p * PRODUCT_WIDTH + j];
		}
		for (size_t j = 0; j < columns; j++)
			c[i * stride + j] += sum[j];
	}
}

static void gram_portable(const double *left, const double *right, size_t m, size_t rows,
                          size_t depth, double *g)
{
	for (size_t p = 0; p < depth; p++)
		for (size_t i = 0; i < rows; i++)
			for (size_t j = 0; j < GRAM_WIDTH; j++)
				g[i * GRAM_WIDTH + j] += left[p * m + i] * right[p * m + j];
}

#ifdef __x86_64__
#define TARGET(name) __attribute__((target(name))) static void

TARGET("avx2")
tile_avx2(struct view a, size_t rows, size_t depth, const float *panel, size_t columns, float *c,
          size_t stride)
{
	for (size_t j = 0; j < columns; j += 16)
		tile_body(a, rows, depth, panel + j, 1, 4, c + j, stride);
}

TARGET("avx2")
gram_avx2(const double *left, const double *right, size_t m, size_t rows, size_t depth, double *g)
{
	gram_body(left, right, m, rows, depth, g);
}

TARGET("avx512f")
tile_avx512(struct view a, size_t rows, size_t depth, const float *panel, size_t columns, float *c,
            size_t stride)
{
	if (columns == 16)
		tile_body(a, rows, depth, panel, 1, 8, c, stride);
	else
		tile_body(a, rows, depth, panel, 2, 8, c, stride);
}

TARGET("avx512f")
gram_avx512(const double *left, const double *right, size_t m, size_t rows, size_t depth, double *g)
{
	gram_body(left, right, m, rows, depth, g);
}
#endif

static struct product_variant found[3];
static size_t count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx512f"))
		found[count++] = (struct product_variant){ "avx512", tile_avx512, gram_avx512 };
	if (__builtin_cpu_supports("avx2"))
		found[count++] = (struct product_variant){ "avx2", tile_avx2, gram_avx2 };
#endif
	found[count++] = (struct product_variant){ "portable", tile_portable, gram_portable };
}

const struct product_variant *product_variants(size_t *n)
{
	pthread_once(&once, find);
	*n = count;
	return found;
}

/* A block of b, rows PRODUCT_WIDTH apart, zeros behind its last column. */
static void pack(struct view b, size_t depth, size_t columns, float *panel)
{
	if (columns % 16)
		memset(panel, 0, depth * PRODUCT_WIDTH * sizeof *panel);
	if (b.column == 1) {
		for (size_t p = 0; p < depth; p++)
			memcpy(panel + p * PRODUCT_WIDTH, b.at + p * b.row, columns * sizeof *panel);
		return;
	}
	for (size_t j = 0; j < columns; j++)
		for (size_t p = 0; p < depth; p++)
			panel[p * PRODUCT_WIDTH + j] = b.at[p * b.row + j * b.column];
}

/* c += a panel for a block of whole vectors; others go through a tile. */
static void block_add(const struct product_variant *variant, struct view a, size_t rows,
                      size_t depth, const float *panel, size_t columns, float *c, size_t stride)
{
	_Alignas(64) float tile[PRODUCT_ROWS * PRODUCT_WIDTH];
	if (columns % 16 == 0) {
		variant->tile(a, rows, depth, panel, columns, c, stride);
		return;
	}
	memset(tile, 0, sizeof tile);
	variant->tile(a, rows, depth, panel, (columns + 15) / 16 * 16, tile, PRODUCT_WIDTH);
	for (size_t r = 0; r < rows; r++)
		for (size_t j = 0; j < columns; j++)
			c[r * stride + j] += tile[r * PRODUCT_WIDTH + j];
}

void product_add(size_t m, size_t n, size_t depth, struct view a, struct view b, float *c,
                 size_t stride)
{
	size_t variants;
	const struct product_variant *variant = product_variants(&variants);
	_Alignas(64) float panel[PRODUCT_RUN * PRODUCT_WIDTH];
	for (size_t p = 0; p < depth; p += PRODUCT_RUN) {
		size_t run = depth - p < PRODUCT_RUN ? depth - p : PRODUCT_RUN;
		for (size_t j = 0; j < n; j += PRODUCT_WIDTH) {
			size_t columns = n - j < PRODUCT_WIDTH ? n - j : PRODUCT_WIDTH;
			struct view block = { b.at + p * b.row + j * b.column, b.row, b.column };
			pack(block, run, columns, panel);
			for (size_t i = 0; i < m; i += PRODUCT_ROWS) {
				size_t rows = m - i < PRODUCT_ROWS ? m - i : PRODUCT_ROWS;
				struct view part = { a.at + i * a.row + p * a.column, a.row, a.column };
				block_add(variant, part, rows, run, panel, columns, c + i * stride + j, stride);
			}
		}
	}
}

void product_gram(size_t rows, size_t m, const double *x, double *g)
{
	size_t variants;
	const struct product_variant *variant = product_variants(&variants);
	_Alignas(64) double tile[GRAM_ROWS * GRAM_WIDTH];
	for (size_t j = 0; j < m; j += GRAM_WIDTH) {
		size_t columns = m - j < GRAM_WIDTH ? m - j : GRAM_WIDTH;
		for (size_t i = 0; i < m && i < j + columns; i += GRAM_ROWS) {
			size_t high = m - i < GRAM_ROWS ? m - i : GRAM_ROWS;
			memset(tile, 0, sizeof tile);
			if (columns == GRAM_WIDTH)
				variant->gram(x + i, x + j, m, high, rows, tile);
			else
				for (size_t p = 0; p < rows; p++)
					for (size_t r = 0; r < high; r++)
						for (size_t k = 0; k < columns; k++)
							tile[r * GRAM_WIDTH + k] += x[p * m + i + r] * x[p * m + j + k];
			for (size_t r = 0; r < high; r++)
				for (size_t k = 0; k < columns; k++)
					g[(i + r) * m + j + k] += tile[r * GRAM_WIDTH + k];
		}
	}
}
