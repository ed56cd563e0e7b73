/* SPDX-License-Identifier: MIT */
#include "math/svd.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/signals.h"
#include "math/basis.h"
#include "math/dense.h"
#include "math/sparse_core.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = PANEL }; /* vectors of a step */

#define RANK_TOLERANCE 1e-5 /* below this share of the largest a singular value is rounding noise */
#define FLOAT_NOISE 1e-6    /* what is left of a float vector by subtracting is, below this share */
#define UNEVEN 1e-2 /* shorter than this share of the longest: what is left is cleaned again */
#define REFINE 0.1  /* below this share the eigenvalues, of squares in float, are too coarse */

struct lanczos {
	struct pool *pool;
	const struct sparse_core *a; /* n x r, n <= r */
	size_t n, r, d, room;
	struct basis basis;         /* of n-vectors */
	float *y, *y2;              /* n x BLOCK: the block under way */
	float *z;                   /* r x BLOCK */
	float *c;                   /* room x BLOCK: projections on the basis */
	double *t;                  /* room x room: basis' a a' basis */
	double *w, *theta;          /* its d largest eigenvalues, ascending, and eigenvectors (rows) */
	size_t found;               /* so many of them: d, or as many as t has rows */
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

/*
 * Appends the next block, what is left in y: less what lies in the basis, made orthonormal. Where that
 * is noise, random directions (an invariant subspace is spanned then, but not yet every copy of its
 * singular values). *any = false if no direction is left at all.
 */
static int next_block(struct lanczos *k, bool *any, struct cbtm_error *e)
{
	float to[BLOCK * BLOCK], *panel;
	double size[BLOCK], least = FLOAT_NOISE * k->largest;
	for (size_t rounds = 1, round = 0; round < rounds; round++, least = 1e-4) {
		if (basis_project(&k->basis, 0, k->y, k->c, e) ||
		    basis_subtract(&k->basis, 0, k->c, k->y, e) ||
		    principal(k->pool, k->y, k->n, BLOCK, least, to, size, e))
			return e->name;
		bool drawn = size[BLOCK - 1] == 0;
		*any = size[0] > 0;
		if (round == 0) {
			rounds = drawn ? 3 : size[BLOCK - 1] < UNEVEN * size[0] ? 2 : 1;
			for (size_t i = 0; i < BLOCK; i++)
				for (size_t j = 0; j < BLOCK; j++)
					k->rest[i * BLOCK + j] = size[i] * size[i] * (double)to[j * BLOCK + i];
		}
		if (round + 1 == rounds)
			break;
		if (dense_times(k->pool, k->y, k->n, BLOCK, to, BLOCK, k->y2, e) ||
		    (round == 0 && drawn && draw_columns(k, k->y2, size, e)))
			return e->name;
		float *other = k->y;
		k->y = k->y2;
		k->y2 = other;
	}
	if (!*any || !(panel = basis_append(&k->basis, e)))
		return e->name;
	return dense_times(k->pool, k->y, k->n, BLOCK, to, BLOCK, panel, e);
}

struct diagonal {
	const float *alone, *x;
	float *y;
	struct dense_chunks chunks;
};

static int diagonal_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct diagonal *w = arg;
	size_t to = dense_chunk_start(&w->chunks, i + 1);
	for (size_t r = dense_chunk_start(&w->chunks, i); r < to; r++)
		for (size_t j = 0; j < BLOCK; j++)
			w->y[r * BLOCK + j] += w->alone[r] * w->x[r * BLOCK + j];
	return 0;
}

/* y = a a' times the last block. */
static int multiply(struct lanczos *k, struct cbtm_error *e)
{
	const float *x = k->basis.panel[k->basis.panels - 1];
	struct diagonal w = { k->a->alone, x, k->y, dense_chunks(k->n, 1024, 64) };
	if (sparse_times_panels(k->pool, &k->a->shared, x, BLOCK, NULL, k->z, e) ||
	    sparse_times_panels(k->pool, &k->a->rows.matrix, k->z, BLOCK, NULL, k->y, e))
		return e->name;
	return pool_run(k->pool, w.chunks.count, diagonal_chunk, &w, e);
}

