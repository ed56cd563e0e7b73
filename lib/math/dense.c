/* SPDX-License-Identifier: MIT */
#include "math/dense.h"
#include "base/memory.h"
#include "math/product.h"
#include "math/row.h"
#include <cblas.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* LAPACK, which OpenBLAS carries without a header: symmetric eigenproblem, divide and conquer. */
void dsyevd_(const char *job, const char *triangle, const int *n, double *a, const int *lda,
             double *w, double *work, const int *lwork, int *iwork, const int *liwork, int *info);
/* Its steps: to tridiagonal form, eigenvalues of that, eigenvectors by inverse iteration, back. */
void dsytrd_(const char *triangle, const int *n, double *a, const int *lda, double *diagonal,
             double *beside, double *tau, double *work, const int *lwork, int *info);
void dsterf_(const int *n, double *diagonal, double *beside, int *info);
void dstein_(const int *n, const double *diagonal, const double *beside, const int *m,
             const double *value, const int *block, const int *split, double *z, const int *ldz,
             double *work, int *iwork, int *failed, int *info);
void dormtr_(const char *side, const char *triangle, const char *transpose, const int *m,
             const int *n, const double *a, const int *lda, const double *tau, double *c,
             const int *ldc, double *work, const int *lwork, int *info);
/* Cholesky's solution of a symmetric positive definite system. */
void dposv_(const char *triangle, const int *n, const int *columns, double *a, const int *lda,
            double *b, const int *ldb, int *info);

void dense_start(void)
{
	openblas_set_num_threads(1);
}

struct dense_chunks dense_chunks(size_t n, size_t least, size_t most)
{
	struct dense_chunks c = { n, n / most + (n % most != 0), 0 };
	if (c.size < least)
		c.size = least;
	c.count = n / c.size + (n % c.size != 0);
	return c;
}

size_t dense_chunk_start(const struct dense_chunks *c, size_t i)
{
	return i >= c->count ? c->n : i * c->size;
}

double dense_dot(const float *a, const float *b, size_t d)
{
	return row_dot(a, b, d);
}

double dense_distance(const float *a, const float *b, size_t d)
{
	return row_distance(a, b, d);
}

bool dense_is_zero(const float *x, size_t d)
{
	for (size_t i = 0; i < d; i++)
		if (x[i] != 0)
			return false;
	return true;
}

bool dense_is_finite(const float *x, size_t d)
{
	for (size_t i = 0; i < d; i++)
		if (!isfinite(x[i]))
			return false;
	return true;
}

size_t dense_normalise_rows(float *x, size_t n, size_t d)
{
	size_t zero = 0;
	for (size_t r = 0; r < n; r++) {
		float *row = x + r * d;
		double norm = sqrt(dense_dot(row, row, d));
		if (norm == 0) {
			zero++;
			continue;
		}
		for (size_t i = 0; i < d; i++)
			row[i] = (float)(row[i] / norm);
	}
	return zero;
}

void dense_times_transposed(const float *x, size_t n, size_t d, const float *c, size_t k, float *y)
{
	struct view left = { x, d, 1 }, right = { c, 1, d };
	memset(y, 0, n * k * sizeof *y);
	product_add(n, k, d, left, right, y, k);
}

struct gram_work {
	const float *x;
	size_t m;
	struct dense_chunks chunks;
	double *partial; /* count x m x m */
};

static int gram_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread;
	struct gram_work *w = arg;
	size_t from = dense_chunk_start(&w->chunks, i), to = dense_chunk_start(&w->chunks, i + 1);
	size_t m = w->m, block = 512;
	double *rows = mem_aligned(block * m, sizeof *rows, "a Gram matrix", e);
	double *g = w->partial + i * m * m;
	if (!rows)
		return e->name;
	for (size_t r = from; r < to; r += block) {
		size_t n = to - r < block ? to - r : block;
		for (size_t j = 0; j < n * m; j++)
			rows[j] = w->x[r * m + j];
		product_gram(n, m, rows, g);
	}
	free(rows);
	return 0;
}

int dense_gram(struct pool *pool, const float *x, size_t n, size_t m, double *gram,
               struct cbtm_error *e)
{
	struct gram_work w = { x, m, dense_chunks(n, 1024, 64), NULL };
	w.partial = mem_zeroed(w.chunks.count * m, m * sizeof(double), "a Gram matrix", e);
	if (!w.partial || pool_run(pool, w.chunks.count, gram_chunk, &w, e))
		goto done;
	memset(gram, 0, m * m * sizeof *gram);
	for (size_t i = 0; i < w.chunks.count; i++)
		for (size_t j = 0; j < m * m; j++)
			gram[j] += w.partial[i * m * m + j];
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < i; j++)
			gram[i * m + j] = gram[j * m + i];
done:
	free(w.partial);
	return e->name;
}

struct times_work {
	const float *x, *b;
	float *y;
	size_t m, r;
	struct dense_chunks chunks;
};

static int times_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	struct times_work *w = arg;
	size_t from = dense_chunk_start(&w->chunks, i), to = dense_chunk_start(&w->chunks, i + 1);
	struct view left = { w->x + from * w->m, w->m, 1 }, right = { w->b, w->r, 1 };
	memset(w->y + from * w->r, 0, (to - from) * w->r * sizeof *w->y);
	product_add(to - from, w->r, w->m, left, right, w->y + from * w->r, w->r);
	return 0;
}

