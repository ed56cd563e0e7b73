/* SPDX-License-Identifier: MIT */
#include "math/assign_flow.h"
#include "base/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE SIZE_MAX

struct arc {
	double cost; /* INFINITY: none */
	size_t from; /* entry whose flow would move; the other entry lies in the same group */
};

struct flow {
	struct border *b;
	size_t k;
	uint64_t capacity, *load; /* k */
	double *price;
	size_t *group;   /* entries: the group of each */
	size_t *next;    /* entries: list of the entries with flow in one cluster ... */
	size_t *before;  /* ... doubly linked: order does not matter, costs and keys decide */
	size_t *first;   /* k */
	struct arc *arc; /* k x k */
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

/* Offers the moves of one entry's flow to the arcs out of its cluster. */
static void offer(struct flow *f, size_t entry)
{
	const struct border *b = f->b;
	size_t g = f->group[entry];
	struct arc *row = f->arc + (size_t)b->cluster[entry] * f->k;
	for (size_t i = b->start[g]; i < b->start[g + 1]; i++) {
		double cost = b->v[i] - b->v[entry];
		if (i != entry && cheaper(f, cost, entry, &row[b->cluster[i]]))
			row[b->cluster[i]] = (struct arc){ cost, entry };
	}
}

static void enter(struct flow *f, size_t entry)
{
	size_t a = f->b->cluster[entry];
	f->next[entry] = f->first[a];
	f->before[entry] = NOWHERE;
	if (f->first[a] != NOWHERE)
		f->before[f->first[a]] = entry;
	f->first[a] = entry;
	offer(f, entry);
}

/* Takes an entry without flow off its cluster's list; arcs that it offered are made anew. */
static void leave(struct flow *f, size_t entry)
{
	size_t a = f->b->cluster[entry];
	if (f->before[entry] == NOWHERE)
		f->first[a] = f->next[entry];
	else
		f->next[f->before[entry]] = f->next[entry];
	if (f->next[entry] != NOWHERE)
		f->before[f->next[entry]] = f->before[entry];
	struct arc *row = f->arc + a * f->k;
	bool offered = false;
	for (size_t j = 0; j < f->k; j++)
		offered |= row[j].cost < INFINITY && row[j].from == entry;
	if (!offered)
		return;
	for (size_t j = 0; j < f->k; j++)
		row[j].cost = INFINITY;
	for (size_t i = f->first[a]; i != NOWHERE; i = f->next[i])
		offer(f, i);
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

/* Each group's supply to its cheapest cluster, ties to the lower one. */
static void start_flow(struct flow *f)
{
	struct border *b = f->b;
	memcpy(f->load, b->base, f->k * sizeof *f->load);
	memset(b->flow, 0, b->entries * sizeof *b->flow);
	for (size_t g = 0; g < b->groups; g++) {
		size_t best = b->start[g];
		for (size_t i = best; i < b->start[g + 1]; i++) {
			f->group[i] = g;
			if (b->v[i] + f->price[b->cluster[i]] < b->v[best] + f->price[b->cluster[best]])
				best = i;
		}
		add_flow(f, best, b->supply[g]);
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

/* The entry of `from`'s group that lies in cluster j. */
static size_t entry_in(const struct flow *f, size_t from, size_t j)
{
	size_t i = f->b->start[f->group[from]];
	while (f->b->cluster[i] != j)
		i++;
	return i;
}

/* Moves prices so that the path is tight, then as much supply along it as fits. */
static void augment(struct flow *f, size_t end, size_t *path)
{
	double length = f->distance[end];
	for (size_t j = 0; j < f->k; j++)
		if (f->settled[j] && f->distance[j] < length)
			f->price[j] += length - f->distance[j];
	uint64_t amount = f->capacity - f->load[end];
	size_t j = end, steps = 0;
	for (; f->parent[j] != NOWHERE; j = f->parent[j]) {
		size_t from = f->arc[f->parent[j] * f->k + j].from;
		amount = f->b->flow[from] < amount ? f->b->flow[from] : amount;
		path[steps++] = from;
		path[steps++] = entry_in(f, from, j);
	}
	uint64_t over = f->load[j] - f->capacity;
	amount = over < amount ? over : amount;
	for (size_t i = 0; i < steps; i += 2) {
		take_flow(f, path[i], amount);
		add_flow(f, path[i + 1], amount);
	}
}

int assign_flow(struct border *b, size_t k, uint64_t capacity, double *price, bool *reachable,
                struct cbtm_error *e)
{
	static const char what[] = "balanced assignment";
	struct flow f = { .b = b, .k = k, .capacity = capacity, .price = price };
	f.load = mem_aligned(k, sizeof *f.load, what, e);
	f.group = mem_aligned(b->entries, sizeof *f.group, what, e);
	f.next = mem_aligned(b->entries, sizeof *f.next, what, e);
	f.before = mem_aligned(b->entries, sizeof *f.before, what, e);
	f.first = mem_aligned(k, sizeof *f.first, what, e);
	f.arc = mem_aligned(k, k * sizeof *f.arc, what, e);
	f.distance = mem_aligned(k, sizeof *f.distance, what, e);
	f.parent = mem_aligned(k, sizeof *f.parent, what, e);
	f.settled = mem_aligned(k, sizeof *f.settled, what, e);
	size_t *path = mem_aligned(2 * k, sizeof *path, what, e);
	if (e->name)
		goto done;
	for (size_t i = 0; i < k * k; i++)
		f.arc[i] = (struct arc){ INFINITY, 0 };
	for (size_t j = 0; j < k; j++)
		f.first[j] = NOWHERE;
	start_flow(&f);
	bool over = true;
	for (*reachable = true; over && *reachable;) {
		over = false;
		for (size_t j = 0; j < k; j++)
			over |= f.load[j] > capacity;
		size_t end = over ? nearest_room(&f) : NOWHERE;
		if (end != NOWHERE)
			augment(&f, end, path);
		*reachable = !over || end != NOWHERE;
	}
done:
	free(path), free(f.settled), free(f.parent), free(f.distance), free(f.arc);
	free(f.first), free(f.before), free(f.next), free(f.group), free(f.load);
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
