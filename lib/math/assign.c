/* SPDX-License-Identifier: MIT */
#include "math/assign.h"
#include "base/error.h"
#include "base/memory.h"
#include "math/assign_border.h"
#include "math/assign_flow.h"
#include "math/assign_prices.h"
#include "math/assign_round.h"
#include "math/dense.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Windows and temperatures in units of s, the mean over points of (mean - least cost). */
#define COLD_WINDOW 0.1  /* after prices from a sample */
#define WARM_WINDOW 0.06 /* after the last iteration's prices */
#define NEAR 0.01        /* of the window: how dear the first moves looked at are */
#define HOT 0.3          /* a cold start cools from here ... */
#define COOL 0.004       /* ... to here */
#define WHOLE 20000      /* points x clusters below this are solved without a window */
#define WIDEN 5          /* scans with one window: a wide one costs more than a scan */
#define ATTEMPTS 12      /* then the window is infinite */

struct solver {
	struct pool *pool;
	struct cbtm_balance *b;
	struct assign_units units;
	double spread; /* s */
	double window;
	double *start; /* k: prices of the last scan */
	double *first; /* k: of the first one */
	struct border border;
};

static double clamp(double x, double low, double high)
{
	return x < low ? low : x > high ? high : x;
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

/*
 * Looks at points at even steps with all their costs for the spread s and, where all prices are
 * equal, at enough of them, max(8192, 64 k), for prices that balance the sample.
 */
static int look_at_sample(struct solver *s, struct cbtm_error *e)
{
	struct cbtm_balance part = *s->b;
	struct assign_units units = s->units;
	struct border border = { 0 };
	size_t n = s->b->n, d = s->b->d, k = s->b->k;
	bool cold = price_range(s->b->price, NULL, k) == 0;
	part.n = !cold ? 1024 : 64 * k > 8192 ? 64 * k : 8192;
	part.n = part.n < n ? part.n : n;
	float *x = mem_aligned(part.n, d * sizeof *x, "a sample", e);
	uint64_t *weight = mem_aligned(part.n, sizeof *weight, "a sample", e);
	part.cluster = mem_aligned(part.n, sizeof *part.cluster, "a sample", e);
	if (e->name)
		goto done;
	for (size_t i = 0; i < part.n; i++) {
		size_t row = (size_t)((__uint128_t)i * n / part.n);
		memcpy(x + i * d, s->b->x + row * d, d * sizeof *x);
		weight[i] = s->b->weight ? s->b->weight[row] : 1;
	}
	part.x = x;
	part.key = NULL;
	part.weight = weight;
	units.free = 0;
	if (border_make(s->pool, &part, &units, NULL, INFINITY, &border, e))
		goto done;
	s->spread = mean_spread(&border);
	s->window = s->spread * (cold ? COLD_WINDOW : WARM_WINDOW);
	if (!cold && s->b->window > 0 && s->b->window < INFINITY)
		s->window = clamp(s->b->window, 0.004 * s->spread, s->window * 2);
	double supply = 0;
	for (size_t g = 0; g < border.groups; g++)
		supply += (double)border.supply[g];
	struct price_plan plan = { .hot = HOT * s->spread,
		                       .cold = COOL * s->spread,
		                       .cool = 0.35,
		                       .sinkhorn = 0.05 * s->spread,
		                       .enough = supply / (double)part.n,
		                       .capacity = supply / (double)k,
		                       .limit = INFINITY };
	bool cut;
	if (cold && s->spread > 0)
		assign_prices(s->pool, &border, k, &plan, s->b->price, &cut, e);
done:
	border_free(&border);
	free(part.cluster), free(weight), free(x);
	return e->name;
}

/* How the border's prices are moved; without a window as in a cold start. */
static struct price_plan plan_of(const struct solver *s)
{
	struct price_plan plan = { .hot = s->window / 24,
		                       .cold = s->window * 1e-6,
		                       .cool = 0.3,
		                       .sinkhorn = INFINITY,
		                       .enough = s->units.each * (double)s->b->k,
		                       .capacity = (double)s->units.capacity,
		                       .limit = 0.9 * s->window };
	if (s->window == INFINITY) {
		plan.hot = HOT * s->spread;
		plan.cold = 1e-7 * s->spread;
		plan.cool = 0.35;
		plan.sinkhorn = 0.05 * s->spread;
	}
	return plan;
}

/* One scan, prices and flow; *done if the result is proved optimal. */
static int attempt(struct solver *s, int number, bool *done, struct cbtm_error *e)
{
	size_t k = s->b->k;
	double *price = s->b->price;
	bool last = s->window == INFINITY, cut = false, reachable = false;
	double near = NEAR * (last ? s->spread : s->window);
	struct price_plan plan = plan_of(s);
	memcpy(s->start, price, k * sizeof *price);
	border_free(&s->border);
	if (border_make(s->pool, s->b, &s->units, price, s->window, &s->border, e) ||
	    assign_prices(s->pool, &s->border, k, &plan, price, &cut, e))
		return e->name;
	if (cut) {
		s->window *= number >= WIDEN ? 1.5 : 1;
		return 0;
	}
	if (assign_flow(&s->border, k, s->units.capacity, near, price, &reachable, e))
		return e->name;
	*done = reachable && (last || price_range(price, s->start, k) <= s->window);
	if (!*done && last)
		return error_set(e, CBTM_ERR_INTERNAL, NULL, "the balanced assignment has no solution");
	if (!*done)
		s->window *= 4;
	return 0;
}

/* Sum of weighted squared distances to the centres of b->cluster. */
struct objective_work {
	const struct cbtm_balance *b;
	struct dense_chunks chunks;
	double *sum; /* chunks */
};

static int objective_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	struct objective_work *w = arg;
	const struct cbtm_balance *b = w->b;
	size_t to = dense_chunk_start(&w->chunks, i + 1);
	w->sum[i] = 0;
	for (size_t r = dense_chunk_start(&w->chunks, i); r < to; r++)
		w->sum[i] += (double)(b->weight ? b->weight[r] : 1) *
		             dense_distance(b->x + r * b->d, b->centre + b->cluster[r] * b->d, b->d);
	return 0;
}

