/* SPDX-License-Identifier: MIT */
#include "math/assign_wild.h"
#include "base/memory.h"
#include "math/assign_flow.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 2048        /* of the sample, at least ... */
#define EACH 2           /* ... and for each cluster */
#define DEVIATIONS 6     /* of a cluster's load that the windows hold, both sides together */
#define LOST 1e-6        /* of the typical distance: an error of prices that changes much */
#define LEAST_HALF 0.002 /* half windows, of the typical distance */

/* v[want], were the n values in ascending order; they are put in another (Hoare's selection). */
static double ranked(double *v, size_t n, size_t want)
{
	size_t low = 0, high = n - 1;
	while (low < high) {
		double pivot = v[low + (high - low) / 2];
		size_t i = low, j = high;
		for (;;) {
			for (; v[i] < pivot; i++)
				;
			for (; v[j] > pivot; j--)
				;
			if (i >= j)
				break;
			double swap = v[i];
			v[i++] = v[j];
			v[j--] = swap;
		}
		if (want <= j)
			high = j;
		else
			low = j + 1;
	}
	return v[want];
}

double assign_typical(const struct border *b, size_t k, struct cbtm_error *e)
{
	double *cost = mem_aligned(k, sizeof *cost, "a sample", e), typical = 0;
	double *near = mem_aligned(b->groups, sizeof *near, "a sample", e);
	for (size_t g = 0; !e->name && g < b->groups; g++) {
		double least = INFINITY;
		size_t n = b->start[g + 1] - b->start[g];
		for (size_t i = 0; i < n; i++) {
			cost[i] = b->v[b->start[g] + i];
			least = cost[i] < least ? cost[i] : least;
		}
		near[g] = ranked(cost, n, n / 4) - least;
	}
	if (!e->name && b->groups)
		typical = ranked(near, b->groups, b->groups / 2);
	free(near), free(cost);
	return typical;
}

/* What each group pays at the prices: the cheapest cluster, and how much less than the next. */
struct choice {
	size_t best;
	double least, lead;
};

static void choose(const struct border *o, const double *price, struct choice *choice)
{
	for (size_t g = 0; g < o->groups; g++) {
		struct choice c = { 0, INFINITY, INFINITY };
		for (size_t i = o->start[g]; i < o->start[g + 1]; i++) {
			double cost = o->v[i] + price[o->cluster[i]];
			c.lead = cost < c.least ? c.least - cost : fmin(c.lead, cost - c.least);
			c.best = cost < c.least ? o->cluster[i] : c.best;
			c.least = cost < c.least ? cost : c.least;
		}
		choice[g] = c;
	}
}

/* By how much each price has to move until it takes or loses so many points; all costs are there. */
static int find_half(const struct border *o, const struct cbtm_balance *b, double typical,
                     double *half, struct cbtm_error *e)
{
	struct choice *choice = mem_aligned(o->groups, sizeof *choice, "a sample", e);
	double *move = mem_aligned(o->groups, sizeof *move, "a sample", e);
	size_t want = 2 + (size_t)(DEVIATIONS * sqrt((double)o->points / (double)b->k));
	want = want < o->groups ? want : o->groups - 1;
	if (!e->name)
		choose(o, b->price, choice);
	for (size_t j = 0; !e->name && j < b->k; j++) {
		for (size_t g = 0; g < o->groups; g++) {
			const struct choice *c = &choice[g];
			double dearer = o->v[o->start[g] + j] + b->price[j] - c->least;
			move[g] = j == c->best ? c->lead : dearer;
		}
		half[j] = fmax(ranked(move, o->groups, want), LEAST_HALF * typical);
	}
	free(move), free(choice);
	return e->name;
}

int assign_wild(struct pool *pool, const struct cbtm_balance *b, double *half, double *typical,
                struct cbtm_error *e)
{
	struct cbtm_balance part = *b;
	struct assign_units units;
	struct border border = { 0 };
	size_t rows = EACH * b->k > ROWS ? EACH * b->k : ROWS;
	size_t step = b->n / rows > 1 ? b->n / rows : 1;
	double largest = 0;
	bool reachable;
	part.n = (b->n - 1) / step + 1;
	part.key = NULL;
	part.cluster = mem_aligned(part.n, sizeof *part.cluster, "a sample", e);
	uint64_t *weight = mem_aligned(part.n, sizeof *weight, "a sample", e);
	for (size_t r = 0; !e->name && b->weight && r < part.n; r++)
		weight[r] = b->weight[r * step];
	part.weight = b->weight ? weight : NULL;
	struct border_reach reach = { .window = INFINITY, .step = step };
	if (e->name || assign_units_make(&part, &units, e) ||
	    border_make(pool, &part, &units, &reach, &border, e))
		goto done;
	*typical = assign_typical(&border, b->k, e);
	/* Prices whose last digits are larger than what decides say nothing. */
	for (size_t j = 0; j < b->k; j++)
		largest = fmax(largest, fabs(b->price[j]));
	if (largest * DBL_EPSILON > LOST * *typical)
		memset(b->price, 0, b->k * sizeof *b->price);
	if (!e->name && !assign_flow(&border, b->k, units.capacity, *typical, b->price, &reachable, e))
		find_half(&border, b, *typical, half, e);
done:
	border_free(&border);
	free(weight), free(part.cluster);
	return e->name;
}
