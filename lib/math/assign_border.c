/* SPDX-License-Identifier: MIT */
#include "math/assign_border.h"
#include "base/error.h"
#include "base/memory.h"
#include "math/dense.h"
#include <stdlib.h>
#include <string.h>

int assign_units_make(const struct cbtm_balance *b, struct assign_units *u, struct cbtm_error *e)
{
	if (!b->weight) {
		uint64_t capacity = b->n / b->k + (b->n % b->k != 0);
		*u = (struct assign_units){ 1, capacity, capacity * b->k - b->n, 1 };
		return 0;
	}
	uint64_t sum = 0, all = 0;
	bool fits = true;
	for (size_t i = 0; i < b->n; i++)
		fits = fits && !__builtin_add_overflow(sum, b->weight[i], &sum);
	if (!fits || __builtin_mul_overflow(sum, (uint64_t)b->k, &all) || all > INT64_MAX)
		return error_set(e, CBTM_ERR_BAD_DATA, NULL,
		                 "the weights of %zu points times %zu clusters are too large", b->n, b->k);
	*u = (struct assign_units){ b->k, sum, 0, (double)all / (double)b->n };
	return 0;
}

/* A point of the border, as one chunk of the scan finds it. */
struct found {
	size_t row, entry; /* first entry, in the piece's arrays */
	size_t count;
};
struct piece {
	struct found *point;
	uint32_t *cluster;
	double *v;
	size_t points, entries, point_room, cluster_room, v_room;
	uint64_t *base; /* k */
};
struct search {
	const struct cbtm_balance *b;
	const struct assign_units *units;
	struct scan scan;
	struct dense_chunks chunks;
	struct piece *piece; /* a chunk each */
};
struct searched_chunk {
	const struct search *s;
	struct piece *piece;
};

static uint64_t supply_of(const struct cbtm_balance *b, const struct assign_units *u, size_t row)
{
	return b->weight ? b->weight[row] * u->scale : u->scale;
}

static int found_row(void *arg, size_t row, size_t count, const uint32_t *cluster, const double *v,
                     struct cbtm_error *e)
{
	struct searched_chunk *c = arg;
	const struct cbtm_balance *b = c->s->b;
	struct piece *p = c->piece;
	if (count == 1) {
		b->cluster[row] = cluster[0];
		p->base[cluster[0]] += supply_of(b, c->s->units, row);
		return 0;
	}
	if (array_reserve(&p->point, &p->point_room, p->points + 1, sizeof *p->point, e))
		return e->name;
	/* A repeated row shares its entries, so that a corpus of duplicates needs no n x k of them. */
	const struct found *last = p->points ? &p->point[p->points - 1] : NULL;
	if (last && last->count == count && !memcmp(p->cluster + last->entry, cluster, count * 4) &&
	    !memcmp(b->x + last->row * b->d, b->x + row * b->d, b->d * sizeof *b->x)) {
		p->point[p->points++] = (struct found){ row, last->entry, count };
		return 0;
	}
	if (array_reserve(&p->cluster, &p->cluster_room, p->entries + count, sizeof *cluster, e) ||
	    array_reserve(&p->v, &p->v_room, p->entries + count, sizeof *v, e))
		return e->name;
	memcpy(p->cluster + p->entries, cluster, count * sizeof *cluster);
	memcpy(p->v + p->entries, v, count * sizeof *v);
	p->point[p->points++] = (struct found){ row, p->entries, count };
	p->entries += count;
	return 0;
}

static int search_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread;
	const struct search *s = arg;
	struct searched_chunk c = { s, &s->piece[i] };
	c.piece->base = mem_zeroed(s->b->k, sizeof *c.piece->base, "balanced assignment", e);
	if (!c.piece->base)
		return e->name;
	return scan_rows(&s->scan, dense_chunk_start(&s->chunks, i),
	                 dense_chunk_start(&s->chunks, i + 1), found_row, &c, e);
}

/* A point of the border, ready to be sorted into groups. */
struct point {
	const uint32_t *cluster;
	const double *v;
	size_t count, row;
	uint64_t key;
};

static int compare_costs(const struct point *a, const struct point *b)
{
	if (a->count != b->count)
		return a->count < b->count ? -1 : 1;
	if (a->v == b->v)
		return 0;
	int by_cluster = memcmp(a->cluster, b->cluster, a->count * sizeof *a->cluster);
	if (by_cluster)
		return by_cluster;
	for (size_t i = 0; i < a->count; i++)
		if (a->v[i] != b->v[i])
			return a->v[i] < b->v[i] ? -1 : 1;
	return 0;
}

static int compare_points(const void *left, const void *right)
{
	const struct point *a = left, *b = right;
	int by_cost = compare_costs(a, b);
	if (by_cost)
		return by_cost;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->row < b->row ? -1 : a->row > b->row;
}

