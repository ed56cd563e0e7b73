/* SPDX-License-Identifier: MIT */
#include "math/assign.h"
#include "base/error.h"
#include "base/memory.h"
#include "math/assign_border.h"
#include "math/assign_flow.h"
#include "math/assign_guess.h"
#include "math/assign_prices.h"
#include "math/assign_round.h"
#include "math/assign_wild.h"
#include "math/dense.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEAR 0.02   /* of the half windows: how dear the first moves looked at are */
#define WHOLE 20000 /* points x clusters below this are solved without a window */
#define ATTEMPTS 6  /* then prices are looked for anew (assign_wild.h); after ... */
#define LAST 9      /* ... there is no window */

struct solver {
	struct pool *pool;
	struct cbtm_balance *b;
	struct assign_units units;
	double spread;  /* s, the mean over points of (mean - least cost); wild: their typical one */
	bool wild;      /* costs have no scale in common (assign_wild.h) */
	double *half;   /* k: half windows (math/scan.h) */
	bool unbounded; /* instead: all costs */
	double *start;  /* k: prices of the last scan */
	double *first;  /* k: as they were given */
	double *capacity;
	struct border border;
};

/* The mean half window; of wild ones a mean that large ones do not count in. */
static double mean_half(const struct solver *s)
{
	double sum = 0, k = (double)s->b->k;
	for (size_t j = 0; j < s->b->k; j++)
		sum += s->wild ? 1 / s->half[j] : s->half[j];
	return s->wild ? k / sum : sum / k;
}

/* How the border's prices are moved; without a window as in a cold start. */
static struct price_plan plan_of(const struct solver *s)
{
	double half = s->unbounded ? 0 : mean_half(s);
	struct price_plan plan = { .hot = half / 12,
		                       .cold = half * 2e-6,
		                       .cool = 0.3,
		                       .sinkhorn = INFINITY,
		                       .enough = s->units.each * (double)s->b->k / 2,
		                       .bearable = s->units.each * (double)s->b->k,
		                       .capacity = s->capacity,
		                       .half = s->half };
	if (s->unbounded) {
		plan.hot = 0.3 * s->spread;
		plan.cold = 1e-7 * s->spread;
		plan.cool = 0.35;
		plan.sinkhorn = 0.05 * s->spread;
		plan.half = NULL;
	}
	return plan;
}

/* One scan, prices and flow; *done if the result is proved optimal. */
static int attempt(struct solver *s, bool *done, struct cbtm_error *e)
{
	size_t k = s->b->k;
	double *price = s->b->price;
	bool last = s->unbounded, cut = false, reachable = false;
	double near = NEAR * (last ? s->spread : mean_half(s));
	struct price_plan plan = plan_of(s);
	struct border_reach reach = { .price = s->start,
		                          .half = last ? NULL : s->half,
		                          .window = last ? INFINITY : 0 };
	memcpy(s->start, price, k * sizeof *price);
	border_free(&s->border);
	if (border_make(s->pool, s->b, &s->units, &reach, &s->border, e))
		return e->name;
	/* Newton's steps ask for a scale in common: wild prices are left to the paths. */
	if (!s->wild && assign_prices(s->pool, &s->border, k, &plan, price, &cut, e))
		return e->name;
	if (!cut && assign_flow(&s->border, k, s->units.capacity, near, price, &reachable, e))
		return e->name;
	*done = reachable && (last || prices_within(price, s->start, s->half, 1, k));
	if (!*done && last)
		return error_set(e, CBTM_ERR_INTERNAL, NULL, "the balanced assignment has no solution");
	/* Wild prices without a solution lead nowhere. */
	if (s->wild && !reachable)
		memcpy(price, s->start, k * sizeof *price);
	for (int i = 0; !*done && i < (cut || (s->wild && reachable) ? 1 : 2); i++)
		assign_widen(price, s->start, s->half, k);
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
	b->window = price_deviation(b->price, s->first, b->k);
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
	s.half = mem_aligned(b->k, sizeof *s.half, "balanced assignment", e);
	s.capacity = mem_aligned(b->k, sizeof *s.capacity, "balanced assignment", e);
	if (e->name || assign_units_make(b, &s.units, e))
		goto done;
	memcpy(s.first, b->price, b->k * sizeof *s.first);
	for (size_t j = 0; j < b->k; j++)
		s.capacity[j] = (double)s.units.capacity;
	if (assign_guess(pool, b, &s.units, s.half, &s.spread, &s.wild, e))
		goto done;
	s.unbounded = b->n <= whole / b->k || s.spread == 0;
	for (int i = s.wild && !s.unbounded ? ATTEMPTS : 0; !done; i++) {
		s.wild = s.wild || (i == ATTEMPTS && !s.unbounded);
		if (i == ATTEMPTS && s.wild && assign_wild(pool, b, s.half, &s.spread, e))
			goto done;
		s.unbounded = s.unbounded || s.spread == 0 || i == LAST;
		if (attempt(&s, &done, e))
			goto done;
	}
	finish(&s, e);
done:
	border_free(&s.border);
	free(s.capacity), free(s.half), free(s.first), free(s.start);
	return e->name;
}

int balanced_assign(struct pool *pool, struct cbtm_balance *b, struct cbtm_error *e)
{
	return balanced_assign_tuned(pool, b, WHOLE, e);
}
