/* SPDX-License-Identifier: MIT */
#include "math/svd.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/signals.h"
#include "math/dense.h"
#include "math/sparse.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Singular values below this share of the largest are rounding noise of float matrices. */
#define RANK_TOLERANCE 1e-6

struct start_work {
	struct random_key key;
	float *y;
	size_t l;
	struct dense_chunks chunks;
};

static int start_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	struct start_work *w = arg;
	size_t to = dense_chunk_start(&w->chunks, i + 1);
	for (size_t r = dense_chunk_start(&w->chunks, i); r < to; r++)
		for (size_t j = 0; j < w->l; j++)
			w->y[r * w->l + j] = (float)random_normal(w->key, r, (uint32_t)j);
	return 0;
}

/*
 * The directions of x (n x l) by the eigenvectors of its Gram matrix: falling, scaled so that
 * x times to (l x l) is orthonormal; directions of no weight become zero. size (l): their lengths.
 */
static int principal(struct pool *pool, const float *x, size_t n, size_t l, float *to, double *size,
                     struct cbtm_error *e)
{
	double *gram = mem_aligned(l * l, sizeof *gram, "the SVD", e);
	double *value = mem_aligned(l, sizeof *value, "the SVD", e);
	if (!gram || !value || dense_gram(pool, x, n, l, gram, e) || dense_eigen(gram, l, value, e))
		goto done;
	double largest = value[l - 1] > 0 ? value[l - 1] : 0;
	for (size_t j = 0; j < l; j++) {
		const double *vector = gram + (l - 1 - j) * l;
		double v = value[l - 1 - j];
		bool counts = v > largest * RANK_TOLERANCE * RANK_TOLERANCE;
		size[j] = counts ? sqrt(v) : 0;
		for (size_t i = 0; i < l; i++)
			to[i * l + j] = counts ? (float)(vector[i] / size[j]) : 0;
	}
done:
	free(value);
	free(gram);
	return e->name;
}

static int orthonormalise(struct pool *pool, float *x, float *scratch, size_t n, size_t l,
                          float *to, double *size, struct cbtm_error *e)
{
	if (principal(pool, x, n, l, to, size, e) || dense_times(pool, x, n, l, to, l, scratch, e))
		return e->name;
	memcpy(x, scratch, n * l * sizeof *x);
	return 0;
}

/* Makes the largest entry of each column positive. */
static void fix_signs(float *v, size_t n, size_t d)
{
	for (size_t j = 0; j < d; j++) {
		float largest = 0;
		for (size_t r = 0; r < n; r++)
			if (fabsf(v[r * d + j]) > fabsf(largest))
				largest = v[r * d + j];
		for (size_t r = 0; largest < 0 && r < n; r++)
			v[r * d + j] = -v[r * d + j];
	}
}

/* The first d of the l columns of `to` (l x l), zeros behind them. */
static void keep_columns(const float *to, size_t l, size_t d, float *kept)
{
	for (size_t i = 0; i < l; i++)
		for (size_t j = 0; j < d; j++)
			kept[i * d + j] = j < l ? to[i * l + j] : 0;
}

int svd_truncated(struct pool *pool, const struct cbtm_sparse *a, size_t d, uint64_t seed, float *v,
                  double *s, struct cbtm_error *e)
{
	size_t n = a->rows, m = a->columns, l = 2 * d + SVD_OVERSAMPLING;
	if (sparse_check(a, e))
		return e->name;
	l = l < n ? l : n;
	l = l < m ? l : m;
	memset(s, 0, d * sizeof *s);
	memset(v, 0, m * d * sizeof *v);
	if (l == 0)
		return 0;
	struct sparse_owned t = { 0 };
	float *y = mem_aligned(n * l, sizeof *y, "the SVD", e); /* rows x l */
	float *y2 = mem_aligned(n * l, sizeof *y2, "the SVD", e);
	float *z = mem_aligned(m * l, sizeof *z, "the SVD", e); /* columns x l */
	float *to = mem_aligned(l * l, sizeof *to, "the SVD", e);
	float *kept = mem_aligned(l * d, sizeof *kept, "the SVD", e);
	double *size = mem_aligned(l, sizeof *size, "the SVD", e);
	struct start_work start = { random_key(seed, RANDOM_SVD), y, l, dense_chunks(n, 64, 256) };
	if (e->name || sparse_transpose(a, &t, e) ||
	    pool_run(pool, start.chunks.count, start_chunk, &start, e))
		goto done;
	for (int i = 0; i < SVD_ITERATIONS; i++) {
		if (sparse_times_dense(pool, &t.matrix, y, l, z, e) ||
		    sparse_times_dense(pool, a, z, l, y, e) ||
		    orthonormalise(pool, y, y2, n, l, to, size, e) || signals_check(e))
			goto done;
	}
	/* A second time: what the first left of cross products in float. Then b' = a' q, whose
	 * principal directions are the singular vectors. */
	if (orthonormalise(pool, y, y2, n, l, to, size, e) ||
	    sparse_times_dense(pool, &t.matrix, y, l, z, e) || principal(pool, z, m, l, to, size, e))
		goto done;
	keep_columns(to, l, d, kept);
	if (dense_times(pool, z, m, l, kept, d, v, e))
		goto done;
	fix_signs(v, m, d);
	memcpy(s, size, (l < d ? l : d) * sizeof *s);
done:
	sparse_free(&t);
	free(size), free(kept), free(to), free(z), free(y2), free(y);
	return e->name;
}