static int take_room(struct border *o, size_t groups, size_t entries, size_t points, size_t k,
                     struct cbtm_error *e)
{
	static const char what[] = "balanced assignment";
	o->start = mem_zeroed(groups + 1, sizeof *o->start, what, e);
	o->cluster = mem_aligned(entries, sizeof *o->cluster, what, e);
	o->v = mem_aligned(entries, sizeof *o->v, what, e);
	o->flow = mem_zeroed(entries, sizeof *o->flow, what, e);
	o->supply = mem_zeroed(groups, sizeof *o->supply, what, e);
	o->key = mem_zeroed(groups, sizeof *o->key, what, e);
	o->member_start = mem_zeroed(groups + 1, sizeof *o->member_start, what, e);
	o->member = mem_aligned(points, sizeof *o->member, what, e);
	o->base = mem_zeroed(k, sizeof *o->base, what, e);
	return e->name;
}

static void add_group(struct border *o, const uint32_t *cluster, const double *v, size_t count,
                      uint64_t key)
{
	memcpy(o->cluster + o->entries, cluster, count * sizeof *cluster);
	memcpy(o->v + o->entries, v, count * sizeof *v);
	o->key[o->groups++] = key;
	o->entries += count;
	o->start[o->groups] = o->entries;
	o->member_start[o->groups] = o->points;
}

/* The seats that stay empty: as points of no cost anywhere. */
static int add_free_seats(struct border *o, const struct assign_units *u, size_t k,
                          struct cbtm_error *e)
{
	uint32_t *cluster = mem_aligned(k, sizeof *cluster, "balanced assignment", e);
	double *v = mem_zeroed(k, sizeof *v, "balanced assignment", e);
	if (cluster && v) {
		for (size_t j = 0; j < k; j++)
			cluster[j] = (uint32_t)j;
		add_group(o, cluster, v, k, 0);
		o->supply[o->groups - 1] = u->free;
	}
	free(v);
	free(cluster);
	return e->name;
}

static int group_points(const struct search *s, struct point *point, size_t points,
                        struct border *o, struct cbtm_error *e)
{
	size_t groups = 0, entries = 0, k = s->b->k;
	qsort(point, points, sizeof *point, compare_points);
	for (size_t i = 0; i < points; i++)
		if (i == 0 || compare_costs(&point[i - 1], &point[i])) {
			groups++;
			entries += point[i].count;
		}
	if (take_room(o, groups + 1, entries + k, points, k, e))
		return e->name;
	if (s->units->free && add_free_seats(o, s->units, k, e))
		return e->name;
	for (size_t i = 0; i < points; i++) {
		const struct point *p = &point[i];
		if (i == 0 || compare_costs(&point[i - 1], p))
			add_group(o, p->cluster, p->v, p->count, p->key);
		o->member[o->points++] = p->row;
		o->member_start[o->groups] = o->points;
		o->supply[o->groups - 1] += supply_of(s->b, s->units, p->row);
	}
	return 0;
}

int border_make(struct pool *pool, const struct cbtm_balance *b, const struct assign_units *u,
                const double *price, double window, struct border *out, struct cbtm_error *e)
{
	*out = (struct border){ 0 };
	struct search s = { .b = b,
		                .units = u,
		                .scan = { .x = b->x,
		                          .n = b->n,
		                          .d = b->d,
		                          .centre = b->centre,
		                          .k = b->k,
		                          .price = price,
		                          .window = window },
		                .chunks = dense_chunks(b->n, 1024, 256) };
	struct point *point = NULL;
	size_t points = 0, filled = 0;
	s.piece = mem_zeroed(s.chunks.count, sizeof *s.piece, "balanced assignment", e);
	if (!s.piece || scan_open(&s.scan, e) || pool_run(pool, s.chunks.count, search_chunk, &s, e))
		goto done;
	for (size_t i = 0; i < s.chunks.count; i++)
		points += s.piece[i].points;
	point = mem_aligned(points, sizeof *point, "balanced assignment", e);
	if (!point)
		goto done;
	for (size_t i = 0; i < s.chunks.count; i++) {
		const struct piece *p = &s.piece[i];
		for (size_t t = 0; t < p->points; t++) {
			const struct found *f = &p->point[t];
			point[filled++] = (struct point){ p->cluster + f->entry, p->v + f->entry, f->count,
				                              f->row, b->key ? b->key[f->row] : 0 };
		}
	}
	if (group_points(&s, point, points, out, e))
		goto done;
	for (size_t i = 0; i < s.chunks.count; i++)
		for (size_t j = 0; j < b->k; j++)
			out->base[j] += s.piece[i].base[j];
done:
	for (size_t i = 0; s.piece && i < s.chunks.count; i++) {
		struct piece *p = &s.piece[i];
		free(p->base), free(p->v), free(p->cluster), free(p->point);
	}
	free(point);
	scan_close(&s.scan);
	free(s.piece);
	if (e->name)
		border_free(out);
	return e->name;
}

void border_free(struct border *b)
{
	free(b->start), free(b->cluster), free(b->v), free(b->flow), free(b->supply), free(b->key);
	free(b->member_start), free(b->member), free(b->base);
	*b = (struct border){ 0 };
}
