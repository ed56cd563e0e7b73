/* SPDX-License-Identifier: MIT */
#include "math/assign_prices.h"
#include "base/memory.h"
#include "math/dense.h"
#include "math/row.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REACH 8.0        /* no price moves further than 8 tau in a step */
#define SMALL_SHARE 2e-3 /* shares below this stay out of the Hessian */
#define RIDGE 1e-3       /* of a cluster's own curvature: clusters without border stay put */
#define HALVINGS 6

/* A value of the smoothed dual with its derivatives. */
struct value {
	double dual;
	double *load;    /* k: smoothed */
	double *hard;    /* k: loads of the cheapest clusters */
	double *hessian; /* k x k, upper triangle */
};

/* Groups in chunks of about equal entries, each with sums of its own, added up in order. */
struct smooth {
	struct pool *pool;
	const struct border *b;
	size_t k;
	size_t chunks;
	size_t *first;      /* chunks + 1: groups */
	struct value *part; /* chunks */
	struct value now, tried;
	double *step, *price; /* k: price: of `tried` */
	double *low, *high;   /* k: where prices must stay, or NULL */
	/* of the value that is being made */
	const double *at;
	double tau;
	bool newton; /* the Hessian is wanted */
};

enum { BATCH = 1024 }; /* entries whose shares are made together */

/* Shares of the groups [from, to), which hold at most `room` entries, into share; their cheapest
 * clusters into hard. Returns the sum of their least costs, weighted. */
static double find_shares(const struct smooth *s, size_t from, size_t to, double *share,
                          double *hard)
{
	const struct border *b = s->b;
	double sum = 0, cold = 1 / s->tau;
	size_t base = b->start[from];
	for (size_t g = from; g < to; g++) {
		size_t best = b->start[g];
		double least = INFINITY;
		for (size_t i = b->start[g]; i < b->start[g + 1]; i++) {
			double cost = b->v[i] + s->at[b->cluster[i]];
			share[i - base] = cost;
			best = cost < least ? i : best;
			least = cost < least ? cost : least;
		}
		for (size_t i = b->start[g]; i < b->start[g + 1]; i++)
			share[i - base] = (least - share[i - base]) * cold;
		hard[b->cluster[best]] += (double)b->supply[g];
		sum += (double)b->supply[g] * least;
	}
	row_exp(share, share, b->start[to] - base);
	return sum;
}

/* Loads and, if wanted, Hessian of one group with shares that sum to `sum`; large (k) is scratch. */
static void add_group(const struct smooth *s, size_t g, const double *share, double sum,
                      struct value *v, uint32_t *large)
{
	const struct border *b = s->b;
	size_t from = b->start[g], n = b->start[g + 1] - from, count = 0;
	const uint32_t *cluster = b->cluster + from;
	double weight = (double)b->supply[g] / sum, small = SMALL_SHARE * sum, part = weight / sum;
	for (size_t i = 0; i < n; i++) {
		v->load[cluster[i]] += weight * share[i];
		large[count] = (uint32_t)i;
		count += share[i] >= small;
	}
	for (size_t i = 0; s->newton && i < count; i++) {
		size_t a = cluster[large[i]];
		double *row = v->hessian + a * s->k, mine = part * share[large[i]];
		row[a] += weight * share[large[i]];
		for (size_t j = i; j < count; j++)
			row[cluster[large[j]]] -= mine * share[large[j]];
	}
}

static int evaluate_chunk(void *arg, size_t chunk, unsigned thread, struct cbtm_error *e)
{
	(void)thread;
	const struct smooth *s = arg;
	const struct border *b = s->b;
	struct value *v = &s->part[chunk];
	size_t last = s->first[chunk + 1], room = s->k > BATCH ? s->k : BATCH;
	double *share = mem_aligned(room, sizeof *share, "prices", e), product = 1, logs = 0;
	uint32_t *large = mem_aligned(s->k, sizeof *large, "prices", e);
	if (e->name)
		goto done;
	v->dual = 0;
	memset(v->load, 0, s->k * sizeof *v->load);
	memset(v->hard, 0, s->k * sizeof *v->hard);
	if (s->newton)
		memset(v->hessian, 0, s->k * s->k * sizeof *v->hessian);
	for (size_t from = s->first[chunk], to; from < last; from = to) {
		for (to = from + 1; to < last && b->start[to + 1] - b->start[from] <= room;)
			to++;
		v->dual += find_shares(s, from, to, share, v->hard);
		for (size_t g = from; g < to; g++) {
			const double *mine = share + (b->start[g] - b->start[from]);
			double sum = 0;
			for (size_t i = 0; i < b->start[g + 1] - b->start[g]; i++)
				sum += mine[i];
			/* One logarithm for many groups: the logarithm of their product. */
			if (b->supply[g] != 1)
				logs += (double)b->supply[g] * log(sum);
			else if ((product *= sum) > 1e200) {
				logs += log(product);
				product = 1;
			}
			add_group(s, g, mine, sum, v, large);
		}
	}
	v->dual -= s->tau * (logs + log(product));
done:
	free(large);
	free(share);
	return e->name;
}

