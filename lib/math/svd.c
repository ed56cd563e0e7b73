/* SPDX-License-Identifier: MIT */
#include "math/svd.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/signals.h"
#include "math/basis.h"
#include "math/dense.h"
#include "math/sparse.h"
#include "math/sparse_tile.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = TILE }; /* vectors of a step */

#define RANK_TOLERANCE 1e-5 /* below this share of the largest a singular value is rounding noise */
#define FLOAT_NOISE 1e-6    /* what is left of a float vector by subtracting is, below this share */
#define REFINE 0.1 /* below this share the eigenvalues, of squares in float, are too coarse */
#define LARGEST_PROBLEM 16384 /* directions that dense_eigen takes */

struct lanczos {
	struct pool *pool;
	const struct cbtm_sparse *p, *pt; /* n x r, n <= r, and its transpose */
	size_t n, r, d, room;
	struct basis basis;         /* of n-vectors */
	float *y, *y2;              /* n x BLOCK: the block under way */
	float *z;                   /* r x BLOCK */
	float *c;                   /* room x BLOCK: projections on the basis */
	double *t;                  /* room x room: basis' p pt basis */
	double *w, *theta;          /* its eigenvectors (rows, ascending) and eigenvalues */
	double rest[BLOCK * BLOCK]; /* what is left of the last product, in a basis of its own */
	double largest;             /* of theta, about */
	struct random_key key;
	uint32_t drawn;
	double residual; /* the last one that was found */
};

struct draw {
	struct random_key key;
	uint32_t index;
	float *y;
	const double *size; /* draw only the columns whose size is 0; NULL: all */
	float scale;
	struct dense_chunks chunks;
};

static int draw_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	struct draw *w = arg;
	size_t to = dense_chunk_start(&w->chunks, i + 1);
	for (size_t r = dense_chunk_start(&w->chunks, i); r < to; r++)
		for (size_t j = 0; j < BLOCK; j++)
			if (!w->size || w->size[j] == 0)
				w->y[r * BLOCK + j] =
					w->scale * (float)random_normal(w->key, r, w->index + (uint32_t)j);
	return 0;
}

/* Gaussian columns where size (BLOCK) is 0. */
static int draw_columns(struct lanczos *k, float *y, const double *size, struct cbtm_error *e)
{
	struct draw w = {
		k->key, k->drawn, y, size, (float)(1 / sqrt((double)k->n)), dense_chunks(k->n, 64, 256)
	};
	k->drawn += BLOCK;
	return pool_run(k->pool, w.chunks.count, draw_chunk, &w, e);
}

/*
 * The directions of x (n x l) by the eigenvectors of its Gram matrix: falling, scaled so that
 * x times to (l x l) is orthonormal; directions shorter than `least` become zero. size (l): lengths.
 */
static int principal(struct pool *pool, const float *x, size_t n, size_t l, double least, float *to,
                     double *size, struct cbtm_error *e)
{
	double *gram = mem_aligned(l * l, sizeof *gram, "the SVD", e);
	double *value = mem_aligned(l, sizeof *value, "the SVD", e);
	if (!gram || !value || dense_gram(pool, x, n, l, gram, e) || dense_eigen(gram, l, value, e))
		goto done;
	for (size_t j = 0; j < l; j++) {
		const double *vector = gram + (l - 1 - j) * l;
		double v = value[l - 1 - j];
		bool counts = v > 0 && v > least * least && v > value[l - 1] * FLOAT_NOISE * FLOAT_NOISE;
		size[j] = counts ? sqrt(v) : 0;
		for (size_t i = 0; i < l; i++)
			to[i * l + j] = counts ? (float)(vector[i] / size[j]) : 0;
	}
done:
	free(value);
	free(gram);
	return e->name;
}

/* y2 minus what lies in the basis, made orthonormal, into y. size: 0 where nothing was left. */
static int clean(struct lanczos *k, double *size, struct cbtm_error *e)
{
	float to[BLOCK * BLOCK];
	if (basis_project(&k->basis, 0, k->y2, BLOCK, k->c, e) ||
	    basis_subtract(&k->basis, 0, k->c, BLOCK, k->y2, e) ||
	    principal(k->pool, k->y2, k->n, BLOCK, 1e-4, to, size, e))
		return e->name;
	return dense_times(k->pool, k->y2, k->n, BLOCK, to, BLOCK, k->y, e);
}

