/* SPDX-License-Identifier: MIT */
#include "math/assign_round.h"
#include "base/memory.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE SIZE_MAX

/* ---------------------------------------------------------------- circles of flow */

/* An edge between a group whose flow is spread and a cluster that has some of it. */
struct edge {
	size_t node[2]; /* the cluster; k + the group */
	size_t entry;
	bool alive;
};
struct graph {
	struct edge *edge;
	size_t edges, room, nodes;
	size_t *degree; /* nodes */
	size_t *seen;   /* nodes: position in the walk */
	size_t *walk;   /* nodes + 1: edges */
};

static int spread_edges(const struct border *b, size_t k, struct graph *g, struct cbtm_error *e)
{
	g->edges = 0;
	for (size_t i = 0; i < b->groups; i++) {
		size_t used = 0;
		for (size_t t = b->start[i]; t < b->start[i + 1]; t++)
			used += b->flow[t] > 0;
		for (size_t t = b->start[i]; used > 1 && t < b->start[i + 1]; t++) {
			if (!b->flow[t])
				continue;
			if (array_reserve(&g->edge, &g->room, g->edges + 1, sizeof *g->edge, e))
				return e->name;
			g->edge[g->edges++] = (struct edge){ { b->cluster[t], k + i }, t, true };
		}
	}
	return 0;
}

/* Strips leaves until only circles and what joins them are left; false if nothing is. */
static bool strip_leaves(struct graph *g)
{
	bool changed = true;
	size_t left = g->edges;
	memset(g->degree, 0, g->nodes * sizeof *g->degree);
	for (size_t i = 0; i < g->edges; i++)
		g->degree[g->edge[i].node[0]]++, g->degree[g->edge[i].node[1]]++;
	while (changed) {
		changed = false;
		for (size_t i = 0; i < g->edges; i++) {
			struct edge *x = &g->edge[i];
			if (!x->alive || (g->degree[x->node[0]] > 1 && g->degree[x->node[1]] > 1))
				continue;
			x->alive = false;
			g->degree[x->node[0]]--, g->degree[x->node[1]]--;
			left--;
			changed = true;
		}
	}
	return left > 0;
}

static size_t edge_from(const struct graph *g, size_t node, size_t arrived)
{
	for (size_t i = 0; i < g->edges; i++)
		if (g->edge[i].alive && i != arrived &&
		    (g->edge[i].node[0] == node || g->edge[i].node[1] == node))
			return i;
	return NOWHERE;
}

/* Walks until a node comes again, then moves the least flow around that circle. */
static void unwind_one(struct graph *g, struct border *b)
{
	for (size_t i = 0; i < g->nodes; i++)
		g->seen[i] = NOWHERE;
	size_t first = 0, steps = 0, arrived = NOWHERE;
	while (!g->edge[first].alive)
		first++;
	size_t node = g->edge[first].node[0];
	while (g->seen[node] == NOWHERE) {
		g->seen[node] = steps;
		arrived = edge_from(g, node, arrived);
		g->walk[steps++] = arrived;
		node = g->edge[arrived].node[g->edge[arrived].node[0] == node];
	}
	uint64_t least = UINT64_MAX;
	for (size_t i = g->seen[node]; i < steps; i += 2) {
		uint64_t flow = b->flow[g->edge[g->walk[i]].entry];
		least = flow < least ? flow : least;
	}
	for (size_t i = g->seen[node]; i < steps; i++) {
		uint64_t *flow = &b->flow[g->edge[g->walk[i]].entry];
		*flow = (i - g->seen[node]) % 2 ? *flow + least : *flow - least;
	}
}

static int unwind_circles(struct border *b, size_t k, struct cbtm_error *e)
{
	struct graph g = { .nodes = k + b->groups };
	g.degree = mem_aligned(g.nodes, sizeof *g.degree, "balanced assignment", e);
	g.seen = mem_aligned(g.nodes, sizeof *g.seen, "balanced assignment", e);
	g.walk = mem_aligned(g.nodes + 1, sizeof *g.walk, "balanced assignment", e);
	while (!e->name && !spread_edges(b, k, &g, e) && strip_leaves(&g))
		unwind_one(&g, b);
	free(g.walk), free(g.seen), free(g.degree), free(g.edge);
	return e->name;
}