/* The smoothed dual at price and tau, with its loads and Hessian. */
static int evaluate(struct smooth *s, const double *price, double tau, const double *capacity,
                    struct value *out, struct cbtm_error *e)
{
	size_t k = s->k;
	s->at = price;
	s->tau = tau;
	if (pool_run(s->pool, s->chunks, evaluate_chunk, s, e))
		return e->name;
	out->dual = 0;
	for (size_t j = 0; j < k; j++) {
		double base = (double)s->b->base[j];
		out->load[j] = out->hard[j] = base;
		out->dual += (base - capacity[j]) * price[j];
	}
	for (size_t c = 0; c < s->chunks; c++) {
		const struct value *v = &s->part[c];
		out->dual += v->dual;
		for (size_t j = 0; j < k; j++) {
			out->load[j] += v->load[j];
			out->hard[j] += v->hard[j];
		}
		for (size_t i = 0; s->newton && i < k * k; i++)
			out->hessian[i] = (c ? out->hessian[i] : 0) + v->hessian[i];
	}
	return 0;
}

static double excess(const double *load, size_t k, const double *capacity)
{
	double over = 0;
	for (size_t j = 0; j < k; j++)
		over += load[j] > capacity[j] ? load[j] - capacity[j] : 0;
	return over;
}

/* Whether a price is at its bound and its load would move it on. */
static bool held(const struct smooth *s, const double *price, const double *capacity, size_t j)
{
	double over = s->now.load[j] - capacity[j];
	return s->high && ((over > 0 && price[j] >= s->high[j]) || (over < 0 && price[j] <= s->low[j]));
}

/* s->step: Newton's step from s->now, whose Hessian is used up, with held prices left alone; or a
 * scaling step. */
