/* SPDX-License-Identifier: MIT */
#include "math/assign_flow.h"
#include "base/error.h"
#include "base/memory.h"
#include "math/assign_prices.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE SIZE_MAX
#define NONE UINT32_MAX /* no entry, in a list */
#define FAR 0x1p40      /* times what is near */

struct arc {
	double cost; /* INFINITY: none */
	size_t from; /* entry whose flow would move; the other entry lies in the same group */
};

/* The cheapest offers from one cluster to another, so that few that go need a look at all. */
enum { SPARES = 16 };

struct flow {
	struct border *b;
	size_t k;
	uint64_t capacity, *load; /* k */
	double *price;
	double far;            /* paths longer than this change which prices move (augment) */
	double near;           /* only offers of reduced cost up to this, at the prices ... */
	double *start;         /* ... of the last build, are looked at; k */
	uint32_t *group;       /* entries: the group of each */
	uint32_t *next;        /* entries: list of the entries that offer from one cluster ... */
	uint32_t *before;      /* ... doubly linked: order does not matter, costs and keys decide */
	uint32_t *first;       /* k */
	struct arc *arc;       /* k x k: the cheapest */
	size_t spares;         /* offers that are kept of each: at most SPARES */
	struct arc *offer;     /* k x k x spares, ascending */
	struct arc *cut;       /* k x k: offers from this one on were dropped; INFINITY: none were */
	unsigned char *offers; /* k x k */
	uint32_t *open;        /* k: clusters to which arcs are made anew */
	double *distance;
	size_t *parent;
	bool *settled;
};

static bool cheaper(const struct flow *f, double cost, size_t entry, const struct arc *arc)
{
	if (cost != arc->cost || arc->cost == INFINITY)
		return cost < arc->cost;
	uint64_t key = f->b->key[f->group[entry]], other = f->b->key[f->group[arc->from]];
	return key != other ? key < other : entry < arc->from;
}

/* Takes an offer for the arc if it is among its cheapest. */
static void add_offer(struct flow *f, size_t arc, double cost, size_t entry)
{
	struct arc *list = f->offer + arc * f->spares;
	size_t n = f->offers[arc], at = n;
	if (f->cut[arc].cost < INFINITY && !cheaper(f, cost, entry, &f->cut[arc]))
		return;
	while (at && cheaper(f, cost, entry, &list[at - 1]))
		at--;
	if (n == f->spares) {
		f->cut[arc] = at == n ? (struct arc){ cost, entry } : list[n - 1];
		n--;
	}
	if (at <= n) {
		memmove(list + at + 1, list + at, (n - at) * sizeof *list);
		list[at] = (struct arc){ cost, entry };
		f->offers[arc] = (unsigned char)(n + 1);
	}
	f->arc[arc] = list[0];
}

/*
 * Offers the moves of one entry's flow to the arcs out of its cluster; false if none is near. On
 * one arc nearness depends on the cost alone, so the cheapest are near.
 */
static bool offer(struct flow *f, size_t entry)
{
	const struct border *b = f->b;
	size_t g = f->group[entry], a = b->cluster[entry];
	bool any = false;
	for (size_t i = b->start[g]; i < b->start[g + 1]; i++) {
		size_t j = b->cluster[i];
		double cost = b->v[i] - b->v[entry];
		if (i == entry || cost + (f->start[j] - f->start[a]) > f->near)
			continue;
		add_offer(f, a * f->k + j, cost, entry);
		any = true;
	}
	return any;
}

/* The entry of a group that lies in cluster j, or NOWHERE. */
static size_t entry_at(const struct border *b, size_t group, size_t j)
{
	size_t low = b->start[group], end = b->start[group + 1], high = end;
	if (j < b->cluster[low])
		return NOWHERE;
	/* Clusters ascend: j's entry lies no further on, and just there if the group has all. */
	if (j - b->cluster[low] < end - low)
		high = low + (j - b->cluster[low]) + 1;
	if (b->cluster[high - 1] == j)
		return high - 1;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (b->cluster[middle] < j)
			low = middle + 1;
		else
			high = middle;
	}
	return low < end && b->cluster[low] == j ? low : NOWHERE;
}

/* Offers an entry to the `opened` clusters of f->open. */
static void offer_open(struct flow *f, size_t entry, size_t opened)
{
	const struct border *b = f->b;
	size_t g = f->group[entry], a = b->cluster[entry];
	for (size_t t = 0; t < opened; t++) {
		size_t j = f->open[t], i = entry_at(b, g, j);
		double cost = i == NOWHERE ? INFINITY : b->v[i] - b->v[entry];
		if (cost + (f->start[j] - f->start[a]) <= f->near && i != NOWHERE)
			add_offer(f, a * f->k + j, cost, entry);
	}
}

