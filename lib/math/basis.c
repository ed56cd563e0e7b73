/* SPDX-License-Identifier: MIT */
#include "math/basis.h"
#include "base/memory.h"
#include "math/dense.h"
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

struct work {
	const struct basis *b;
	size_t from, w;
	float alpha, beta;
	const float *in; /* n x w, or (used - from) x w */
	float *out;      /* the other of the two */
	float *partial;  /* chunks x (used - from) x w */
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
	const float *vectors = NULL;
	for (size_t from, to = k->from; next_piece(k->b, &from, &to, &vectors);)
		cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)(to - from), (int)k->w, (int)rows,
		            1, vectors + row * BASIS_SLAB, BASIS_SLAB, k->in + row * k->w, (int)k->w, 0,
		            c + (from - k->from) * k->w, (int)k->w);
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
	float beta = k->beta;
	for (size_t from, to = k->from; next_piece(k->b, &from, &to, &vectors); beta = 1)
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)k->w,
		            (int)(to - from), k->alpha, vectors + row * BASIS_SLAB, BASIS_SLAB,
		            k->in + (from - k->from) * k->w, (int)k->w, beta, k->out + row * k->w,
		            (int)k->w);
	return 0;
}

int basis_subtract(const struct basis *b, size_t from, const float *c, size_t w, float *y,
                   struct cbtm_error *e)
{
	struct work k = { b, from, w, -1, 1, c, y, NULL, dense_chunks(b->n, 512, 64) };
	return pool_run(b->pool, k.chunks.count, combine_chunk, &k, e);
}

int basis_combine(const struct basis *b, const float *c, size_t w, float *y, struct cbtm_error *e)
{
	struct work k = { b, 0, w, 1, 0, c, y, NULL, dense_chunks(b->n, 512, 64) };
	return pool_run(b->pool, k.chunks.count, combine_chunk, &k, e);
}