static void find_step(struct smooth *s, const double *price, double tau, const double *capacity)
{
	struct cbtm_error singular = { 0 };
	struct value *v = &s->now;
	size_t k = s->k, free_prices = k;
	double mean = 0, *step = s->step;
	for (size_t j = 0; s->newton && j < k; j++) {
		bool stays = held(s, price, capacity, j);
		step[j] = stays ? 0 : v->load[j] - capacity[j];
		v->hessian[j * k + j] += RIDGE * v->hessian[j * k + j] + 1e-6 * capacity[j] + 1e-9;
		for (size_t i = 0; stays && i < k; i++)
			if (i != j)
				v->hessian[i < j ? i * k + j : j * k + i] = 0;
		free_prices -= stays;
	}
	if (!s->newton || dense_solve(v->hessian, k, step, &singular))
		for (size_t j = 0; j < k; j++)
			step[j] = log((v->load[j] + 1e-3) / (capacity[j] + 1e-3));
	for (size_t j = 0; free_prices == k && j < k; j++)
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

double price_deviation(const double *price, const double *start, size_t k)
{
	double mean = 0, square = 0;
	for (size_t j = 0; j < k; j++)
		mean += (price[j] - start[j]) / (double)k;
	for (size_t j = 0; j < k; j++) {
		double moved = price[j] - start[j] - mean;
		square += moved * moved / (double)k;
	}
	return sqrt(square);
}

bool prices_within(const double *price, const double *start, const double *half, double share,
                   size_t k)
{
	double low = INFINITY, high = -INFINITY;
	for (size_t j = 0; j < k; j++) {
		double moved = price[j] - start[j], reach = share * half[j];
		low = moved + reach < low ? moved + reach : low;
		high = moved - reach > high ? moved - reach : high;
	}
	return high <= low;
}

/* One step at tau from the value s->now; *more: the prices moved, and a further step may help. */
static int take_step(struct smooth *s, const struct price_plan *plan, double tau, double *price,
                     bool *more, struct cbtm_error *e)
{
	double before = s->now.dual, rise = -1, part = 1;
	find_step(s, price, tau, plan->capacity);
	for (int h = 0; h < HALVINGS && !(rise >= 0); h++, part /= 2) {
		for (size_t j = 0; j < s->k; j++) {
			s->price[j] = price[j] + part * s->step[j];
			if (s->high && s->price[j] > s->high[j])
				s->price[j] = s->high[j];
			if (s->high && s->price[j] < s->low[j])
				s->price[j] = s->low[j];
		}
		if (evaluate(s, s->price, tau, plan->capacity, &s->tried, e))
			return e->name;
		rise = s->tried.dual - before;
	}
	*more = rise > 1e-12 * fabs(before);
	if (!(rise >= 0))
		return 0;
	struct value swap = s->now;
	s->now = s->tried;
	s->tried = swap;
	memcpy(price, s->price, s->k * sizeof *price);
	return 0;
}

static int value_make(struct value *v, size_t k, struct cbtm_error *e)
{
	v->load = mem_aligned(k, sizeof *v->load, "prices", e);
	v->hard = mem_aligned(k, sizeof *v->hard, "prices", e);
	v->hessian = mem_aligned(k * k, sizeof *v->hessian, "prices", e);
	return e->name;
}

static void value_free(struct value *v)
{
	free(v->hessian), free(v->hard), free(v->load);
}

/* Chunks that depend on the border alone, few enough that adding their Hessians up costs little. */
static int smooth_make(struct smooth *s, struct pool *pool, const struct border *b, size_t k,
                       struct cbtm_error *e)
{
	size_t entries = b->start[b->groups], most = (size_t)1 + ((size_t)1 << 22) / (k * k);
	*s = (struct smooth){ .pool = pool, .b = b, .k = k };
	s->chunks = 1 + entries / (k * k / 2 + 4096);
	s->chunks = s->chunks < 16 ? s->chunks : 16;
	s->chunks = s->chunks < most ? s->chunks : most;
	s->first = mem_aligned(s->chunks + 1, sizeof *s->first, "prices", e);
	s->part = mem_zeroed(s->chunks, sizeof *s->part, "prices", e);
	s->step = mem_aligned(k, sizeof *s->step, "prices", e);
	s->price = mem_aligned(k, sizeof *s->price, "prices", e);
	if (e->name || value_make(&s->now, k, e) || value_make(&s->tried, k, e))
		return e->name;
	for (size_t c = 0, g = 0; c < s->chunks; c++) {
		while (g < b->groups && b->start[g] < entries / s->chunks * c)
			g++;
		s->first[c] = g;
		if (value_make(&s->part[c], k, e))
			return e->name;
	}
	s->first[s->chunks] = b->groups;
	return 0;
}

static void smooth_free(struct smooth *s)
{
	for (size_t c = 0; s->part && c < s->chunks; c++)
		value_free(&s->part[c]);
	value_free(&s->tried), value_free(&s->now);
	free(s->high), free(s->low), free(s->price), free(s->step), free(s->part), free(s->first);
}

/* The bounds of prices, if the plan has any. */
static int bounds_make(struct smooth *s, const double *half, const double *start,
                       struct cbtm_error *e)
{
	if (!half)
		return 0;
	s->low = mem_aligned(s->k, sizeof *s->low, "prices", e);
	s->high = mem_aligned(s->k, sizeof *s->high, "prices", e);
	for (size_t j = 0; !e->name && j < s->k; j++) {
		s->low[j] = start[j] - 0.9 * half[j];
		s->high[j] = start[j] + 0.9 * half[j];
	}
	return e->name;
}

int assign_prices(struct pool *pool, const struct border *b, size_t k,
                  const struct price_plan *plan, double *price, bool *cut, struct cbtm_error *e)
{
	struct smooth s;
	double before = INFINITY;
	*cut = false;
	if (smooth_make(&s, pool, b, k, e) || bounds_make(&s, plan->half, price, e))
		goto done;
	for (double tau = plan->hot; tau >= plan->cold && tau > 0; tau *= plan->cool) {
		bool more = true;
		s.newton = tau <= plan->sinkhorn;
		if (evaluate(&s, price, tau, plan->capacity, &s.now, e))
			goto done;
		for (int steps = 0; steps < 3 && more; steps++)
			if (excess(s.now.hard, k, plan->capacity) <= plan->enough ||
			    take_step(&s, plan, tau, price, &more, e))
				goto done;
		double over = excess(s.now.hard, k, plan->capacity);
		for (size_t j = 0; j < k; j++)
			*cut = *cut || (over > plan->bearable && held(&s, price, plan->capacity, j));
		/* Where colder prices place no more points, whole points are what is in the way. */
		if (*cut || (tau <= plan->sinkhorn && over > 0.7 * before))
			break;
		before = tau <= plan->sinkhorn ? over : INFINITY;
	}
done:
	smooth_free(&s);
	return e->name;
}
