/* SPDX-License-Identifier: MIT */
#include "math/scan.h"
#include "base/memory.h"
#include "math/row.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>

static double half_of(const struct scan *s, size_t j)
{
	return s->half ? s->half[j] : 0;
}

int scan_open(struct scan *s, struct cbtm_error *e)
{
	double largest = 0, *offset = mem_aligned(s->k, sizeof *offset, "a scan", e);
	s->square = mem_aligned(s->k, sizeof *s->square, "a scan", e);
	for (size_t j = 0; !e->name && j < s->k; j++) {
		const float *c = s->centre + j * s->d;
		s->square[j] = row_dot(c, c, s->d);
		offset[j] = (s->square[j] + (s->price ? s->price[j] : 0) + half_of(s, j)) / 2;
		s->widest = half_of(s, j) > s->widest ? half_of(s, j) : s->widest;
		largest = s->square[j] > largest ? s->square[j] : largest;
	}
	s->reach = sqrt(largest);
	if (!e->name)
		scan_packing_make(&s->packing, s->centre, s->k, s->d, offset, s->half, e);
	free(offset);
	return e->name;
}

void scan_close(struct scan *s)
{
	scan_packing_free(&s->packing);
	free(s->square);
	s->square = NULL;
}

/* Per thread of control: scores of a block, and what is kept of one row. */
struct scratch {
	float *score, square[SCAN_BLOCK]; /* SCAN_BLOCK x width */
	double *cost, *v;                 /* k */
	uint32_t *cluster;                /* width + SCAN_PANEL */
};

/*
 * How far a score (minus half a cost, at its upper end) plus h may lie below the best one: half the
 * window, and the errors of both. A sum of d products and an offset in float errs by at most (d + 2) 2^-24 times the sum
 * of their sizes (Higham 2002, section 3.1), however it is ordered or fused; two more are for the
 * offset's own rounding and the cut's. The last term covers what falls below the normal range.
 */
static double margin_of(const struct scan *s, double square)
{
	double d = (double)s->d, norm = sqrt(square) * (1 + (d + 2) * 0x1p-23);
	double size = norm * s->reach + (double)s->packing.largest + s->widest;
	return (s->window / 2 + 2 * (d + 4) * 0x1p-24 * size + (d + 4) * FLT_MIN) * (1 + 0x1p-20);
}

/* The row's candidates, all of them where float cannot tell. */
static size_t candidates(const struct scan *s, struct scratch *w, size_t r)
{
	double margin = margin_of(s, w->square[r]);
	if (margin < 1e30)
		return scan_select(&s->packing, w->score + r * s->packing.width, (float)margin, w->cluster);
	for (size_t j = 0; j < s->k; j++)
		w->cluster[j] = (uint32_t)j;
	return s->k;
}

/* Exact costs; what was kept for rounding's sake only goes again. */
static size_t keep_exactly(const struct scan *s, struct scratch *w, const float *x, size_t count)
{
	double least = INFINITY;
	for (size_t i = 0; i < count; i++) {
		size_t j = w->cluster[i];
		w->v[i] = s->square[j] - 2 * row_dot(x, s->centre + j * s->d, s->d);
		w->cost[i] = w->v[i] + (s->price ? s->price[j] : 0);
		double upper = w->cost[i] + half_of(s, j);
		least = upper < least ? upper : least;
	}
	size_t kept = 0;
	for (size_t i = 0; isfinite(least) && i < count; i++) {
		if (!(w->cost[i] - half_of(s, w->cluster[i]) <= least + s->window))
			continue;
		w->cluster[kept] = w->cluster[i];
		w->v[kept++] = w->v[i];
	}
	return kept;
}

static int not_finite(const struct scan *s, const float *x, size_t row, struct cbtm_error *e)
{
	for (size_t t = 0; t < s->d; t++)
		if (!isfinite(x[t]))
			return error_set(e, CBTM_ERR_NOT_FINITE, NULL, "vector %zu (from 0) is not finite",
			                 row);
	return error_set(e, CBTM_ERR_NOT_FINITE, NULL, "a centre is not finite");
}

int scan_rows(const struct scan *s, size_t from, size_t to, scan_row *each, void *arg,
              struct cbtm_error *e)
{
	struct scratch w;
	size_t width = s->packing.width, step = s->step ? s->step : 1;
	const float *row[SCAN_BLOCK];
	w.score = mem_aligned(SCAN_BLOCK * width, sizeof *w.score, "a scan", e);
	w.cost = mem_aligned(s->k, sizeof *w.cost, "a scan", e);
	w.v = mem_aligned(s->k, sizeof *w.v, "a scan", e);
	w.cluster = mem_aligned(width + SCAN_PANEL, sizeof *w.cluster, "a scan", e);
	if (e->name)
		goto done;
	for (size_t first = from; first < to; first += SCAN_BLOCK) {
		size_t n = to - first < SCAN_BLOCK ? to - first : SCAN_BLOCK;
		for (size_t r = 0; r < n; r++)
			row[r] = s->x + (first + r) * step * s->d;
		scan_scores(&s->packing, row, n, w.score, w.square);
		for (size_t r = 0; r < n; r++) {
			size_t count = candidates(s, &w, r);
			if (count > 1 || !isfinite(w.square[r]))
				count = keep_exactly(s, &w, row[r], count);
			if (count == 0) {
				not_finite(s, row[r], (first + r) * step, e);
				goto done;
			}
			if (each(arg, first + r, count, w.cluster, w.v, e))
				goto done;
		}
	}
done:
	free(w.cluster), free(w.v), free(w.cost), free(w.score);
	return e->name;
}
