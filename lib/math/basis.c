/* SPDX-License-Identifier: MIT */
#include "math/basis.h"
#include "base/memory.h"
#include "math/dense.h"
#include "math/product.h"
#include <stdlib.h>
#include <string.h>

enum {
	SLAB = 8, /* panels that are allocated at once, for large pages */
	SQUARE = PANEL * PANEL,
	NEAR = 2048,  /* rows of a panel that stay in the first cache while others pass by */
	GATHERED = 64 /* rows of all panels that are brought together */
};

struct work {
	const struct basis *b;
	const struct panel_variant *kernel;
	size_t from, w;
	const float *in; /* n x PANEL, or panels * PANEL x w */
	float *out;      /* the other of the two */
	struct dense_chunks chunks;
};

static struct work work_on(const struct basis *b, size_t from)
{
	size_t variants;
	return (struct work){ .b = b,
		                  .kernel = panel_variants(&variants),
		                  .from = from,
		                  .chunks = dense_chunks(b->n, NEAR / 2, 64) };
}

void basis_free(struct basis *b)
{
	for (size_t i = 0; i < b->panels; i += SLAB)
		free(b->panel[i]);
	free(b->panel);
	b->panel = NULL;
	b->panels = b->room = 0;
}

float *basis_append(struct basis *b, struct cbtm_error *e)
{
	size_t size = b->n * PANEL, in_slab = b->panels % SLAB;
	if (array_reserve(&b->panel, &b->room, b->panels + 1, sizeof *b->panel, e))
		return NULL;
	float *panel = in_slab ? b->panel[b->panels - 1] + size : NULL;
	if (!in_slab && (panel = mem_aligned(b->n, SLAB * PANEL * sizeof *panel, "a basis", e)))
		mem_wish_huge(panel, SLAB * size * sizeof *panel);
	if (panel)
		b->panel[b->panels++] = panel;
	return panel;
}

/* The products of a chunk, into its place behind those of the chunks before it. */
static int project_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct work *k = arg;
	size_t end = dense_chunk_start(&k->chunks, i + 1), size = (k->b->panels - k->from) * SQUARE;
	float *c = k->out + i * size;
	memset(c, 0, size * sizeof *c);
	for (size_t row = dense_chunk_start(&k->chunks, i); row < end; row += NEAR) {
		size_t rows = end - row < NEAR ? end - row : NEAR;
		for (size_t p = k->from; p < k->b->panels; p++)
			k->kernel->dots(k->b->panel[p] + row * PANEL, k->in + row * PANEL, rows,
			                c + (p - k->from) * SQUARE);
	}
	return 0;
}

int basis_project(const struct basis *b, size_t from, const float *y, float *c,
                  struct cbtm_error *e)
{
	struct work k = work_on(b, from);
	size_t size = (b->panels - from) * SQUARE;
	k.in = y;
	k.out = mem_aligned(k.chunks.count, size * sizeof *k.out, "a projection", e);
	if (!k.out || pool_run(b->pool, k.chunks.count, project_chunk, &k, e))
		goto done;
	for (size_t p = 0; p < size; p += SQUARE) {
		double sum[SQUARE] = { 0 };
		for (size_t i = 0; i < k.chunks.count; i++)
			for (size_t j = 0; j < SQUARE; j++)
				sum[j] += (double)k.out[i * size + p + j];
		for (size_t j = 0; j < SQUARE; j++)
			c[p + j] = (float)sum[j];
	}
done:
	free(k.out);
	return e->name;
}

static int subtract_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct work *k = arg;
	size_t end = dense_chunk_start(&k->chunks, i + 1);
	for (size_t row = dense_chunk_start(&k->chunks, i); row < end; row += NEAR) {
		size_t rows = end - row < NEAR ? end - row : NEAR;
		for (size_t p = k->from; p < k->b->panels; p++)
			k->kernel->add(k->b->panel[p] + row * PANEL, k->in + (p - k->from) * SQUARE, rows,
			               k->out + row * PANEL);
	}
	return 0;
}

int basis_subtract(const struct basis *b, size_t from, const float *c, float *y,
                   struct cbtm_error *e)
{
	struct work k = work_on(b, from);
	size_t size = (b->panels - from) * SQUARE;
	float *negative = mem_aligned(size, sizeof *negative, "a projection", e);
	for (size_t i = 0; negative && i < size; i++)
		negative[i] = -c[i];
	k.in = negative;
	k.out = y;
	if (negative)
		pool_run(b->pool, k.chunks.count, subtract_chunk, &k, e);
	free(negative);
	return e->name;
}

static int combine_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread;
	const struct work *k = arg;
	size_t end = dense_chunk_start(&k->chunks, i + 1), depth = k->b->panels * PANEL;
	size_t width = (k->w + PANEL - 1) / PANEL * PANEL;
	float *all = mem_aligned(GATHERED, depth * sizeof *all, "a combination", e);
	float *sum = mem_aligned(GATHERED, width * sizeof *sum, "a combination", e);
	for (size_t row = dense_chunk_start(&k->chunks, i); all && sum && row < end; row += GATHERED) {
		size_t rows = end - row < GATHERED ? end - row : GATHERED;
		for (size_t p = 0; p < k->b->panels; p++)
			for (size_t r = 0; r < rows; r++)
				memcpy(all + r * depth + p * PANEL, k->b->panel[p] + (row + r) * PANEL,
				       PANEL * sizeof *all);
		memset(sum, 0, rows * width * sizeof *sum);
		product_add(rows, k->w, depth, (struct view){ all, depth, 1 },
		            (struct view){ k->in, k->w, 1 }, sum, width);
		for (size_t p = 0; p < width; p += PANEL)
			for (size_t r = 0; r < rows; r++)
				memcpy(k->out + p * k->b->n + (row + r) * PANEL, sum + r * width + p,
				       PANEL * sizeof *sum);
	}
	free(sum);
	free(all);
	return e->name;
}

int basis_combine(const struct basis *b, const float *c, size_t w, float *y, struct cbtm_error *e)
{
	struct work k = work_on(b, 0);
	k.w = w;
	k.in = c;
	k.out = y;
	return pool_run(b->pool, k.chunks.count, combine_chunk, &k, e);
}