static int find_objective(struct pool *pool, struct cbtm_balance *b, struct cbtm_error *e)
{
	struct objective_work w = { b, dense_chunks(b->n, 1024, 256), NULL };
	w.sum = mem_aligned(w.chunks.count, sizeof *w.sum, "balanced assignment", e);
	if (w.sum && !pool_run(pool, w.chunks.count, objective_chunk, &w, e)) {
		b->objective = 0;
		for (size_t i = 0; i < w.chunks.count; i++)
			b->objective += w.sum[i];
	}
	free(w.sum);
	return e->name;
}

/* What the border's whole points cost more than its flows; both by the same costs. */
static double rounding_loss(const struct solver *s)
{
	const struct border *b = &s->border;
	double loss = 0;
	for (size_t g = 0; g < b->groups; g++) {
		for (size_t i = b->start[g]; i < b->start[g + 1]; i++) {
			double whole = 0;
			for (size_t m = b->member_start[g]; m < b->member_start[g + 1]; m++)
				if (s->b->cluster[b->member[m]] == b->cluster[i])
					whole += (double)(s->b->weight[b->member[m]] * s->units.scale);
			loss += (whole - (double)b->flow[i]) * b->v[i];
		}
	}
	return loss / (double)s->units.scale;
}

static int finish(struct solver *s, struct cbtm_error *e)
{
	struct cbtm_balance *b = s->b;
	size_t split = 0;
	double least = INFINITY, slack = flow_slack(&s->border, b->price) / (double)s->units.scale;
	if (assign_round(b, &s->units, &s->border, b->price, &split, e) ||
	    find_objective(s->pool, b, e))
		return e->name;
	b->split_loss = split ? rounding_loss(s) : 0;
	for (size_t j = 0; j < b->k; j++)
		least = b->price[j] < least ? b->price[j] : least;
	b->window = 1.5 * price_range(b->price, s->first, b->k);
	for (size_t j = 0; j < b->k; j++)
		b->price[j] -= least;
	double weight = s->units.each * (double)b->n / (double)s->units.scale;
	double primal = b->objective - b->split_loss;
	double over = primal > weight * s->spread ? primal : weight * s->spread;
	b->gap = over > 0 ? slack / over : 0;
	return 0;
}

int balanced_assign_tuned(struct pool *pool, struct cbtm_balance *b, size_t whole,
                          struct cbtm_error *e)
{
	struct solver s = { .pool = pool, .b = b };
	bool done = false;
	if (b->k == 0 || b->n < b->k)
		return error_set(e, CBTM_ERR_TOO_MANY_CLUSTERS, NULL,
		                 "%zu clusters need at least as many documents, there are %zu", b->k, b->n);
	if (b->k > ASSIGN_MAX_CLUSTERS)
		return error_set(e, CBTM_ERR_TOO_MANY_CLUSTERS, NULL,
		                 "%zu clusters are more than the %d that the balanced assignment takes",
		                 b->k, ASSIGN_MAX_CLUSTERS);
	s.start = mem_aligned(b->k, sizeof *s.start, "balanced assignment", e);
	s.first = mem_aligned(b->k, sizeof *s.first, "balanced assignment", e);
	if (e->name || assign_units_make(b, &s.units, e) || look_at_sample(&s, e))
		goto done;
	memcpy(s.first, b->price, b->k * sizeof *s.first);
	if (b->n <= whole / b->k || s.spread == 0)
		s.window = INFINITY;
	for (int i = 0; !done; i++) {
		if (i == ATTEMPTS)
			s.window = INFINITY;
		if (attempt(&s, i, &done, e))
			goto done;
	}
	finish(&s, e);
done:
	border_free(&s.border);
	free(s.first), free(s.start);
	return e->name;
}

int balanced_assign(struct pool *pool, struct cbtm_balance *b, struct cbtm_error *e)
{
	return balanced_assign_tuned(pool, b, WHOLE, e);
}
