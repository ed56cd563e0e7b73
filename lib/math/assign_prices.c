/* SPDX-License-Identifier: MIT */
#include "math/assign_prices.h"
#include "base/memory.h"
#include "math/dense.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REACH 8.0        /* no price moves further than 8 tau in a step */
#define SMALL_SHARE 2e-3 /* shares below this stay out of the Hessian */
#define RIDGE 1e-3       /* of a cluster's own curvature: clusters without border stay put */
#define HALVINGS 6

struct smooth {
	const struct border *b;
	size_t k;
	double *load;    /* k: smoothed */
	double *hard;    /* k: loads of the cheapest clusters */
	double *hessian; /* k x k, upper triangle */
	double *share;   /* of one group's entries */
	double *step, *tried;
};

/* The smoothed dual, loads, and the Hessian if wanted. */
static double evaluate(struct smooth *s, const double *price, double tau, bool hessian,
                       double capacity)
{
	const struct border *b = s->b;
	double dual = 0;
	for (size_t j = 0; j < s->k; j++) {
		s->load[j] = s->hard[j] = (double)b->base[j];
		dual += ((double)b->base[j] - capacity) * price[j];
	}
	if (hessian)
		memset(s->hessian, 0, s->k * s->k * sizeof *s->hessian);
	for (size_t g = 0; g < b->groups; g++) {
		size_t from = b->start[g], n = b->start[g + 1] - from;
		const uint32_t *cluster = b->cluster + from;
		double least = INFINITY, sum = 0, supply = (double)b->supply[g];
		size_t best = 0;
		for (size_t i = 0; i < n; i++) {
			s->share[i] = b->v[from + i] + price[cluster[i]];
			if (s->share[i] < least) {
				least = s->share[i];
				best = i;
			}
		}
		for (size_t i = 0; i < n; i++)
			sum += s->share[i] = exp((least - s->share[i]) / tau);
		dual += supply * (least - tau * log(sum));
		s->hard[cluster[best]] += supply;
		for (size_t i = 0; i < n; i++)
			s->load[cluster[i]] += supply * (s->share[i] /= sum);
		for (size_t i = 0; hessian && i < n; i++) {
			double p = s->share[i];
			if (p < SMALL_SHARE)
				continue;
			double *row = s->hessian + cluster[i] * s->k;
			row[cluster[i]] += supply * p;
			for (size_t j = i; j < n; j++)
				if (s->share[j] >= SMALL_SHARE)
					row[cluster[j]] -= supply * p * s->share[j];
		}
	}
	return dual;
}

static double excess(const double *load, size_t k, double capacity)
{
	double over = 0;
	for (size_t j = 0; j < k; j++)
		over += load[j] > capacity ? load[j] - capacity : 0;
	return over;
}

/* step (k): Newton's step at the loads that were evaluated, or a scaling step. */
static void find_step(struct smooth *s, double tau, bool newton, double capacity, double *step)
{
	struct cbtm_error singular = { 0 };
	size_t k = s->k;
	double mean = 0;
	for (size_t j = 0; newton && j < k; j++) {
		step[j] = s->load[j] - capacity;
		s->hessian[j * k + j] += RIDGE * s->hessian[j * k + j] + 1e-6 * capacity + 1e-9;
	}
	if (!newton || dense_solve(s->hessian, k, step, &singular))
		for (size_t j = 0; j < k; j++)
			step[j] = log((s->load[j] + 1e-3) / (capacity + 1e-3));
	for (size_t j = 0; j < k; j++)
		mean += step[j] / (double)k;
	for (size_t j = 0; j < k; j++) {
		double move = step[j] - mean;
		step[j] = tau * (move > REACH ? REACH : move < -REACH ? -REACH : move);
	}
}

double price_range(const double *price, const double *start, size_t k)
{
	double low = INFINITY, high = -INFINITY;
	for (size_t j = 0; j < k; j++) {
		double moved = price[j] - (start ? start[j] : 0);
		low = moved < low ? moved : low;
		high = moved > high ? moved : high;
	}
	return high - low;
}

/* Cuts a move that went further than the limit. */
static bool cut_move(double *price, const double *start, size_t k, double limit)
{
	double range = price_range(price, start, k);
	if (!(range > limit))
		return false;
	for (size_t j = 0; j < k; j++)
		price[j] = start[j] + (price[j] - start[j]) * (limit / range);
	return true;
}

/* One step at tau: 0 if the prices moved, 1 if this level has no more to give. */
static bool take_step(struct smooth *s, const struct price_plan *plan, double tau, double *price)
{
	bool newton = tau <= plan->sinkhorn;
	double before = evaluate(s, price, tau, newton, plan->capacity), rise = -1, part = 1;
	if (excess(s->hard, s->k, plan->capacity) <= plan->enough)
		return true;
	find_step(s, tau, newton, plan->capacity, s->step);
	for (int h = 0; h < HALVINGS && !(rise >= 0); h++, part /= 2) {
		for (size_t j = 0; j < s->k; j++)
			s->tried[j] = price[j] + part * s->step[j];
		rise = evaluate(s, s->tried, tau, false, plan->capacity) - before;
	}
	if (!(rise >= 0))
		return false;
	memcpy(price, s->tried, s->k * sizeof *price);
	return rise > 1e-12 * fabs(before);
}

int assign_prices(const struct border *b, size_t k, const struct price_plan *plan, double *price,
                  bool *cut, struct cbtm_error *e)
{
	struct smooth s = { .b = b, .k = k };
	s.load = mem_aligned(k, sizeof *s.load, "prices", e);
	s.hard = mem_aligned(k, sizeof *s.hard, "prices", e);
	s.share = mem_aligned(k, sizeof *s.share, "prices", e);
	s.hessian = mem_aligned(k * k, sizeof *s.hessian, "prices", e);
	s.step = mem_aligned(k, sizeof *s.step, "prices", e);
	s.tried = mem_aligned(k, sizeof *s.tried, "prices", e);
	double *start = mem_aligned(k, sizeof *start, "prices", e);
	*cut = false;
	if (e->name)
		goto done;
	memcpy(start, price, k * sizeof *start);
	for (double tau = plan->hot; tau >= plan->cold && tau > 0; tau *= plan->cool) {
		bool more = true;
		for (int steps = 0; steps < 3 && more; steps++) {
			more = take_step(&s, plan, tau, price);
			*cut = cut_move(price, start, k, plan->limit);
			if (*cut || excess(s.hard, k, plan->capacity) <= plan->enough)
				goto done;
		}
	}
done:
	free(start), free(s.tried), free(s.step);
	free(s.hessian), free(s.share), free(s.hard), free(s.load);
	return e->name;
}