/* ---------------------------------------------------------------- whole points */

struct part { /* of a split point */
	size_t row;
	uint64_t amount;
	uint32_t cluster;
	bool open; /* its point has no cluster yet */
};
struct parts {
	struct part *v;
	size_t n, room, points;
};

static uint32_t cheapest(const struct border *b, size_t group, const double *price)
{
	size_t best = b->start[group];
	for (size_t i = best; i < b->start[group + 1]; i++)
		if (b->v[i] + price[b->cluster[i]] < b->v[best] + price[b->cluster[best]])
			best = i;
	return b->cluster[best];
}

/* One group's flow to its points in order; what straddles two clusters becomes parts. */
static int hand_out(const struct cbtm_balance *p, const struct assign_units *u,
                    const struct border *b, size_t group, const double *price, struct parts *parts,
                    struct cbtm_error *e)
{
	size_t entry = b->start[group];
	uint64_t left = b->flow[entry];
	for (size_t m = b->member_start[group]; m < b->member_start[group + 1]; m++) {
		size_t row = b->member[m];
		uint64_t need = p->weight ? p->weight[row] * u->scale : u->scale;
		if (need == 0) {
			p->cluster[row] = cheapest(b, group, price);
			continue;
		}
		while (left == 0)
			left = b->flow[++entry];
		p->cluster[row] = b->cluster[entry];
		if (left >= need) {
			left -= need;
			continue;
		}
		parts->points++;
		while (need) {
			uint64_t amount = left < need ? left : need;
			if (array_reserve(&parts->v, &parts->room, parts->n + 1, sizeof *parts->v, e))
				return e->name;
			if (amount)
				parts->v[parts->n++] = (struct part){ row, amount, b->cluster[entry], true };
			need -= amount;
			left -= amount;
			if (need)
				left = b->flow[++entry];
		}
	}
	return 0;
}

/* Gives a split point whole to the one of its clusters, besides `from`, that has most of it. */
static void settle(struct parts *parts, size_t row, uint32_t from, uint32_t *cluster, bool *reached,
                   size_t *queue, size_t *queued)
{
	const struct part *best = NULL;
	for (size_t i = 0; i < parts->n; i++) {
		struct part *p = &parts->v[i];
		if (p->row != row)
			continue;
		p->open = false;
		if (p->cluster == from)
			continue;
		if (!best || p->amount > best->amount)
			best = p;
		if (!reached[p->cluster])
			queue[(*queued)++] = p->cluster;
		reached[p->cluster] = true;
	}
	if (best)
		cluster[row] = best->cluster;
}

/*
 * Split points and clusters form a forest. Each tree is walked from its lowest cluster, each point
 * goes to a cluster below it: so no cluster gets two.
 */
static int settle_parts(struct parts *parts, size_t k, uint32_t *cluster, struct cbtm_error *e)
{
	size_t *queue = mem_aligned(k, sizeof *queue, "balanced assignment", e);
	bool *reached = mem_zeroed(k, sizeof *reached, "balanced assignment", e);
	for (size_t root = 0; queue && reached && root < k; root++) {
		size_t queued = 0;
		if (reached[root])
			continue;
		reached[root] = true;
		queue[queued++] = root;
		for (size_t at = 0; at < queued; at++)
			for (size_t i = 0; i < parts->n; i++)
				if (parts->v[i].open && parts->v[i].cluster == queue[at])
					settle(parts, parts->v[i].row, (uint32_t)queue[at], cluster, reached, queue,
					       &queued);
	}
	free(reached);
	free(queue);
	return e->name;
}

int assign_round(const struct cbtm_balance *b, const struct assign_units *u, struct border *border,
                 const double *price, size_t *split, struct cbtm_error *e)
{
	struct parts parts = { 0 };
	if (b->weight && unwind_circles(border, b->k, e))
		goto done;
	for (size_t g = 0; g < border->groups; g++)
		if (hand_out(b, u, border, g, price, &parts, e))
			goto done;
	*split = parts.points;
	if (parts.n)
		settle_parts(&parts, b->k, b->cluster, e);
done:
	free(parts.v);
	return e->name;
}
