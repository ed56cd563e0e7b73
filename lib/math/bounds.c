/* SPDX-License-Identifier: MIT */
#include "math/bounds.h"
#include "base/memory.h"
#include "math/dense.h"
#include "math/row.h"
#include "math/scan.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* From so many clusters on, the distance to a point's own centre is looked at before all scores. */
enum { TIGHTEN = 48 };

struct bounds {
	struct scan scan;
	struct dense_chunks chunks;
	bool first;
	float *bound;
	uint32_t *cluster;
	float *move;        /* k: how far each centre moved */
	float most, second; /* the two largest moves */
	uint32_t mover;     /* whose move is the largest */
	size_t *scanned;    /* chunks */
};

/* Rows that need a look at all centres. */
struct looked {
	struct bounds *b;
	size_t n, row[SCAN_BLOCK];
	const float *x[SCAN_BLOCK];
	float *score; /* SCAN_BLOCK x width */
	struct scan_best best[SCAN_BLOCK];
	float square[SCAN_BLOCK];
};

static float rounded_up(double v)
{
	return (float)v * (1 + 4 * FLT_EPSILON);
}

static void find_moves(struct bounds *b, const float *before, size_t k, size_t d)
{
	for (size_t j = 0; before && j < k; j++) {
		b->move[j] = rounded_up(sqrt(row_distance(b->scan.centre + j * d, before + j * d, d)));
		if (b->move[j] > b->most) {
			b->second = b->most;
			b->most = b->move[j];
			b->mover = (uint32_t)j;
		} else if (b->move[j] > b->second)
			b->second = b->move[j];
	}
}

/*
 * Whether bounds prove that the costs, in double, have the same order: those of own and other
 * centres differ by lower^2 - upper^2 at least, and err by rounding in proportion to (|x| + 2
 * reach)^2, where |x| <= upper + reach.
 */
static bool apart(const struct bounds *b, float upper, float lower)
{
	float size = upper + 3 * (float)b->scan.reach;
	return lower > upper && (lower - upper) * (lower + upper) > 2e-11f * size * size;
}

/* Whether the row stays where it is; its bounds are brought up to date. */
static bool stays(struct bounds *b, size_t row)
{
	const struct scan *s = &b->scan;
	uint32_t own = b->cluster[row];
	float *bound = b->bound + 2 * row;
	bound[0] = (bound[0] + b->move[own]) * (1 + 2 * FLT_EPSILON);
	bound[1] = (bound[1] - (own == b->mover ? b->second : b->most)) * (1 - 2 * FLT_EPSILON);
	if (apart(b, bound[0], bound[1]))
		return true;
	if (s->k < TIGHTEN)
		return false;
	bound[0] = rounded_up(sqrt(row_distance(s->x + row * s->d, s->centre + own * s->d, s->d)));
	return apart(b, bound[0], bound[1]);
}

/* Of the clusters whose score is near the best, or of all: the nearest in double, ties to the
 * lower; it has no bounds. */
static int look_closely(struct looked *w, size_t i, float margin, struct cbtm_error *e)
{
	const struct scan *s = &w->b->scan;
	const float *score = w->score + i * s->packing.width;
	float cut = w->best[i].score - margin;
	double least = INFINITY;
	for (size_t j = 0; j < s->k; j++) {
		if (isfinite(cut) && score[j] < cut)
			continue;
		double v = s->square[j] - 2 * row_dot(w->x[i], s->centre + j * s->d, s->d);
		if (v < least) {
			least = v;
			w->b->cluster[w->row[i]] = (uint32_t)j;
		}
	}
	w->b->bound[2 * w->row[i]] = INFINITY;
	w->b->bound[2 * w->row[i] + 1] = 0;
	return isfinite(least)
	           ? 0
	           : error_set(e, CBTM_ERR_NOT_FINITE, NULL, "a vector or a centre is not finite");
}