/* Takes an entry's offer back; false if none is left though some were dropped. */
static bool drop_offer(struct flow *f, size_t arc, size_t entry)
{
	struct arc *list = f->offer + arc * f->spares;
	size_t n = f->offers[arc], at = 0;
	while (at < n && list[at].from != entry)
		at++;
	if (at == n)
		return true;
	memmove(list + at, list + at + 1, (n - at - 1) * sizeof *list);
	f->offers[arc] = (unsigned char)(n - 1);
	f->arc[arc] = n > 1 ? list[0] : (struct arc){ INFINITY, 0 };
	return n > 1 || f->cut[arc].cost == INFINITY;
}

static void enter(struct flow *f, size_t entry)
{
	size_t a = f->b->cluster[entry];
	f->next[entry] = f->before[entry] = (uint32_t)entry; /* in no list */
	if (!offer(f, entry))
		return;
	f->next[entry] = f->first[a];
	f->before[entry] = NONE;
	if (f->first[a] != NONE)
		f->before[f->first[a]] = (uint32_t)entry;
	f->first[a] = (uint32_t)entry;
}

/* Takes an entry without flow off its cluster's list; arcs without offers are made anew. */
static void leave(struct flow *f, size_t entry)
{
	const struct border *b = f->b;
	size_t a = b->cluster[entry], g = f->group[entry];
	if (f->next[entry] == entry)
		return;
	if (f->before[entry] == NONE)
		f->first[a] = f->next[entry];
	else
		f->next[f->before[entry]] = f->next[entry];
	if (f->next[entry] != NONE)
		f->before[f->next[entry]] = f->before[entry];
	size_t opened = 0;
	for (size_t i = b->start[g]; i < b->start[g + 1]; i++) {
		size_t arc = a * f->k + b->cluster[i];
		if (i == entry || drop_offer(f, arc, entry))
			continue;
		f->cut[arc] = (struct arc){ INFINITY, 0 };
		f->open[opened++] = b->cluster[i];
	}
	for (size_t i = f->first[a]; opened && i != NONE; i = f->next[i])
		offer_open(f, i, opened);
}

static void add_flow(struct flow *f, size_t entry, uint64_t amount)
{
	bool was_empty = f->b->flow[entry] == 0;
	f->b->flow[entry] += amount;
	f->load[f->b->cluster[entry]] += amount;
	if (was_empty && amount)
		enter(f, entry);
}

static void take_flow(struct flow *f, size_t entry, uint64_t amount)
{
	f->b->flow[entry] -= amount;
	f->load[f->b->cluster[entry]] -= amount;
	if (f->b->flow[entry] == 0)
		leave(f, entry);
}

/* Offers what lies where now anew, as far as it is near. */
static void build_offers(struct flow *f, double near)
{
	f->near = near;
	memcpy(f->start, f->price, f->k * sizeof *f->start);
	memset(f->offers, 0, f->k * f->k);
	for (size_t i = 0; i < f->k * f->k; i++)
		f->arc[i] = f->cut[i] = (struct arc){ INFINITY, 0 };
	for (size_t j = 0; j < f->k; j++)
		f->first[j] = NONE;
	for (size_t i = 0; i < f->b->entries; i++)
		if (f->b->flow[i])
			enter(f, i);
}

/* Each group's supply to its cheapest cluster, ties to the lower one. */
static void start_flow(struct flow *f)
{
	struct border *b = f->b;
	memcpy(f->load, b->base, f->k * sizeof *f->load);
	memset(b->flow, 0, b->entries * sizeof *b->flow);
	for (size_t g = 0; g < b->groups; g++) {
		size_t best = b->start[g];
		for (size_t i = best; i < b->start[g + 1]; i++) {
			f->group[i] = (uint32_t)g;
			if (b->v[i] + f->price[b->cluster[i]] < b->v[best] + f->price[b->cluster[best]])
				best = i;
		}
		b->flow[best] = b->supply[g];
		f->load[b->cluster[best]] += b->supply[g];
	}
}

/* Dijkstra's algorithm from all overfull clusters at once to the nearest with room, or NOWHERE. */
static size_t nearest_room(struct flow *f)
{
	size_t k = f->k;
	for (size_t j = 0; j < k; j++) {
		f->settled[j] = false;
		f->parent[j] = NOWHERE;
		f->distance[j] = f->load[j] > f->capacity ? 0 : INFINITY;
	}
	for (;;) {
		size_t a = NOWHERE;
		for (size_t j = 0; j < k; j++)
			if (!f->settled[j] && f->distance[j] < INFINITY &&
			    (a == NOWHERE || f->distance[j] < f->distance[a]))
				a = j;
		if (a == NOWHERE || f->load[a] < f->capacity)
			return a;
		f->settled[a] = true;
		for (size_t j = 0; j < k; j++) {
			const struct arc *arc = &f->arc[a * k + j];
			if (f->settled[j] || arc->cost == INFINITY)
				continue;
			double reduced = arc->cost + f->price[j] - f->price[a];
			double distance = f->distance[a] + (reduced > 0 ? reduced : 0);
			if (distance < f->distance[j]) {
				f->distance[j] = distance;
				f->parent[j] = a;
			}
		}
	}
}

