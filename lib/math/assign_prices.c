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
};

/* The smoothed dual without its last term, loads, and the Hessian if wanted. */
static double evaluate(struct smooth *s, const double *price, double tau, bool hessian)
{
	const struct border *b = s->b;
	double dual = 0;
	for (size_t j = 0; j < s->k; j++) {
		s->load[j] = s->hard[j] = (double)b->base[j];
		dual += (double)b->base[j] * price[j];
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

static double dual_end(const double *price, size_t k, double capacity)
{
	double sum = 0;
	for (size_t j = 0; j < k; j++)
		sum += price[j];
	return -capacity * sum;
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

int assign_prices(const struct border *b, size_t k, const struct price_plan *plan, double *price,
                  struct cbtm_error *e)
{
	struct smooth s = { b, k, NULL, NULL, NULL, NULL };
	s.load = mem_aligned(k, sizeof *s.load, "prices", e);
	s.hard = mem_aligned(k, sizeof *s.hard, "prices", e);
	s.share = mem_aligned(k, sizeof *s.share, "prices", e);
	s.hessian = mem_aligned(k * k, sizeof *s.hessian, "prices", e);
	double *step = mem_aligned(k, sizeof *step, "prices", e);
	double *tried = mem_aligned(k, sizeof *tried, "prices", e);
	if (e->name)
		goto done;
	for (double tau = plan->hot; tau >= plan->cold && tau > 0; tau *= plan->cool) {
		for (int steps = 0; steps < 3; steps++) {
			bool newton = tau <= plan->sinkhorn;
			double dual = evaluate(&s, price, tau, newton) + dual_end(price, k, plan->capacity);
			if (excess(s.hard, k, plan->capacity) <= plan->enough)
				goto done;
			find_step(&s, tau, newton, plan->capacity, step);
			double rise = -1, part = 1;
			for (int h = 0; h < HALVINGS && !(rise >= 0); h++, part /= 2) {
				for (size_t j = 0; j < k; j++)
					tried[j] = price[j] + part * step[j];
				rise = evaluate(&s, tried, tau, false) + dual_end(tried, k, plan->capacity) - dual;
			}
			if (!(rise >= 0))
				break;
			memcpy(price, tried, k * sizeof *price);
			if (excess(s.hard, k, plan->capacity) <= plan->enough)
				goto done;
			if (rise <= 1e-12 * fabs(dual))
				break;
		}
	}
done:
	free(tried), free(step);
	free(s.hessian), free(s.share), free(s.hard), free(s.load);
	return e->name;
}