/*
 * A score errs by at most (d + 4) 2^-24 times the sizes of what it sums, |x| reach + the largest
 * offset (math/scan.c), |x|^2 by (d + 2) 2^-24 of itself; the squared distance is |x|^2 - 2 score.
 */
static int look_at(struct looked *w, struct cbtm_error *e)
{
	struct bounds *b = w->b;
	const struct scan_packing *p = &b->scan.packing;
	float terms = (float)(b->scan.d + 8), error = terms * 0x1p-24f,
		  reach = rounded_up(b->scan.reach);
	size_t n = w->n;
	w->n = 0;
	scan_scores(p, w->x, n, w->score, w->square);
	scan_bests(p, w->score, n, w->best);
	for (size_t i = 0; i < n; i++) {
		const struct scan_best *best = &w->best[i];
		float square = w->square[i];
		float score_error = error * (sqrtf(square) * 1.001f * reach + p->largest) + terms * FLT_MIN;
		if (!(best->score - best->second > 3 * score_error) || !(square < 1e30f)) {
			if (look_closely(w, i, 3 * score_error, e))
				return e->name;
			continue;
		}
		float upper = square * (1 + error) - 2 * (best->score - score_error);
		float lower = square * (1 - error) - 2 * (best->second + score_error);
		float *bound = b->bound + 2 * w->row[i];
		/* The subtractions round, too: by no more than 2^-24 of their larger term. */
		float last = 4 * FLT_EPSILON * (square + 2 * fabsf(best->score));
		b->cluster[w->row[i]] = best->cluster;
		bound[0] = sqrtf(upper + last > 0 ? upper + last : 0) * (1 + 2 * FLT_EPSILON);
		last = 4 * FLT_EPSILON * (square + 2 * fabsf(best->second));
		bound[1] = sqrtf(lower - last > 0 ? lower - last : 0) * (1 - 2 * FLT_EPSILON);
	}
	return 0;
}

static int bounds_chunk(void *arg, size_t chunk, unsigned thread, struct cbtm_error *e)
{
	(void)thread;
	struct bounds *b = arg;
	const struct scan *s = &b->scan;
	size_t to = dense_chunk_start(&b->chunks, chunk + 1);
	struct looked w = { .b = b };
	w.score = mem_aligned(SCAN_BLOCK, s->packing.width * sizeof *w.score, "scores", e);
	for (size_t row = dense_chunk_start(&b->chunks, chunk); w.score && row < to; row++) {
		if (!b->first && stays(b, row))
			continue;
		w.row[w.n] = row;
		w.x[w.n++] = s->x + row * s->d;
		for (size_t t = 0; t < s->d; t += 16) /* while a block fills, its vectors come */
			__builtin_prefetch(s->x + row * s->d + t);
		b->scanned[chunk]++;
		if (w.n == SCAN_BLOCK && look_at(&w, e))
			goto done;
	}
	if (w.score && w.n)
		look_at(&w, e);
done:
	free(w.score);
	return e->name;
}

int bounds_nearest(struct pool *pool, const float *x, size_t n, size_t d, const float *centre,
                   const float *before, size_t k, float *bound, uint32_t *cluster, size_t *scanned,
                   struct cbtm_error *e)
{
	struct bounds b = { .scan = { .x = x, .n = n, .d = d, .centre = centre, .k = k },
		                .chunks = dense_chunks(n, 1024, 256),
		                .first = !before,
		                .bound = bound,
		                .cluster = cluster };
	b.scanned = mem_zeroed(b.chunks.count, sizeof *b.scanned, "bounds", e);
	b.move = mem_zeroed(k, sizeof *b.move, "bounds", e);
	*scanned = 0;
	if (e->name || scan_open(&b.scan, e))
		goto done;
	find_moves(&b, before, k, d);
	pool_run(pool, b.chunks.count, bounds_chunk, &b, e);
	for (size_t i = 0; i < b.chunks.count; i++)
		*scanned += b.scanned[i];
done:
	scan_close(&b.scan);
	free(b.move), free(b.scanned);
	return e->name;
}