/* Moves prices so that the path is tight, then as much supply along it as fits. */
static void augment(struct flow *f, size_t end, size_t *path)
{
	double length = f->distance[end];
	size_t close = 0;
	for (size_t j = 0; j < f->k; j++)
		close += f->distance[j] < length / 2;
	/* Where most clusters would be lifted by far, which loses their prices' digits, the others sink. */
	bool sink = length > f->far && close > f->k / 2;
	for (size_t j = 0; j < f->k; j++)
		if (sink)
			f->price[j] -= f->distance[j] < length ? f->distance[j] : length;
		else if (f->settled[j] && f->distance[j] < length)
			f->price[j] += length - f->distance[j];
	uint64_t amount = f->capacity - f->load[end];
	size_t j = end, steps = 0;
	for (; f->parent[j] != NOWHERE; j = f->parent[j]) {
		size_t from = f->arc[f->parent[j] * f->k + j].from;
		amount = f->b->flow[from] < amount ? f->b->flow[from] : amount;
		path[steps++] = from;
		path[steps++] = entry_at(f->b, f->group[from], j);
	}
	uint64_t over = f->load[j] - f->capacity;
	amount = over < amount ? over : amount;
	for (size_t i = 0; i < steps; i += 2) {
		take_flow(f, path[i], amount);
		add_flow(f, path[i + 1], amount);
	}
}

/* Moves supply until no cluster is overfull; false if some cannot be moved. */
static bool move_flow(struct flow *f, size_t *path)
{
	for (int builds = 1;;) {
		bool over = false;
		for (size_t j = 0; j < f->k; j++)
			over |= f->load[j] > f->capacity;
		if (!over)
			return true;
		size_t end = nearest_room(f);
		/* An offer that is not near is no part of a shortest path of less than this. */
		double proved = (f->near - price_range(f->price, f->start, f->k)) * (1 - 1e-9);
		if (end != NOWHERE && (f->near == INFINITY || f->distance[end] < proved))
			augment(f, end, path);
		else if (f->near == INFINITY)
			return false;
		else
			build_offers(f, builds++ < 8 ? f->near * 4 : INFINITY);
	}
}

int assign_flow(struct border *b, size_t k, uint64_t capacity, double near, double *price,
                bool *reachable, struct cbtm_error *e)
{
	static const char what[] = "balanced assignment";
	struct flow f = { .b = b, .k = k, .capacity = capacity, .price = price };
	if (b->entries >= NONE)
		return error_set(e, CBTM_ERR_MEMORY, NULL, "%zu offers lie between clusters", b->entries);
	f.load = mem_aligned(k, sizeof *f.load, what, e);
	f.start = mem_aligned(k, sizeof *f.start, what, e);
	f.group = mem_aligned(b->entries, sizeof *f.group, what, e);
	f.next = mem_aligned(b->entries, sizeof *f.next, what, e);
	f.before = mem_aligned(b->entries, sizeof *f.before, what, e);
	f.first = mem_aligned(k, sizeof *f.first, what, e);
	f.arc = mem_aligned(k, k * sizeof *f.arc, what, e);
	f.spares = ((size_t)1 << 21) / (k * k);
	f.spares = f.spares < 1 ? 1 : f.spares > SPARES ? SPARES : f.spares;
	f.offer = mem_aligned(k * k, f.spares * sizeof *f.offer, what, e);
	f.cut = mem_aligned(k * k, sizeof *f.cut, what, e);
	f.offers = mem_zeroed(k * k, sizeof *f.offers, what, e);
	f.open = mem_aligned(k, sizeof *f.open, what, e);
	f.distance = mem_aligned(k, sizeof *f.distance, what, e);
	f.parent = mem_aligned(k, sizeof *f.parent, what, e);
	f.settled = mem_aligned(k, sizeof *f.settled, what, e);
	size_t *path = mem_aligned(2 * k, sizeof *path, what, e);
	if (e->name)
		goto done;
	f.far = near > 0 ? FAR * near : INFINITY;
	start_flow(&f);
	build_offers(&f, near > 0 ? near : INFINITY);
	*reachable = move_flow(&f, path);
done:
	free(f.open), free(f.offers), free(f.cut), free(f.offer);
	free(path), free(f.settled), free(f.parent), free(f.distance), free(f.arc);
	free(f.first), free(f.before), free(f.next), free(f.group), free(f.start), free(f.load);
	return e->name;
}

double flow_slack(const struct border *b, const double *price)
{
	double slack = 0;
	for (size_t g = 0; g < b->groups; g++) {
		double least = INFINITY;
		for (size_t i = b->start[g]; i < b->start[g + 1]; i++) {
			double cost = b->v[i] + price[b->cluster[i]];
			least = cost < least ? cost : least;
		}
		for (size_t i = b->start[g]; i < b->start[g + 1]; i++)
			slack += (double)b->flow[i] * (b->v[i] + price[b->cluster[i]] - least);
	}
	return slack;
}