int dense_times(struct pool *pool, const float *x, size_t n, size_t m, const float *b, size_t r,
                float *y, struct cbtm_error *e)
{
	struct times_work w = { x, b, y, m, r, dense_chunks(n, 1024, 256) };
	return pool_run(pool, w.chunks.count, times_chunk, &w, e);
}

int dense_eigen(double *a, size_t m, double *value, struct cbtm_error *e)
{
	if (m == 0)
		return 0;
	if (m > DENSE_LARGEST)
		return error_set(e, CBTM_ERR_INTERNAL, NULL, "an eigenproblem of %zu rows is too large", m);
	int n = (int)m, info = 0, lwork = 1 + 6 * n + 2 * n * n, liwork = 3 + 5 * n;
	double *work = mem_aligned((size_t)lwork, sizeof *work, "an eigenproblem", e);
	int *iwork = mem_aligned((size_t)liwork, sizeof *iwork, "an eigenproblem", e);
	/* Symmetric: row-major upper is column-major lower; eigenvectors come as columns, our rows. */
	if (work && iwork)
		dsyevd_("V", "L", &n, a, &n, value, work, &lwork, iwork, &liwork, &info);
	if (info)
		error_set(e, CBTM_ERR_NOT_FINITE, NULL, "an eigenproblem of %zu rows did not converge", m);
	free(iwork);
	free(work);
	return e->name;
}

/* What dense_top works on, for a matrix of n rows of which `top` eigenvectors are wanted. */
struct top_work {
	int n, top;
	double *diagonal, *beside, *tau; /* n: the tridiagonal form, and the way to it */
	double *value, *spare;           /* n: eigenvalues, ascending */
	double *work;
	int *iwork, lwork;
};

/* The eigenvectors of the largest eigenvalues; false where the matrix falls apart into blocks, or
 * one of them is not found: inverse iteration is made for neither. */
static bool find_top(struct top_work *k, double *a, double *vector)
{
	int n = k->n, info = 0, *block = k->iwork, *split = block + n;
	dsytrd_("L", &n, a, &n, k->diagonal, k->beside, k->tau, k->work, &k->lwork, &info);
	for (int i = 0; i + 1 < n; i++)
		if (fabs(k->beside[i]) <= DBL_EPSILON * (fabs(k->diagonal[i]) + fabs(k->diagonal[i + 1])))
			return false;
	memcpy(k->value, k->diagonal, (size_t)n * sizeof *k->value);
	memcpy(k->spare, k->beside, (size_t)n * sizeof *k->spare);
	dsterf_(&n, k->value, k->spare, &info);
	for (int i = 0; i < n; i++) {
		block[i] = 1;
		split[i] = n;
	}
	if (!info)
		dstein_(&n, k->diagonal, k->beside, &k->top, k->value + n - k->top, block, split, vector,
		        &n, k->work, split + n, split + 2 * n, &info);
	if (!info)
		dormtr_("L", "L", "N", &n, &k->top, a, &n, k->tau, vector, &n, k->work, &k->lwork, &info);
	return info == 0;
}

int dense_top(const double *a, size_t m, size_t stride, size_t top, double *value, double *vector,
              struct cbtm_error *e)
{
	if (m > DENSE_LARGEST)
		return error_set(e, CBTM_ERR_INTERNAL, NULL, "an eigenproblem of %zu rows is too large", m);
	struct top_work k = { .n = (int)m, .top = (int)top, .lwork = 64 * (int)m };
	double *copy = mem_aligned(m, m * sizeof *copy, "an eigenproblem", e);
	k.value = mem_aligned(m, 5 * sizeof *k.value, "an eigenproblem", e);
	k.work = mem_aligned(m, 64 * sizeof *k.work, "an eigenproblem", e);
	k.iwork = mem_aligned(m, 4 * sizeof *k.iwork, "an eigenproblem", e);
	if (e->name)
		goto done;
	k.spare = k.value + m;
	k.diagonal = k.spare + m;
	k.beside = k.diagonal + m;
	k.tau = k.beside + m;
	for (size_t i = 0; i < m; i++)
		memcpy(copy + i * m, a + i * stride, m * sizeof *copy);
	if (!find_top(&k, copy, vector)) {
		for (size_t i = 0; i < m; i++)
			memcpy(copy + i * m, a + i * stride, m * sizeof *copy);
		if (dense_eigen(copy, m, k.value, e))
			goto done;
		memcpy(vector, copy + (m - top) * m, top * m * sizeof *copy);
	}
	memcpy(value, k.value + m - top, top * sizeof *value);
done:
	free(k.iwork), free(k.work), free(k.value), free(copy);
	return e->name;
}

int dense_solve(double *a, size_t m, double *b, struct cbtm_error *e)
{
	int n = (int)m, one = 1, info = 0;
	if (m > 16384)
		return error_set(e, CBTM_ERR_INTERNAL, NULL, "a system of %zu rows is too large", m);
	dposv_("L", &n, &one, a, &n, b, &n, &info); /* row-major upper is column-major lower */
	if (info)
		return error_set(e, CBTM_ERR_NOT_FINITE, NULL, "a system of %zu rows is not definite", m);
	return 0;
}