/* The next y; its part in the last two blocks goes to t: in exact numbers there is no other. */
static int step(struct lanczos *k, struct cbtm_error *e)
{
	size_t panels = k->basis.panels, first = panels > 2 ? panels - 2 : 0;
	size_t used = panels * BLOCK, from = first * BLOCK;
	if (multiply(k, e) || basis_project(&k->basis, first, k->y, k->c, e) ||
	    basis_subtract(&k->basis, first, k->c, k->y, e))
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

/* The eigenvectors of t, of `used` rows; k->residual: the largest of theirs. */
static int solve(struct lanczos *k, size_t used, struct cbtm_error *e)
{
	k->found = k->d < used ? k->d : used;
	if (dense_top(k->t, used, k->room, k->found, k->theta, k->w, e))
		return e->name;
	double most = k->theta[k->found - 1];
	k->largest = most > k->largest ? most : k->largest;
	k->residual = 0;
	for (size_t j = 0; j < k->found; j++) {
		const double *last = k->w + (j + 1) * used - BLOCK;
		double square = 0;
		for (size_t i = 0; i < BLOCK; i++) {
			double sum = 0;
			for (size_t m = 0; m < BLOCK; m++)
				sum += k->rest[i * BLOCK + m] * last[m];
			square += sum * sum;
		}
		if (k->theta[j] > RANK_TOLERANCE * RANK_TOLERANCE * k->largest)
			k->residual = fmax(k->residual, sqrt(square) / k->theta[j]);
	}
	return 0;
}

/* Steps until the next look at the residual: it falls by a third a step or faster. */
static size_t steps_ahead(double residual, size_t d)
{
	double steps = ceil(log(residual / SVD_RESIDUAL) / log(1.5)), most = 2 + (double)(d / BLOCK);
	return steps < 1 ? 1 : (size_t)(steps < most ? steps : most);
}

/* Spans directions until those that are sought are; *used: how many. */
static int iterate(struct lanczos *k, size_t *used, struct cbtm_error *e)
{
	/* So many directions were needed for 2 to 300 dimensions of text. */
	size_t due = 3 * k->d + (size_t)(14 * sqrt((double)k->d));
	bool any;
	*used = 0;
	if (draw_columns(k, k->y, NULL, e) || next_block(k, &any, e) || !any)
		return e->name;
	for (;;) {
		*used = k->basis.panels * BLOCK;
		if (step(k, e))
			return e->name;
		if (*used == BLOCK && solve(k, *used, e)) /* the scale of things */
			return e->name;
		bool full = *used + BLOCK > k->room;
		if (!full && next_block(k, &any, e))
			return e->name;
		if (!full && any && *used < due)
			continue;
		/* The block behind is not part of t yet. */
		if (solve(k, *used, e) || full || !any || k->residual <= SVD_RESIDUAL)
			return e->name;
		due = *used + BLOCK * steps_ahead(k->residual, k->d);
	}
}

/* The eigenvectors as the combination of the basis (panels * BLOCK x d), zeros behind them. */
static float *combination(const struct lanczos *k, size_t used, struct cbtm_error *e)
{
	float *c = mem_zeroed(k->basis.panels * BLOCK, k->d * sizeof *c, "the SVD", e);
	for (size_t j = 0; c && j < k->found; j++)
		for (size_t i = 0; i < used; i++)
			c[i * k->d + j] = (float)k->w[(k->found - 1 - j) * used + i];
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

/* Four columns at a time, which any processor's vectors hold. */
typedef float floats4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef double doubles4 __attribute__((vector_size(32), aligned(8), may_alias));
typedef int64_t bits4 __attribute__((vector_size(32), aligned(8), may_alias));

static inline void measure_four(const float *v, double *largest, double *square)
{
	const bits4 size = { INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX };
	doubles4 x = __builtin_convertvector(*(const floats4 *)v, doubles4);
	doubles4 old = *(doubles4 *)largest;
	bits4 more = (doubles4)((bits4)x & size) > (doubles4)((bits4)old & size);
	*(bits4 *)largest = ((bits4)x & more) | ((bits4)old & ~more);
	*(doubles4 *)square += x * x;
}

static int measure_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	struct scaling *w = arg;
	size_t to = dense_chunk_start(&w->chunks, i + 1), d = w->d;
	double *largest = w->largest + i * d, *square = w->square + i * d;
	for (size_t r = dense_chunk_start(&w->chunks, i); r < to; r++) {
		size_t j = 0;
		for (; j + 4 <= d; j += 4)
			measure_four(w->v + r * d + j, largest + j, square + j);
		for (; j < d; j++) {
			double x = (double)w->v[r * d + j];
			square[j] += x * x;
			largest[j] = fabs(x) > fabs(largest[j]) ? x : largest[j];
		}
	}
	return 0;
}

static int scale_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	struct scaling *w = arg;
	size_t to = dense_chunk_start(&w->chunks, i + 1), d = w->d;
	for (size_t r = dense_chunk_start(&w->chunks, i); r < to; r++) {
		float *v = w->v + r * d;
		size_t j = 0;
		for (; j + 4 <= d; j += 4) {
			doubles4 x = __builtin_convertvector(*(floats4 *)(v + j), doubles4);
			*(floats4 *)(v + j) =
				__builtin_convertvector(x * *(const doubles4 *)(w->factor + j), floats4);
		}
		for (; j < d; j++)
			v[j] = (float)((double)v[j] * w->factor[j]);
	}
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

struct unpacking {
	const float *panels;
	size_t d;
	float *v;
	struct dense_chunks chunks;
};

static int unpack_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct unpacking *w = arg;
	size_t n = w->chunks.n, to = dense_chunk_start(&w->chunks, i + 1);
	for (size_t r = dense_chunk_start(&w->chunks, i); r < to; r++)
		for (size_t j = 0; j < w->d; j++)
			w->v[r * w->d + j] = w->panels[(j / PANEL * n + r) * PANEL + j % PANEL];
	return 0;
}

