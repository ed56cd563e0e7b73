/* SPDX-License-Identifier: MIT */
#include "math/assign_guess.h"
#include "base/memory.h"
#include "math/assign_prices.h"
#include "math/assign_wild.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In units of s. */
#define HOT 0.3          /* a cold start cools from here ... */
#define COOL 0.004       /* ... to here */
#define COLD_ERROR 0.01  /* of prices where a cold start ends */
#define LEAST_HALF 0.002 /* half windows */
#define MOST_HALF 0.3
#define MOST_START 0.1 /* half windows from the last prices' move: another look costs less */

#define SAFETY 3.0 /* half windows in standard deviations of a guess ... */
#define FLOOR                                                                                      \
	1.5            /* ... but none below so many means: prices of neighbours move together, further
                    * than each would alone */
#define STAY 5.0   /* half windows without a guess, in deviations of the last prices' move */
#define NEARBY 2.0 /* half windows for the first sample, in the same */
#define STEADY 0.3 /* prices that moved by less than so many s x clusters / rows stay */
#define WIDEN 2.0
#define FIRST 8   /* rows of a cold start's first sample, in clusters */
#define GROWTH 4  /* of samples, up to ... */
#define LARGEST 4 /* ... n / LARGEST rows: a larger one costs as much as another scan */
#define RETRIES 6
#define WILD 300 /* means so many times the distances of near clusters say nothing of these */
#define LEAST_TARGET 0.1 /* load of a cluster in a sample, of the mean */

/* Rows at even steps, with what loads they should have. */
struct sample {
	struct pool *pool;
	const struct cbtm_balance *b;
	struct cbtm_balance part;
	struct assign_units units;
	size_t step;
	uint64_t *weight;      /* n of part */
	double *target;        /* k */
	double *slope, *noise; /* k: load per price; the variance of a guess's loads */
	double *start;         /* k */
	bool series;
};

static void sample_free(struct sample *s)
{
	free(s->start), free(s->noise), free(s->slope), free(s->target);
	free(s->part.cluster), free(s->weight);
}

static int sample_make(struct sample *s, struct pool *pool, const struct cbtm_balance *b,
                       const struct assign_units *u, size_t rows, struct cbtm_error *e)
{
	size_t k = b->k, step = b->n / rows > 1 ? b->n / rows : 1, n = (b->n - 1) / step + 1;
	*s = (struct sample){ .pool = pool, .b = b, .part = *b, .units = *u, .step = step };
	s->units.free = 0;
	s->part.n = n;
	s->part.key = NULL;
	s->part.weight = s->weight = mem_aligned(n, sizeof *s->weight, "a sample", e);
	s->part.cluster = mem_aligned(n, sizeof *s->part.cluster, "a sample", e);
	s->target = mem_zeroed(k, sizeof *s->target, "a sample", e);
	s->slope = mem_zeroed(k, sizeof *s->slope, "a sample", e);
	s->noise = mem_zeroed(k, sizeof *s->noise, "a sample", e);
	s->start = mem_zeroed(k, sizeof *s->start, "a sample", e);
	if (e->name)
		return e->name;
	double supply = 0;
	s->series = b->window > 0;
	for (size_t r = 0; r < n; r++) {
		s->weight[r] = b->weight ? b->weight[r * step] : 1;
		supply += (double)(s->weight[r] * u->scale);
		s->series = s->series && b->cluster[r * step] < k;
	}
	s->units.each = supply / (double)n;
	for (size_t r = 0; s->series && r < n; r++)
		s->target[b->cluster[r * step]] += (double)(s->weight[r] * u->scale);
	/* A cluster that the sample has nothing of would drive its price without end. */
	double least = s->series ? LEAST_TARGET * supply / (double)k : supply / (double)k, sum = 0;
	for (size_t j = 0; j < k; j++) {
		s->target[j] = s->target[j] > least ? s->target[j] : least;
		sum += s->target[j];
	}
	for (size_t j = 0; j < k; j++)
		s->target[j] *= supply / sum;
	return 0;
}

