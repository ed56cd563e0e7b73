/* SPDX-License-Identifier: MIT */
#include "math/scan.h"
#include "base/memory.h"
#include "math/row.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
	float *row;                       /* SCAN_BLOCK x d */
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

/* The second largest score; which lane it stands in does not matter. */
static float second_score(const float *score, size_t width)
{
	float most[SCAN_PANEL], second[SCAN_PANEL], best = -INFINITY, other = -INFINITY;
	for (size_t c = 0; c < SCAN_PANEL; c++)
		most[c] = second[c] = -INFINITY;
	for (size_t j = 0; j < width; j += SCAN_PANEL)
		for (size_t c = 0; c < SCAN_PANEL; c++) {
			float v = score[j + c], lower = v < most[c] ? v : most[c];
			second[c] = lower > second[c] ? lower : second[c];
			most[c] = v > most[c] ? v : most[c];
		}
	for (size_t c = 0; c < SCAN_PANEL; c++) {
		float lower = most[c] < best ? most[c] : best;
		other = lower > other ? lower : other;
		other = second[c] > other ? second[c] : other;
		best = most[c] > best ? most[c] : best;
	}
	return other;
}

/* Below the squared distance of all but the best: |x|^2 - 2 score, less what the score may err. */
static double other_distance(const struct scan *s, const struct scratch *w, size_t r,
                             const float *x)
{
	double score = (double)second_score(w->score + r * s->packing.width, s->packing.width);
	double square = row_dot(x, x, s->d);
	return square * (1 - 1e-12) - 2 * (score + margin_of(s, w->square[r]));
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

/* Rows of the scan that stand apart, brought together. */
static const float *bring(const struct scan *s, size_t first, size_t n, float *room)
{
	size_t step = s->step > 1 ? s->step : 1;
	if (step == 1)
		return s->x + first * s->d;
	for (size_t r = 0; r < n; r++)
		memcpy(room + r * s->d, s->x + (first + r) * step * s->d, s->d * sizeof *room);
	return room;
}

int scan_rows(const struct scan *s, size_t from, size_t to, scan_row *each, void *arg,
              struct cbtm_error *e)
{
	struct scratch w;
	size_t width = s->packing.width;
	w.score = mem_aligned(SCAN_BLOCK * width, sizeof *w.score, "a scan", e);
	w.row = mem_aligned(s->step > 1 ? SCAN_BLOCK : 1, s->d * sizeof *w.row, "a scan", e);
	w.cost = mem_aligned(s->k, sizeof *w.cost, "a scan", e);
	w.v = mem_aligned(s->k, sizeof *w.v, "a scan", e);
	w.cluster = mem_aligned(width + SCAN_PANEL, sizeof *w.cluster, "a scan", e);
	if (e->name)
		goto done;
	for (size_t first = from; first < to; first += SCAN_BLOCK) {
		size_t n = to - first < SCAN_BLOCK ? to - first : SCAN_BLOCK;
		const float *x = bring(s, first, n, w.row);
		scan_scores(&s->packing, x, n, w.score, w.square);
		for (size_t r = 0; r < n; r++) {
			size_t count = candidates(s, &w, r);
			if (count > 1 || !isfinite(w.square[r]))
				count = keep_exactly(s, &w, x + r * s->d, count);
			if (count == 0) {
				error_set(e, CBTM_ERR_NOT_FINITE, NULL, "a vector or a centre is not finite");
				goto done;
			}
			if (s->other)
				s->other[first + r] = other_distance(s, &w, r, x + r * s->d);
			if (each(arg, first + r, count, w.cluster, w.v, e))
				goto done;
		}
	}
done:
	free(w.cluster), free(w.v), free(w.cost), free(w.row), free(w.score);
	return e->name;
}