/*
 * Appends the next block: what is left in y, where that is noise random directions (an invariant
 * subspace is spanned then, but not yet every copy of its singular values). *any = false if no
 * direction is left at all. Leaves the block in y.
 */
static int next_block(struct lanczos *k, bool *any, struct cbtm_error *e)
{
	float to[BLOCK * BLOCK];
	double size[BLOCK];
	bool drawn = false;
	*any = false;
	if (principal(k->pool, k->y, k->n, BLOCK, FLOAT_NOISE * k->largest, to, size, e) ||
	    dense_times(k->pool, k->y, k->n, BLOCK, to, BLOCK, k->y2, e))
		return e->name;
	for (size_t i = 0; i < BLOCK; i++) {
		drawn |= size[i] == 0;
		for (size_t j = 0; j < BLOCK; j++)
			k->rest[i * BLOCK + j] = size[i] * size[i] * (double)to[j * BLOCK + i];
	}
	if (drawn && (draw_columns(k, k->y2, size, e) || clean(k, size, e)))
		return e->name;
	if (drawn)
		memcpy(k->y2, k->y, k->n * BLOCK * sizeof *k->y);
	if (clean(k, size, e))
		return e->name;
	for (size_t j = 0; j < BLOCK; j++)
		*any |= size[j] > 0;
	return *any ? basis_append(&k->basis, k->y, BLOCK, e) : 0;
}

/* y = p pt y, its part in the last two blocks goes to t: in exact numbers there is no other. */
static int multiply(struct lanczos *k, struct cbtm_error *e)
{
	size_t used = k->basis.used, from = used > 2 * BLOCK ? used - 2 * BLOCK : 0;
	if (sparse_times_dense(k->pool, k->pt, k->y, BLOCK, k->z, e) ||
	    sparse_times_dense(k->pool, k->p, k->z, BLOCK, k->y, e) ||
	    basis_project(&k->basis, from, k->y, BLOCK, k->c, e) ||
	    basis_subtract(&k->basis, from, k->c, BLOCK, k->y, e))
		return e->name;
	for (size_t i = from; i < used; i++)
		for (size_t j = 0; j < BLOCK; j++) {
			double value = (double)k->c[(i - from) * BLOCK + j];
			size_t column = used - BLOCK + j;
			if (i >= used - BLOCK) /* the symmetric block: the mean of both halves */
				value = (value +
				         (double)k->c[(used - BLOCK - from + j) * BLOCK + (i - (used - BLOCK))]) /
				        2;
			k->t[i * k->room + column] = k->t[column * k->room + i] = value;
		}
	return signals_check(e);
}

/* The eigenvectors of t; k->residual: the largest of the first d of them. */
static int solve(struct lanczos *k, struct cbtm_error *e)
{
	size_t l = k->basis.used;
	for (size_t i = 0; i < l; i++)
		memcpy(k->w + i * l, k->t + i * k->room, l * sizeof *k->w);
	if (dense_eigen(k->w, l, k->theta, e))
		return e->name;
	k->largest = k->theta[l - 1] > k->largest ? k->theta[l - 1] : k->largest;
	k->residual = 0;
	for (size_t j = 0; j < k->d && j < l; j++) {
		const double *last = k->w + (l - 1 - j) * l + l - BLOCK;
		double square = 0, theta = k->theta[l - 1 - j];
		for (size_t i = 0; i < BLOCK; i++) {
			double sum = 0;
			for (size_t m = 0; m < BLOCK; m++)
				sum += k->rest[i * BLOCK + m] * last[m];
			square += sum * sum;
		}
		if (theta > RANK_TOLERANCE * RANK_TOLERANCE * k->largest)
			k->residual = fmax(k->residual, sqrt(square) / theta);
	}
	return 0;
}