/*
 * v (columns x d) from u (n x d, panels), the left singular vectors where the basis is one of the
 * rows' side. Where s spans more than eigenvalues of squares can tell apart, small singular values are
 * found anew and their vectors turned apart, from x = a' u, whose lengths they are.
 */
static int turn(struct lanczos *k, bool by_columns, const float *u, float *v, double *s,
                struct cbtm_error *e)
{
	size_t d = k->d, columns = by_columns ? k->n : k->r;
	bool coarse = s[d - 1] < REFINE * s[0];
	float *x = NULL, *rows = NULL, *to = NULL;
	if (by_columns) {
		rows = coarse ? mem_aligned(k->n, d * sizeof *rows, "the SVD", e) : v;
		struct unpacking w = { u, d, rows, dense_chunks(k->n, 1024, 64) };
		if (!rows || pool_run(k->pool, w.chunks.count, unpack_chunk, &w, e) || !coarse)
			goto done;
	}
	x = coarse ? mem_aligned(k->r, d * sizeof *x, "the SVD", e) : v;
	to = mem_aligned(d, d * sizeof *to, "the SVD", e);
	if (e->name || sparse_times_panels(k->pool, &k->a->columns.matrix, u, d, k->a->place, x, e) ||
	    !coarse || principal(k->pool, x, k->r, d, RANK_TOLERANCE * sqrt(k->largest), to, s, e))
		goto done;
	for (size_t i = 0; by_columns && i < d * d; i++) /* turns alone: u is unit already */
		to[i] = (float)((double)to[i] * s[i % d]);
	dense_times(k->pool, by_columns ? rows : x, columns, d, to, d, v, e);
done:
	free(to);
	if (x != v)
		free(x);
	if (rows != v)
		free(rows);
	return e->name;
}