/* s, of the groups of a border without a window, weighted; 0 if it is but rounding noise. */
static double mean_spread(const struct border *b)
{
	double sum = 0, weight = 0, size = 0;
	for (size_t g = 0; g < b->groups; g++) {
		double least = INFINITY, mean = 0, supply = (double)b->supply[g];
		size_t n = b->start[g + 1] - b->start[g];
		for (size_t i = b->start[g]; i < b->start[g + 1]; i++) {
			least = b->v[i] < least ? b->v[i] : least;
			mean += b->v[i] / (double)n;
			size += supply * fabs(b->v[i]) / (double)n;
		}
		sum += supply * (mean - least);
		weight += supply;
	}
	return sum > 1e-13 * size ? sum / weight : 0;
}

/* The best entry of a group at the prices, and what the second best costs more. */
static size_t best_entry(const struct border *o, size_t g, const double *price, double *second)
{
	size_t best = o->start[g];
	double least = INFINITY, other = INFINITY;
	for (size_t i = o->start[g]; i < o->start[g + 1]; i++) {
		double cost = o->v[i] + price[o->cluster[i]];
		other = cost < least ? least : cost < other ? cost : other;
		best = cost < least ? i : best;
		least = cost < least ? cost : least;
	}
	*second = other - least;
	return best;
}

/*
 * What the sample's balance says of all points': the variance of each cluster's load, which is that
 * of the points that differ from the last assignment, or of all; and how much load it has to lose
 * or win for a price, by the points within `band` of a change.
 */
static void find_noise(struct sample *s, const struct border *o, double band)
{
	const double *price = s->b->price;
	double rest = 1 - 1 / (double)s->step, second, each = s->units.each;
	for (size_t j = 0; j < s->b->k; j++) {
		s->noise[j] = each * each;
		s->slope[j] = each / (2 * band);
	}
	for (size_t g = 0; g < o->groups; g++) {
		size_t best = best_entry(o, g, price, &second);
		double weight = (double)o->supply[g] / (2 * band);
		double least = o->v[best] + price[o->cluster[best]];
		for (size_t m = o->member_start[g]; m < o->member_start[g + 1]; m++)
			s->part.cluster[o->member[m]] = o->cluster[best];
		for (size_t i = o->start[g]; i < o->start[g + 1]; i++) {
			double dearer = i == best ? second : o->v[i] + price[o->cluster[i]] - least;
			s->slope[o->cluster[i]] += dearer <= band ? weight : 0;
		}
	}
	for (size_t r = 0; r < s->part.n; r++) {
		double weight = (double)(s->weight[r] * s->units.scale);
		uint32_t now = s->part.cluster[r];
		if (s->series && now == s->b->cluster[r * s->step])
			continue;
		s->noise[now] += weight * weight * rest;
		if (s->series)
			s->noise[s->b->cluster[r * s->step]] += weight * weight * rest;
	}
}

static double clamp(double x, double low, double high)
{
	return x < low ? low : x > high ? high : x;
}

static void find_half(const struct sample *s, double spread, double error, double *half)
{
	double mean = 0;
	for (size_t j = 0; j < s->b->k; j++) {
		half[j] = SAFETY * sqrt(s->noise[j]) / s->slope[j] + error * spread;
		half[j] = clamp(half[j], LEAST_HALF * spread, MOST_HALF * spread);
		mean += half[j] / (double)s->b->k;
	}
	for (size_t j = 0; j < s->b->k; j++)
		half[j] = half[j] > FLOOR * mean ? half[j] : FLOOR * mean;
}

/* Prices that balance the sample from all its costs, starting anywhere. */
static int solve_cold(struct sample *s, const struct border *border, double spread, double *half,
                      struct cbtm_error *e)
{
	bool cut;
	struct price_plan plan = { .hot = HOT * spread,
		                       .cold = COOL * spread,
		                       .cool = 0.35,
		                       .sinkhorn = 0.05 * spread,
		                       .enough = s->units.each,
		                       .capacity = s->target };
	if (assign_prices(s->pool, border, s->b->k, &plan, s->b->price, &cut, e))
		return e->name;
	find_noise(s, border, 10 * COOL * spread);
	find_half(s, spread, COLD_ERROR, half);
	return 0;
}