/* Steps until the next look at the residual: it falls by a third a step or faster. */
static size_t steps_ahead(double residual, size_t d)
{
	double steps = ceil(log(residual / SVD_RESIDUAL) / log(1.5)), most = 2 + (double)(d / BLOCK);
	return steps < 1 ? 1 : (size_t)(steps < most ? steps : most);
}

static int iterate(struct lanczos *k, struct cbtm_error *e)
{
	/* So many directions were needed for 2 to 300 dimensions of text. */
	size_t due = 3 * k->d + (size_t)(13 * sqrt((double)k->d));
	bool any;
	if (draw_columns(k, k->y, NULL, e) || next_block(k, &any, e))
		return e->name;
	if (!any)
		return 0;
	for (;;) {
		if (multiply(k, e))
			return e->name;
		if (k->basis.used == BLOCK && solve(k, e)) /* the scale of things */
			return e->name;
		size_t used = k->basis.used;
		bool full = used + BLOCK > k->room;
		if (!full && next_block(k, &any, e))
			return e->name;
		if (!full && any && used < due)
			continue;
		/* The block behind is not part of t yet. */
		k->basis.used = used;
		if (solve(k, e) || full || !any || k->residual <= SVD_RESIDUAL)
			return e->name;
		due = used + BLOCK * steps_ahead(k->residual, k->d);
		k->basis.used = used + BLOCK;
	}
}

/* The first d columns of w as the combination of the basis (used x d), zeros behind them. */
static float *combination(const struct lanczos *k, struct cbtm_error *e)
{
	size_t l = k->basis.used;
	float *c = mem_zeroed(l, k->d * sizeof *c, "the SVD", e);
	for (size_t j = 0; c && j < k->d && j < l; j++)
		for (size_t i = 0; i < l; i++)
			c[i * k->d + j] = (float)k->w[(l - 1 - j) * l + i];
	return c;
}

struct scaling {
	float *v;
	size_t d;
	double *factor;  /* d */
	double *largest; /* chunks x d: the entries of largest size */
	double *square;  /* chunks x d: sums of squares */
	struct dense_chunks chunks;
};

static int measure_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	struct scaling *w = arg;
	size_t to = dense_chunk_start(&w->chunks, i + 1), d = w->d;
	double *largest = w->largest + i * d, *square = w->square + i * d;
	for (size_t r = dense_chunk_start(&w->chunks, i); r < to; r++)
		for (size_t j = 0; j < d; j++) {
			double x = (double)w->v[r * d + j];
			square[j] += x * x;
			largest[j] = fabs(x) > fabs(largest[j]) ? x : largest[j];
		}
	return 0;
}

static int scale_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	struct scaling *w = arg;
	size_t to = dense_chunk_start(&w->chunks, i + 1), d = w->d;
	for (size_t r = dense_chunk_start(&w->chunks, i); r < to; r++)
		for (size_t j = 0; j < d; j++)
			w->v[r * d + j] = (float)((double)w->v[r * d + j] * w->factor[j]);
	return 0;
}

/* Makes the columns of v (n x d) unit, their largest entry positive; those whose s is 0 zero. */
static int make_unit(struct pool *pool, float *v, size_t n, size_t d, const double *s,
                     struct cbtm_error *e)
{
	struct scaling w = { .v = v, .d = d, .chunks = dense_chunks(n, 1024, 64) };
	size_t count = w.chunks.count;
	w.factor = mem_zeroed(d, sizeof *w.factor, "the SVD", e);
	w.largest = mem_zeroed(count, d * sizeof *w.largest, "the SVD", e);
	w.square = mem_zeroed(count, d * sizeof *w.square, "the SVD", e);
	if (e->name || pool_run(pool, count, measure_chunk, &w, e))
		goto done;
	for (size_t j = 0; j < d; j++) {
		double largest = 0, square = 0;
		for (size_t i = 0; i < count; i++) {
			double x = w.largest[i * d + j];
			largest = fabs(x) > fabs(largest) ? x : largest;
			square += w.square[i * d + j];
		}
		w.factor[j] = square > 0 && s[j] > 0 ? copysign(1 / sqrt(square), largest) : 0;
	}
	pool_run(pool, count, scale_chunk, &w, e);
done:
	free(w.square), free(w.largest), free(w.factor);
	return e->name;
}

