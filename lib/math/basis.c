/* SPDX-License-Identifier: MIT */
#include "math/basis.h"
#include "base/memory.h"
#include "math/dense.h"
#include "math/product.h"
#include <stdlib.h>
#include <string.h>

struct work {
	const struct basis *b;
	size_t from, w;
	const float *in; /* n x w, or (used - from) x w */
	float *out;      /* the other of the two */
	float *partial;  /* chunks x (used - from) x w */
	bool fresh;      /* out is set, not added to */
	struct dense_chunks chunks;
};

void basis_free(struct basis *b)
{
	for (size_t i = 0; i < b->slabs; i++)
		free(b->slab[i]);
	free(b->slab);
	b->slab = NULL;
	b->slabs = b->room = b->used = 0;
}

int basis_append(struct basis *b, const float *y, size_t w, struct cbtm_error *e)
{
	size_t column = b->used % BASIS_SLAB;
	if (column == 0) {
		if (array_reserve(&b->slab, &b->room, b->slabs + 1, sizeof *b->slab, e))
			return e->name;
		b->slab[b->slabs] = mem_aligned(b->n, BASIS_SLAB * sizeof **b->slab, "a basis", e);
		if (!b->slab[b->slabs])
			return e->name;
		b->slabs++;
	}
	float *slab = b->slab[b->slabs - 1] + column;
	for (size_t r = 0; r < b->n; r++)
		memcpy(slab + r * BASIS_SLAB, y + r * w, w * sizeof *y);
	b->used += w;
	return 0;
}

/* The vectors [*from, to) that lie in one slab; false behind the last. */
static bool next_piece(const struct basis *b, size_t *from, size_t *to, const float **vectors)
{
	*from = *to;
	if (*from >= b->used)
		return false;
	*to = (*from / BASIS_SLAB + 1) * BASIS_SLAB;
	*to = *to < b->used ? *to : b->used;
	*vectors = b->slab[*from / BASIS_SLAB] + *from % BASIS_SLAB;
	return true;
}

static int project_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct work *k = arg;
	size_t row = dense_chunk_start(&k->chunks, i),
		   rows = dense_chunk_start(&k->chunks, i + 1) - row;
	float *c = k->partial + i * (k->b->used - k->from) * k->w;
	memset(c, 0, (k->b->used - k->from) * k->w * sizeof *c);
	const float *vectors = NULL;
	for (size_t from, to = k->from; next_piece(k->b, &from, &to, &vectors);)
		product_add(
			to - from, k->w, rows, (struct view){ vectors + row * BASIS_SLAB, 1, BASIS_SLAB },
			(struct view){ k->in + row * k->w, k->w, 1 }, c + (from - k->from) * k->w, k->w);
	return 0;
}

int basis_project(const struct basis *b, size_t from, const float *y, size_t w, float *c,
                  struct cbtm_error *e)
{
	size_t size = (b->used - from) * w;
	struct work k = {
		.b = b, .from = from, .w = w, .in = y, .chunks = dense_chunks(b->n, 512, 64)
	};
	k.partial = mem_aligned(k.chunks.count, size * sizeof(float), "a projection", e);
	if (!k.partial || pool_run(b->pool, k.chunks.count, project_chunk, &k, e))
		goto done;
	for (size_t j = 0; j < size; j++) {
		double sum = 0;
		for (size_t i = 0; i < k.chunks.count; i++)
			sum += (double)k.partial[i * size + j];
		c[j] = (float)sum;
	}
done:
	free(k.partial);
	return e->name;
}

static int combine_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct work *k = arg;
	size_t row = dense_chunk_start(&k->chunks, i),
		   rows = dense_chunk_start(&k->chunks, i + 1) - row;
	const float *vectors = NULL;
	if (k->fresh)
		memset(k->out + row * k->w, 0, rows * k->w * sizeof *k->out);
	for (size_t from, to = k->from; next_piece(k->b, &from, &to, &vectors);)
		product_add(
			rows, k->w, to - from, (struct view){ vectors + row * BASIS_SLAB, BASIS_SLAB, 1 },
			(struct view){ k->in + (from - k->from) * k->w, k->w, 1 }, k->out + row * k->w, k->w);
	return 0;
}

int basis_subtract(const struct basis *b, size_t from, const float *c, size_t w, float *y,
                   struct cbtm_error *e)
{
	size_t size = (b->used - from) * w;
	float *negative = mem_aligned(size, sizeof *negative, "a projection", e);
	struct work k = { .b = b,
		              .from = from,
		              .w = w,
		              .in = negative,
		              .out = y,
		              .chunks = dense_chunks(b->n, 512, 64) };
	for (size_t i = 0; negative && i < size; i++)
		negative[i] = -c[i];
	if (negative)
		pool_run(b->pool, k.chunks.count, combine_chunk, &k, e);
	free(negative);
	return e->name;
}

int basis_combine(const struct basis *b, const float *c, size_t w, float *y, struct cbtm_error *e)
{
	struct work k = {
		.b = b, .w = w, .in = c, .out = y, .fresh = true, .chunks = dense_chunks(b->n, 512, 64)
	};
	return pool_run(b->pool, k.chunks.count, combine_chunk, &k, e);
}
