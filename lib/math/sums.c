/* SPDX-License-Identifier: MIT */
#include "math/sums.h"
#include "base/memory.h"
#include "math/dense.h"
#include "math/row.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Dimensions of a task: 16 floats are as much as memory brings at once. Moves ahead for which it is
 * asked. */
enum { SLICE = 16, AHEAD = 12 };

/* A point that changes sides. */
struct change {
	uint32_t row; /* of its chunk: a 256th of all */
	uint32_t from;
};
struct changes {
	struct change *v;
	size_t n, room;
};

struct cbtm_sums {
	const float *x;
	const uint64_t *weight;
	size_t n, d, k;
	struct dense_chunks chunks;
	uint32_t *cluster;      /* n */
	bool filled;            /* cluster holds something */
	struct changes *change; /* chunks */
	double *sum;            /* k x d */
	uint64_t *total, *size; /* k */
	double square;          /* sum of w |x|^2 */
	double *part;           /* chunks: of it */
};

static double weight_of(const struct cbtm_sums *s, size_t row)
{
	return s->weight ? (double)s->weight[row] : 1;
}

static int square_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	struct cbtm_sums *s = arg;
	size_t to = dense_chunk_start(&s->chunks, i + 1);
	for (size_t r = dense_chunk_start(&s->chunks, i); r < to; r++) {
		const float *x = s->x + r * s->d;
		s->part[i] += weight_of(s, r) * row_dot(x, x, s->d);
	}
	return 0;
}

struct cbtm_sums *sums_new(struct pool *pool, const float *x, size_t n, size_t d,
                           const uint64_t *weight, size_t k, struct cbtm_error *e)
{
	static const char what[] = "sums";
	struct cbtm_sums *s = mem_zeroed(1, sizeof *s, what, e);
	if (!s)
		return NULL;
	*s = (struct cbtm_sums){
		.x = x, .weight = weight, .n = n, .d = d, .k = k, .chunks = dense_chunks(n, 1024, 256)
	};
	s->cluster = mem_aligned(n, sizeof *s->cluster, what, e);
	s->change = mem_zeroed(s->chunks.count, sizeof *s->change, what, e);
	s->sum = mem_zeroed(k, d * sizeof *s->sum, what, e);
	s->total = mem_zeroed(k, sizeof *s->total, what, e);
	s->size = mem_zeroed(k, sizeof *s->size, what, e);
	s->part = mem_zeroed(s->chunks.count, sizeof *s->part, what, e);
	if (e->name || pool_run(pool, s->chunks.count, square_chunk, s, e)) {
		sums_free(s);
		return NULL;
	}
	for (size_t i = 0; i < s->chunks.count; i++)
		s->square += s->part[i];
	return s;
}

void sums_free(struct cbtm_sums *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->change && i < s->chunks.count; i++)
		free(s->change[i].v);
	free(s->part), free(s->size), free(s->total), free(s->sum), free(s->change), free(s->cluster);
	free(s);
}

/* What one call moves. */
struct moving {
	struct cbtm_sums *s;
	const uint32_t *cluster;
};

static int find_changes(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread;
	const struct moving *m = arg;
	struct cbtm_sums *s = m->s;
	struct changes *c = &s->change[i];
	size_t from = dense_chunk_start(&s->chunks, i), to = dense_chunk_start(&s->chunks, i + 1);
	c->n = 0;
	for (size_t r = from; r < to; r++) {
		if (m->cluster[r] >= s->k)
			return error_set(e, CBTM_ERR_INTERNAL, NULL, "point %zu lies in cluster %u of %zu", r,
			                 (unsigned)m->cluster[r], s->k);
		if (!s->filled || m->cluster[r] == s->cluster[r])
			continue;
		if (array_reserve(&c->v, &c->room, c->n + 1, sizeof *c->v, e))
			return e->name;
		c->v[c->n++] = (struct change){ (uint32_t)(r - from), s->cluster[r] };
	}
	return 0;
}

/* Some dimensions of all moves, in order. */
static int move_slice(void *arg, size_t slice, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct moving *m = arg;
	struct cbtm_sums *s = m->s;
	size_t first = slice * SLICE, d = s->d - first < SLICE ? s->d - first : SLICE;
	for (size_t r = 0; !s->filled && r < s->n; r++)
		row_add(s->sum + m->cluster[r] * s->d + first, s->x + r * s->d + first, weight_of(s, r), d);
	for (size_t i = 0; s->filled && i < s->chunks.count; i++)
		for (size_t t = 0; t < s->change[i].n; t++) {
			const struct change *c = &s->change[i].v[t];
			size_t r = dense_chunk_start(&s->chunks, i) + c->row;
			const float *x = s->x + r * s->d + first;
			if (t + AHEAD < s->change[i].n)
				__builtin_prefetch(x + (s->change[i].v[t + AHEAD].row - c->row) * s->d);
			row_add(s->sum + c->from * s->d + first, x, -weight_of(s, r), d);
			row_add(s->sum + m->cluster[r] * s->d + first, x, weight_of(s, r), d);
		}
	return 0;
}

/* Sizes and weights; a cluster that lost all its points begins anew without a trace of rounding. */
static size_t count_moves(struct cbtm_sums *s, const uint32_t *cluster)
{
	size_t moved = s->filled ? 0 : s->n;
	for (size_t r = 0; !s->filled && r < s->n; r++) {
		s->size[cluster[r]]++;
		s->total[cluster[r]] += s->weight ? s->weight[r] : 1;
	}
	for (size_t i = 0; s->filled && i < s->chunks.count; i++) {
		moved += s->change[i].n;
		for (size_t t = 0; t < s->change[i].n; t++) {
			const struct change *c = &s->change[i].v[t];
			size_t r = dense_chunk_start(&s->chunks, i) + c->row;
			uint64_t weight = s->weight ? s->weight[r] : 1;
			s->size[c->from]--, s->total[c->from] -= weight;
			s->size[cluster[r]]++, s->total[cluster[r]] += weight;
		}
	}
	for (size_t j = 0; j < s->k; j++)
		if (!s->size[j])
			memset(s->sum + j * s->d, 0, s->d * sizeof *s->sum);
	return moved;
}

int sums_move(struct pool *pool, struct cbtm_sums *s, const uint32_t *cluster, size_t *moved,
              struct cbtm_error *e)
{
	struct moving m = { s, cluster };
	if (pool_run(pool, s->chunks.count, find_changes, &m, e) ||
	    pool_run(pool, (s->d + SLICE - 1) / SLICE, move_slice, &m, e))
		return e->name;
	*moved = count_moves(s, cluster);
	memcpy(s->cluster, cluster, s->n * sizeof *cluster);
	s->filled = true;
	return 0;
}

void sums_means(const struct cbtm_sums *s, float *centre)
{
	for (size_t j = 0; j < s->k; j++)
		for (size_t t = 0; s->total[j] && t < s->d; t++)
			centre[j * s->d + t] = (float)(s->sum[j * s->d + t] / (double)s->total[j]);
}

double sums_objective(const struct cbtm_sums *s, const float *centre)
{
	double sum = s->square;
	for (size_t j = 0; j < s->k; j++) {
		const float *c = centre + j * s->d;
		double product = 0;
		for (size_t t = 0; t < s->d; t++)
			product += (double)c[t] * s->sum[j * s->d + t];
		sum += (double)s->total[j] * row_dot(c, c, s->d) - 2 * product;
	}
	return sum > 0 ? sum : 0;
}