/*
 * v (columns x d) and s (d) from the basis; by_columns: it is one of the columns' side. Where they
 * span more than eigenvalues of squares can tell apart, small singular values are found anew and
 * their vectors turned apart, from x = pt u, whose lengths they are.
 */
static int finish(struct lanczos *k, bool by_columns, float *v, double *s, struct cbtm_error *e)
{
	size_t d = k->d, l = k->basis.used, n = k->n, columns = by_columns ? n : k->r;
	float *c = combination(k, e), *to = NULL, *u = NULL, *x = NULL;
	for (size_t j = 0; j < d && j < l; j++)
		s[j] = k->theta[l - 1 - j] > 0 ? sqrt(k->theta[l - 1 - j]) : 0;
	bool coarse = s[d - 1] < REFINE * s[0];
	u = mem_aligned(n, d * sizeof *u, "the SVD", e);
	/* Of the columns' side, unless it is turned: right where it shall be. */
	if (coarse)
		x = mem_aligned(k->r, d * sizeof *x, "the SVD", e);
	to = mem_aligned(d, d * sizeof *to, "the SVD", e);
	if (e->name || basis_combine(&k->basis, c, d, u, e) ||
	    ((coarse || !by_columns) && sparse_times_dense(k->pool, k->pt, u, d, coarse ? x : v, e)) ||
	    (coarse && principal(k->pool, x, k->r, d, RANK_TOLERANCE * sqrt(k->largest), to, s, e)))
		goto done;
	if (coarse) {
		for (size_t i = 0; by_columns && i < d * d; i++) /* turns alone: u is unit already */
			to[i] = (float)((double)to[i] * s[i % d]);
		dense_times(k->pool, by_columns ? u : x, columns, d, to, d, v, e);
	} else if (by_columns) {
		memcpy(v, u, columns * d * sizeof *v);
	}
	if (!e->name)
		make_unit(k->pool, v, columns, d, s, e);
done:
	free(to), free(x), free(u), free(c);
	return e->name;
}

int svd_truncated(struct pool *pool, const struct cbtm_sparse *a, size_t d, uint64_t seed, float *v,
                  double *s, struct cbtm_error *e)
{
	struct sparse_owned t = { 0 };
	bool by_columns = a->columns < a->rows;
	size_t n = by_columns ? a->columns : a->rows;
	memset(s, 0, d * sizeof *s);
	memset(v, 0, a->columns * d * sizeof *v);
	if (sparse_check(a, e) || n == 0 || sparse_transpose(a, &t, e))
		return e->name;
	struct lanczos k = { .pool = pool,
		                 .p = by_columns ? &t.matrix : a,
		                 .pt = by_columns ? a : &t.matrix,
		                 .n = n,
		                 .r = by_columns ? a->rows : a->columns,
		                 .d = d,
		                 .basis = { .pool = pool, .n = n },
		                 .key = random_key(seed, RANDOM_SVD) };
	k.room = SVD_ROOM(d) < LARGEST_PROBLEM ? SVD_ROOM(d) : LARGEST_PROBLEM;
	if (n + BLOCK < k.room)
		k.room = n + BLOCK;
	k.y = mem_aligned(n, BLOCK * sizeof *k.y, "the SVD", e);
	k.y2 = mem_aligned(n, BLOCK * sizeof *k.y2, "the SVD", e);
	k.z = mem_aligned(k.r, BLOCK * sizeof *k.z, "the SVD", e);
	k.c = mem_aligned(k.room, BLOCK * sizeof *k.c, "the SVD", e);
	k.t = mem_zeroed(k.room, k.room * sizeof *k.t, "the SVD", e);
	k.w = mem_aligned(k.room, k.room * sizeof *k.w, "the SVD", e);
	k.theta = mem_aligned(k.room, sizeof *k.theta, "the SVD", e);
	if (!e->name && !iterate(&k, e) && k.basis.used)
		finish(&k, by_columns, v, s, e);
	free(k.theta), free(k.w), free(k.t), free(k.c), free(k.z), free(k.y2), free(k.y);
	basis_free(&k.basis);
	sparse_free(&t);
	return e->name;
}
