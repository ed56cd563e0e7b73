/* SPDX-License-Identifier: MIT */
#include "math/scan.h"
#include "base/memory.h"
#include "math/dense.h"
#include <math.h>
#include <stdlib.h>

#define BLOCK 256 /* rows of one product: block and centres stay in the second-level cache */

int scan_open(struct scan *s, struct cbtm_error *e)
{
	double largest = 0;
	s->square = mem_aligned(s->k, sizeof *s->square, "a scan", e);
	if (!s->square)
		return e->name;
	for (size_t j = 0; j < s->k; j++) {
		const float *c = s->centre + j * s->d;
		s->square[j] = dense_dot(c, c, s->d);
		largest = s->square[j] > largest ? s->square[j] : largest;
	}
	/* A float dot product errs by at most d 2^-24 |x| |c| (Higham 2002, section 3.1); a cost takes
	 * it twice, and two costs are compared. The constant leaves room for BLAS's own order. */
	s->reach = 4 * (double)(s->d + 2) * 0x1p-24 * sqrt(largest);
	return 0;
}

void scan_close(struct scan *s)
{
	free(s->square);
	s->square = NULL;
}

/* Per thread of control: products of a block, one row of priced costs, what is kept of it. */
struct scratch {
	float *product; /* BLOCK x k */
	double *cost, *v;
	uint32_t *cluster;
};

static size_t keep(const struct scan *s, struct scratch *w, const float *product, const float *x)
{
	double least = INFINITY;
	for (size_t j = 0; j < s->k; j++) {
		w->cost[j] = s->square[j] - 2 * (double)product[j] + (s->price ? s->price[j] : 0);
		least = w->cost[j] < least ? w->cost[j] : least;
	}
	double cut = least + s->window + s->reach * sqrt(dense_dot(x, x, s->d));
	size_t count = 0;
	for (size_t j = 0; j < s->k; j++) {
		w->cluster[count] = (uint32_t)j;
		count += w->cost[j] <= cut;
	}
	/* Exact costs; what was kept for rounding's sake only goes again. */
	least = INFINITY;
	for (size_t i = 0; i < count; i++) {
		size_t j = w->cluster[i];
		w->v[i] = s->square[j] - 2 * dense_dot(x, s->centre + j * s->d, s->d);
		w->cost[i] = w->v[i] + (s->price ? s->price[j] : 0);
		least = w->cost[i] < least ? w->cost[i] : least;
	}
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (w->cost[i] > least + s->window)
			continue;
		w->cluster[kept] = w->cluster[i];
		w->v[kept++] = w->v[i];
	}
	return kept;
}

int scan_rows(const struct scan *s, size_t from, size_t to, scan_row *each, void *arg,
              struct cbtm_error *e)
{
	struct scratch w = {
		mem_aligned(BLOCK * s->k, sizeof *w.product, "a scan", e),
		mem_aligned(s->k, sizeof *w.cost, "a scan", e),
		mem_aligned(s->k, sizeof *w.v, "a scan", e),
		mem_aligned(s->k + 1, sizeof *w.cluster, "a scan", e),
	};
	if (e->name)
		goto done;
	for (size_t first = from; first < to; first += BLOCK) {
		size_t n = to - first < BLOCK ? to - first : BLOCK;
		const float *x = s->x + first * s->d;
		dense_times_transposed(x, n, s->d, s->centre, s->k, w.product);
		for (size_t r = 0; r < n; r++) {
			size_t count = keep(s, &w, w.product + r * s->k, x + r * s->d);
			if (count == 0) {
				error_set(e, CBTM_ERR_NOT_FINITE, NULL, "a vector or a centre is not finite");
				goto done;
			}
			if (each(arg, first + r, count, w.cluster, w.v, e))
				goto done;
		}
	}
done:
	free(w.cluster), free(w.v), free(w.cost), free(w.product);
	return e->name;
}
