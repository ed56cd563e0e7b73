/* SPDX-License-Identifier: MIT */
#include "stage/card_margin.h"
#include "base/memory.h"
#include "math/dense.h"
#include "math/scan.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 4096 };

/* Documents whose nearest other centre is looked for at once, and again in order of clusters. */
struct card_waiting {
	size_t n;
	uint32_t cluster[MOST], other[MOST]; /* other: of the sorted ones */
	float own[MOST];
	size_t place[MOST]; /* where a document stands among the sorted ones */
	float *x, *sorted;  /* MOST x d */
	size_t *start;      /* k + 1 */
};

static int by_distance(const void *left, const void *right)
{
	const struct card_neighbour *a = left, *b = right;
	if (a->distance != b->distance)
		return a->distance < b->distance ? -1 : 1;
	return (a->cluster > b->cluster) - (a->cluster < b->cluster);
}

static int find_neighbours(void *arg, size_t j, unsigned thread, struct cbtm_error *e)
{
	struct card_margin *m = arg;
	struct card_neighbour *all = mem_zeroed(m->k, sizeof *all, "distances of centres", e);
	size_t n = 0;
	(void)thread;
	if (!all)
		return e->name;
	for (uint32_t i = 0; i < m->k; i++)
		if (i != j)
			all[n++] = (struct card_neighbour){
				i, sqrt(dense_distance(m->centre + j * m->d, m->centre + i * m->d, m->d)), 0
			};
	qsort(all, n, sizeof *all, by_distance);
	memcpy(m->neighbour + j * m->neighbours, all, m->neighbours * sizeof *all);
	free(all);
	return 0;
}

int card_margin_make(struct card_margin *m, struct pool *pool, const float *centre, uint32_t k,
                     size_t d, struct cbtm_error *e)
{
	*m = (struct card_margin){ .k = k, .d = d, .centre = centre, .pool = pool };
	m->neighbours = k - 1 < CARD_NEIGHBOURS ? k - 1 : CARD_NEIGHBOURS;
	m->neighbour = mem_zeroed(k, (m->neighbours + 1) * sizeof *m->neighbour, "overlap", e);
	m->overlap = mem_zeroed(k, sizeof *m->overlap, "overlap", e);
	m->waiting = mem_zeroed(1, sizeof *m->waiting, "overlap", e);
	if (e->name)
		return e->name;
	m->waiting->x = mem_aligned(MOST, d * sizeof(float), "overlap", e);
	m->waiting->sorted = mem_aligned(MOST, d * sizeof(float), "overlap", e);
	m->waiting->start = mem_zeroed((size_t)k + 1, sizeof(size_t), "overlap", e);
	return e->name || k < 2 ? (int)e->name : pool_run(pool, k, find_neighbours, m, e);
}

void card_margin_free(struct card_margin *m)
{
	if (m->waiting)
		free(m->waiting->start), free(m->waiting->sorted), free(m->waiting->x);
	free(m->waiting), free(m->overlap), free(m->neighbour);
	*m = (struct card_margin){ 0 };
}

/* Counting sort by cluster, in the order of the documents. */
static void sort(const struct card_margin *m)
{
	struct card_waiting *w = m->waiting;
	memset(w->start, 0, ((size_t)m->k + 1) * sizeof *w->start);
	for (size_t i = 0; i < w->n; i++)
		w->start[w->cluster[i] + 1]++;
	for (uint32_t j = 0; j < m->k; j++)
		w->start[j + 1] += w->start[j];
	for (size_t i = 0; i < w->n; i++) {
		w->place[i] = w->start[w->cluster[i]]++;
		memcpy(w->sorted + w->place[i] * m->d, w->x + i * m->d, m->d * sizeof *w->x);
	}
	for (uint32_t j = m->k; j > 0; j--)
		w->start[j] = w->start[j - 1];
	w->start[0] = 0;
}

static int take_first(void *arg, size_t row, size_t count, const uint32_t *cluster, const double *v,
                      struct cbtm_error *e)
{
	(void)count, (void)v, (void)e;
	((uint32_t *)arg)[row] = cluster[0];
	return 0;
}

/* The nearest centre but the cluster's own, which costs too much. */
static int find_others(void *arg, size_t j, unsigned thread, struct cbtm_error *e)
{
	const struct card_margin *m = arg;
	struct card_waiting *w = m->waiting;
	(void)thread;
	if (w->start[j] == w->start[j + 1])
		return 0;
	double *price = mem_zeroed(m->k, sizeof *price, "overlap", e);
	struct scan s = {
		.x = w->sorted, .n = w->n, .d = m->d, .centre = m->centre, .k = m->k, .price = price
	};
	if (price) {
		price[j] = INFINITY;
		if (!scan_open(&s, e))
			scan_rows(&s, w->start[j], w->start[j + 1], take_first, w->other, e);
		scan_close(&s);
	}
	free(price);
	return e->name;
}

static void count_other(const struct card_margin *m, size_t i)
{
	const struct card_waiting *w = m->waiting;
	uint32_t own = w->cluster[i], other = w->other[w->place[i]];
	struct card_overlap *o = &m->overlap[own];
	struct card_neighbour *list = m->neighbour + own * m->neighbours;
	double far = dense_distance(w->x + i * m->d, m->centre + other * m->d, m->d);
	size_t at = 0;
	while (at < m->neighbours && list[at].cluster != other)
		at++;
	if (at < m->neighbours)
		list[at].nearest++;
	else
		o->elsewhere++;
	o->documents++;
	o->nearer += far < (double)w->own[i];
	o->margin += sqrt(far) - sqrt((double)w->own[i]);
}

int card_margin_finish(struct card_margin *m, struct cbtm_error *e)
{
	struct card_waiting *w = m->waiting;
	if (m->k < 2 || !w->n)
		return 0;
	sort(m);
	if (pool_run(m->pool, m->k, find_others, m, e))
		return e->name;
	for (size_t i = 0; i < w->n; i++)
		count_other(m, i);
	w->n = 0;
	return 0;
}

int card_margin_add(struct card_margin *m, uint32_t cluster, const float *x, float distance,
                    struct cbtm_error *e)
{
	struct card_waiting *w = m->waiting;
	if (w->n == MOST && card_margin_finish(m, e))
		return e->name;
	if (m->k < 2)
		return 0;
	w->cluster[w->n] = cluster;
	w->own[w->n] = distance;
	memcpy(w->x + w->n++ * m->d, x, m->d * sizeof *x);
	return 0;
}