/* v and s from the basis, which is one of the columns' side or of the rows'. */
static int finish(struct lanczos *k, size_t used, bool by_columns, float *v, double *s,
                  struct cbtm_error *e)
{
	size_t d = k->d, panels = (d + PANEL - 1) / PANEL;
	float *c = combination(k, used, e);
	float *u = mem_aligned(k->n, panels * PANEL * sizeof *u, "the SVD", e);
	for (size_t j = 0; j < k->found; j++)
		s[j] = k->theta[k->found - 1 - j] > 0 ? sqrt(k->theta[k->found - 1 - j]) : 0;
	if (!e->name && !basis_combine(&k->basis, c, d, u, e) && !turn(k, by_columns, u, v, s, e))
		make_unit(k->pool, v, by_columns ? k->n : k->r, d, s, e);
	free(u), free(c);
	return e->name;
}

/* a, or its transpose if it has more rows than columns, arranged for the products. */
static int arrange(struct pool *pool, const struct cbtm_sparse *a, bool by_columns,
                   struct sparse_core *core, struct cbtm_error *e)
{
	struct sparse_owned t = { 0 };
	if (!by_columns)
		return sparse_core_make(pool, a, core, e);
	if (!sparse_transpose(a, NULL, &t, e))
		sparse_core_make(pool, &t.matrix, core, e);
	sparse_free(&t);
	return e->name;
}

int svd_truncated(struct pool *pool, const struct cbtm_sparse *a, size_t d, uint64_t seed, float *v,
                  double *s, struct cbtm_error *e)
{
	struct sparse_core core = { .alone = NULL };
	bool by_columns = a->columns < a->rows;
	size_t n = by_columns ? a->columns : a->rows, r = by_columns ? a->rows : a->columns;
	size_t room = SVD_ROOM(d) < DENSE_LARGEST ? SVD_ROOM(d) : DENSE_LARGEST, used = 0;
	memset(s, 0, d * sizeof *s);
	if (n == 0)
		memset(v, 0, a->columns * d * sizeof *v);
	if (n == 0 || sparse_check(a, e) || arrange(pool, a, by_columns, &core, e))
		return e->name;
	if (n + BLOCK < room)
		room = n + BLOCK;
	struct lanczos k = { .pool = pool,
		                 .a = &core,
		                 .n = n,
		                 .r = r,
		                 .d = d,
		                 .room = room,
		                 .basis = { .pool = pool, .n = n },
		                 .key = random_key(seed, RANDOM_SVD) };
	k.y = mem_aligned(n, BLOCK * sizeof *k.y, "the SVD", e);
	k.y2 = mem_aligned(n, BLOCK * sizeof *k.y2, "the SVD", e);
	k.z = mem_aligned(core.shared.rows, BLOCK * sizeof *k.z, "the SVD", e);
	k.c = mem_aligned(room, BLOCK * sizeof *k.c, "the SVD", e);
	k.t = mem_zeroed(room, room * sizeof *k.t, "the SVD", e);
	k.w = mem_aligned(d, room * sizeof *k.w, "the SVD", e);
	k.theta = mem_aligned(d, sizeof *k.theta, "the SVD", e);
	if (!e->name && !iterate(&k, &used, e) && used)
		finish(&k, used, by_columns, v, s, e);
	else if (!e->name)
		memset(v, 0, a->columns * d * sizeof *v);
	free(k.theta), free(k.w), free(k.t), free(k.c), free(k.z), free(k.y2), free(k.y);
	basis_free(&k.basis);
	sparse_core_free(&core);
	return e->name;
}
