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
	size_t stride = b->d * (c->s->scan.step > 1 ? c->s->scan.step : 1);
	if (last && last->count == count && !memcmp(p->cluster + last->entry, cluster, count * 4) &&
	    !memcmp(b->x + last->row * stride, b->x + row * stride, b->d * sizeof *b->x)) {
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

/* A point of the border, and the group that it comes to. */
struct point {
	const uint32_t *cluster;
	const double *v;
	size_t row;
	uint32_t count, group;
};

static bool cost_alike(const struct point *a, const struct point *b)
{
	return a->count == b->count &&
	       (a->v == b->v || (!memcmp(a->cluster, b->cluster, a->count * sizeof *a->cluster) &&
	                         !memcmp(a->v, b->v, a->count * sizeof *a->v)));
}

static size_t hash_of(const struct point *p)
{
	uint64_t h = p->count, bits;
	memcpy(&bits, &p->v[0], sizeof bits);
	h = (h ^ bits) * 0x9e3779b97f4a7c15u;
	memcpy(&bits, &p->v[p->count - 1], sizeof bits);
	h = (h ^ (h >> 32) ^ bits ^ p->cluster[0]) * 0x9e3779b97f4a7c15u;
	return (size_t)(h ^ (h >> 29));
}

/* Numbers the groups in the order of their first points; how many, or 0 and an error. */
static size_t find_groups(struct point *point, size_t points, struct cbtm_error *e)
{
	size_t size = 16, groups = 0;
	while (size < 2 * points)
		size *= 2;
	uint32_t *table = mem_zeroed(size, sizeof *table, "balanced assignment", e); /* point + 1 */
	for (size_t i = 0; table && i < points; i++) {
		size_t at = hash_of(&point[i]) & (size - 1);
		while (table[at] && !cost_alike(&point[table[at] - 1], &point[i]))
			at = (at + 1) & (size - 1);
		if (!table[at]) {
			table[at] = (uint32_t)i + 1;
			point[i].group = (uint32_t)groups++;
		} else
			point[i].group = point[table[at] - 1].group;
	}
	free(table);
	return groups;
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

static void add_group(struct border *o, const uint32_t *cluster, const double *v, size_t count)
{
	memcpy(o->cluster + o->entries, cluster, count * sizeof *cluster);
	memcpy(o->v + o->entries, v, count * sizeof *v);
	o->groups++;
	o->entries += count;
	o->start[o->groups] = o->entries;
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
		add_group(o, cluster, v, k);
		o->supply[0] = u->free;
	}
	free(v);
	free(cluster);
	return e->name;
}

/* A member while groups are put in order. */
struct keyed {
	uint64_t key;
	size_t row;
};

static int compare_keys(const void *left, const void *right)
{
	const struct keyed *a = left, *b = right;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->row < b->row ? -1 : a->row > b->row;
}

/* The points into their groups' members, by key, then row. */
static int place_members(const struct search *s, const struct point *point, size_t points,
                         struct border *o, size_t first, struct cbtm_error *e)
{
	const uint64_t *key = s->b->key;
	struct keyed *member = mem_aligned(points, sizeof *member, "balanced assignment", e);
	size_t *at = mem_aligned(o->groups + 1, sizeof *at, "balanced assignment", e);
	for (size_t i = 0; !e->name && i < points; i++)
		o->member_start[first + point[i].group + 1]++;
	for (size_t g = 0; !e->name && g < o->groups; g++) {
		o->member_start[g + 1] += o->member_start[g];
		at[g] = o->member_start[g];
	}
	for (size_t i = 0; !e->name && i < points; i++) {
		size_t g = first + point[i].group, row = point[i].row;
		member[at[g]++] = (struct keyed){ key ? key[row] : 0, row };
		o->supply[g] += supply_of(s->b, s->units, row);
	}
	for (size_t g = first; !e->name && g < o->groups; g++) {
		size_t from = o->member_start[g], n = o->member_start[g + 1] - from;
		if (n > 1)
			qsort(member + from, n, sizeof *member, compare_keys);
		o->key[g] = member[from].key;
	}
	for (size_t i = 0; !e->name && i < points; i++)
		o->member[i] = member[i].row;
	o->points = points;
	free(at);
	free(member);
	return e->name;
}

static int group_points(const struct search *s, struct point *point, size_t points,
                        struct border *o, struct cbtm_error *e)
{
	size_t entries = 0, k = s->b->k, seen = 0, first = s->units->free > 0;
	if (points >= UINT32_MAX)
		return error_set(e, CBTM_ERR_MEMORY, NULL, "%zu points lie between clusters", points);
	size_t groups = find_groups(point, points, e);
	for (size_t i = 0; i < points; i++)
		if (point[i].group == seen) {
			entries += point[i].count;
			seen++;
		}
	if (e->name || take_room(o, groups + 1, entries + k, points, k, e))
		return e->name;
	if (first && add_free_seats(o, s->units, k, e))
		return e->name;
	for (size_t i = 0; i < points; i++)
		if (first + point[i].group == o->groups)
			add_group(o, point[i].cluster, point[i].v, point[i].count);
	/* All is copied: its room goes before more is taken. */
	for (size_t i = 0; i < s->chunks.count; i++) {
		struct piece *p = &s->piece[i];
		free(p->v), free(p->cluster), free(p->point);
		p->v = NULL, p->cluster = NULL, p->point = NULL;
	}
	return place_members(s, point, points, o, first, e);
}

int border_make(struct pool *pool, const struct cbtm_balance *b, const struct assign_units *u,
                const struct border_reach *reach, struct border *out, struct cbtm_error *e)
{
	*out = (struct border){ 0 };
	struct search s = { .b = b,
		                .units = u,
		                .scan = { .x = b->x,
		                          .n = b->n,
		                          .d = b->d,
		                          .centre = b->centre,
		                          .k = b->k,
		                          .price = reach->price,
		                          .half = reach->half,
		                          .window = reach->window,
		                          .step = reach->step },
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
			point[filled++] = (struct point){ p->cluster + f->entry, p->v + f->entry, f->row,
				                              (uint32_t)f->count, 0 };
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