void assign_widen(const double *price, const double *start, double *half, size_t k)
{
	double mean = 0;
	bool any = false;
	for (size_t j = 0; j < k; j++)
		mean += (price[j] - start[j]) / (double)k;
	for (int all = 0; all < 2 && !any; all++)
		for (size_t j = 0; j < k; j++)
			if (all || fabs(price[j] - start[j]) > 0.5 * half[j] ||
			    fabs(price[j] - start[j] - mean) > 0.5 * half[j]) {
				half[j] *= WIDEN;
				any = true;
			}
}

/* Prices that balance the sample, looked for within the half windows first. */
static int solve_near(struct sample *s, double spread, double *half, struct cbtm_error *e)
{
	struct border border = { 0 };
	size_t k = s->b->k;
	bool cut = true;
	double mean = 0;
	for (int tries = 0; cut && tries < RETRIES; tries++) {
		mean = 0;
		for (size_t j = 0; j < k; j++)
			mean += half[j] / (double)k;
		memcpy(s->start, s->b->price, k * sizeof *s->start);
		struct border_reach reach = { .price = s->start, .half = half, .step = s->step };
		struct price_plan plan = { .hot = mean / 12,
			                       .cold = 1e-3 * mean,
			                       .cool = 0.3,
			                       .sinkhorn = INFINITY,
			                       .enough = s->units.each * (double)k / 2,
			                       .bearable = s->units.each * (double)k / 2,
			                       .capacity = s->target,
			                       .half = half };
		border_free(&border);
		if (border_make(s->pool, &s->part, &s->units, &reach, &border, e) ||
		    assign_prices(s->pool, &border, k, &plan, s->b->price, &cut, e))
			goto done;
		if (cut)
			assign_widen(s->b->price, s->start, half, k);
	}
	find_noise(s, &border, mean);
	find_half(s, spread, 0, half);
done:
	border_free(&border);
	return e->name;
}

/* All costs of a sample, of more rows while they show no spread. */
static int look_at_all_costs(struct pool *pool, const struct cbtm_balance *b,
                             const struct assign_units *u, size_t rows, bool cold, double *half,
                             double *spread, bool *wild, struct cbtm_error *e)
{
	*spread = 0;
	*wild = false;
	for (size_t step = 0; !e->name && *spread == 0 && step != 1; rows *= 8) {
		struct border border = { 0 };
		struct sample s = { 0 };
		if (!sample_make(&s, pool, b, u, rows < b->n ? rows : b->n, e)) {
			struct border_reach reach = { .window = INFINITY, .step = s.step };
			step = s.step;
			if (!border_make(pool, &s.part, &s.units, &reach, &border, e))
				*spread = mean_spread(&border);
			double typical = e->name ? 0 : assign_typical(&border, b->k, e);
			*wild = typical > 0 && *spread > WILD * typical;
			if (!e->name && cold && *spread > 0 && !*wild)
				solve_cold(&s, &border, *spread, half, e);
		}
		border_free(&border);
		sample_free(&s);
	}
	return e->name;
}

int assign_guess(struct pool *pool, const struct cbtm_balance *b, const struct assign_units *u,
                 double *half, double *spread, bool *wild, struct cbtm_error *e)
{
	bool cold = price_range(b->price, NULL, b->k) == 0;
	size_t first = FIRST * b->k > 2048 ? FIRST * b->k : 2048, most = b->n / LARGEST, done = first;
	if (look_at_all_costs(pool, b, u, cold ? first : 256, cold, half, spread, wild, e) ||
	    *spread == 0 || *wild)
		return e->name;
	/* In a series: prices that moved by less than a sample can tell are better left alone. */
	if (!cold) {
		double steady = STEADY * *spread * (double)b->k;
		bool guess = b->window * (double)most >= steady;
		for (size_t j = 0; j < b->k; j++)
			half[j] = clamp((guess ? NEARBY : STAY) * b->window, LEAST_HALF * *spread,
			                MOST_START * *spread);
		for (done = first / 2; guess && b->window * (double)(GROWTH * done) < steady;)
			done *= GROWTH;
		if (!guess)
			return 0;
	}
	for (; done <= most / 2; done *= GROWTH) {
		struct sample s = { 0 };
		size_t rows = GROWTH * done < most ? GROWTH * done : most;
		if (!sample_make(&s, pool, b, u, rows, e))
			solve_near(&s, *spread, half, e);
		sample_free(&s);
		if (e->name)
			break;
	}
	return e->name;
}
