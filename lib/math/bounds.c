/* SPDX-License-Identifier: MIT */
#include "math/bounds.h"
#include "base/memory.h"
#include "math/dense.h"
#include "math/row.h"
#include "math/scan.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct bounds {
	struct scan scan;
	struct dense_chunks chunks;
	const float *before;
	float *bound;
	uint32_t *cluster;
	double *distance;
	double most, second; /* the two largest moves of centres */
	uint32_t mover;      /* whose move is the largest */
	size_t *scanned;     /* chunks */
};

/* Rows that need a look at all centres, brought together. */
struct gathered {
	struct bounds *b;
	size_t n, row[SCAN_BLOCK];
	float *x;                 /* SCAN_BLOCK x d */
	double other[SCAN_BLOCK]; /* least distance to any but the nearest centre, squared */
};

static void find_moves(struct bounds *b, size_t k, size_t d)
{
	for (size_t j = 0; b->before && j < k; j++) {
		double move = sqrt(row_distance(b->scan.centre + j * d, b->before + j * d, d)) * (1 + 1e-9);
		if (move > b->most) {
			b->second = b->most;
			b->most = move;
			b->mover = (uint32_t)j;
		} else if (move > b->second)
			b->second = move;
	}
}

static float rounded_down(double v)
{
	float f = (float)v;
	return (double)f > v ? nextafterf(f, -INFINITY) : f;
}

/* Whether the row stays where it is; its distance and bound are brought up to date. */
static bool stays(struct bounds *b, size_t row)
{
	const struct scan *s = &b->scan;
	if (!b->before)
		return false;
	uint32_t own = b->cluster[row];
	double distance = row_distance(s->x + row * s->d, s->centre + own * s->d, s->d);
	double bound = (double)b->bound[row] - (own == b->mover ? b->second : b->most);
	double size = sqrt(distance) + 2 * s->reach; /* of |x| + |c|, so of the costs' rounding */
	b->distance[row] = distance;
	b->bound[row] = rounded_down(bound);
	return bound > 0 && bound * bound * (1 - 1e-9) > distance + 1e-11 * size * size;
}

static int nearest_row(void *arg, size_t at, size_t count, const uint32_t *cluster, const double *v,
                       struct cbtm_error *e)
{
	(void)e;
	struct gathered *g = arg;
	struct bounds *b = g->b;
	size_t best = 0, row = g->row[at], d = b->scan.d;
	for (size_t i = 1; i < count; i++)
		best = v[i] < v[best] ? i : best;
	b->cluster[row] = cluster[best];
	b->distance[row] = row_distance(g->x + at * d, b->scan.centre + cluster[best] * d, d);
	/* Where float saw several, the second best may be the best: no bound. */
	b->bound[row] = count > 1 || !(g->other[at] > 0) ? 0 : rounded_down(sqrt(g->other[at]));
	return 0;
}

static int look_at(struct gathered *g, struct cbtm_error *e)
{
	struct scan scan = g->b->scan;
	size_t n = g->n;
	scan.x = g->x;
	scan.other = g->other;
	g->n = 0;
	return n ? scan_rows(&scan, 0, n, nearest_row, g, e) : 0;
}

static int bounds_chunk(void *arg, size_t chunk, unsigned thread, struct cbtm_error *e)
{
	(void)thread;
	struct bounds *b = arg;
	size_t d = b->scan.d, to = dense_chunk_start(&b->chunks, chunk + 1);
	struct gathered g = { .b = b, .x = mem_aligned(SCAN_BLOCK, d * sizeof *g.x, "vectors", e) };
	for (size_t row = dense_chunk_start(&b->chunks, chunk); g.x && row < to; row++) {
		if (stays(b, row))
			continue;
		memcpy(g.x + g.n * d, b->scan.x + row * d, d * sizeof *g.x);
		g.row[g.n++] = row;
		b->scanned[chunk]++;
		if (g.n == SCAN_BLOCK && look_at(&g, e))
			goto done;
	}
	if (g.x)
		look_at(&g, e);
done:
	free(g.x);
	return e->name;
}

int bounds_nearest(struct pool *pool, const float *x, size_t n, size_t d, const float *centre,
                   const float *before, size_t k, float *bound, uint32_t *cluster, double *distance,
                   size_t *scanned, struct cbtm_error *e)
{
	struct bounds b = { .scan = { .x = x, .n = n, .d = d, .centre = centre, .k = k },
		                .chunks = dense_chunks(n, 1024, 256),
		                .before = before,
		                .bound = bound,
		                .cluster = cluster,
		                .distance = distance };
	b.scanned = mem_zeroed(b.chunks.count, sizeof *b.scanned, "bounds", e);
	*scanned = 0;
	if (!b.scanned || scan_open(&b.scan, e))
		goto done;
	find_moves(&b, k, d);
	pool_run(pool, b.chunks.count, bounds_chunk, &b, e);
	for (size_t i = 0; i < b.chunks.count; i++)
		*scanned += b.scanned[i];
done:
	scan_close(&b.scan);
	free(b.scanned);
	return e->name;
}
