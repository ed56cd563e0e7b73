/* SPDX-License-Identifier: MIT */
/*
 * Balanced k-means: Lloyd's algorithm whose assignment step is the exact balanced transportation
 * problem (Malinen and Fränti 2014; here with k prices, lib/math/assign.h). No cluster holds more
 * than its share of documents, or of tokens if these are given; then means weigh by tokens too, so
 * that every step lowers the same objective.
 */
#include <cbtm/cluster.h>
#include <string.h>

static const struct cbtm_host *host;

static const struct cbtm_param params[] = { CBTM_LLOYD_ROWS("20"), CBTM_PARAM_END };

static int init(const struct cbtm_host *table, struct cbtm_error *e)
{
	(void)e;
	host = table;
	return 0;
}

/* One Lloyd run: b holds centres, prices and clusters; the best of all runs is kept aside. */
struct lloyd {
	const struct cbtm_lloyd *o;
	struct cbtm_balance b;
	struct cbtm_sums *sums;
	uint32_t *best_cluster;   /* n */
	float *best_centre;       /* k x d */
	double *best_price, best; /* k */
};

static int run(struct lloyd *l, uint64_t restart, uint64_t seed, struct cbtm_fit_report *report,
               struct cbtm_error *e)
{
	struct cbtm_balance *b = &l->b;
	uint64_t most = l->o->iterations;
	float *centre = (float *)(uintptr_t)b->centre;
	size_t moved = b->n;
	if (host->seed_centres((enum cbtm_seeding)l->o->init, b->x, b->n, b->d, b->k, seed, centre, e))
		return e->name;
	memset(b->price, 0, b->k * sizeof *b->price);
	b->window = 0;
	l->sums = host->sums_new(b->x, b->n, b->d, b->weight, b->k, e);
	for (uint64_t t = 0; l->sums && t < most && moved; t++) {
		if (host->stop_requested()) {
			host->error(e, CBTM_ERR_STOPPED, NULL, "stopped while clustering");
			break;
		}
		/* From points to means the centres jump: prices of the first step say nothing. */
		if (t == 1)
			memset(b->price, 0, b->k * sizeof *b->price);
		if (host->balanced_assign(b, e) || host->sums_move(l->sums, b->cluster, &moved, e))
			break;
		struct cbtm_fit_step step = { .done = restart * most + t + 1,
			                          .most = l->o->restarts * most,
			                          .restart = restart,
			                          .moved = moved,
			                          .objective = b->objective,
			                          .gap = b->gap,
			                          .split_loss = b->split_loss };
		if (report->step(report, &step, e))
			break;
		/* The last centres stay those that the clusters, prices and figures belong to. */
		if (moved && t + 1 < most)
			host->sums_means(l->sums, centre);
	}
	host->sums_free(l->sums);
	return e->name;
}

/* Takes the run's result aside if it is the best so far. */
static void keep(struct lloyd *l, uint64_t restart)
{
	const struct cbtm_balance *b = &l->b;
	if (restart && b->objective >= l->best)
		return;
	l->best = b->objective;
	memcpy(l->best_centre, b->centre, b->k * b->d * sizeof *b->centre);
	memcpy(l->best_price, b->price, b->k * sizeof *b->price);
	memcpy(l->best_cluster, b->cluster, b->n * sizeof *b->cluster);
}

static int fit(const void *options, const struct cbtm_points *points, size_t k, uint64_t seed,
               float *centre, int *centres_made, double *price, uint32_t *cluster, void **state,
               struct cbtm_fit_report *report, struct cbtm_error *e)
{
	size_t n = points->n, d = points->d;
	struct lloyd l = { .o = options,
		               .b = { .n = n,
		                      .d = d,
		                      .k = k,
		                      .x = points->vector,
		                      .centre = centre,
		                      .weight = points->tokens,
		                      .price = price,
		                      .cluster = cluster } };
	uint64_t *key = host->take(n, sizeof *key, e);
	*state = NULL;
	*centres_made = 1;
	if (!e->name && l.o->restarts > 1) {
		l.best_cluster = host->take(n, sizeof *l.best_cluster, e);
		l.best_centre = host->take(k * d, sizeof *l.best_centre, e);
		l.best_price = host->take(k, sizeof *l.best_price, e);
	}
	if (e->name)
		goto done;
	for (size_t i = 0; i < n; i++)
		key[i] = points->document[i].key;
	l.b.key = key;
	memset(cluster, 0, n * sizeof *cluster);
	for (uint64_t r = 0; r < l.o->restarts; r++) {
		if (run(&l, r, seed + r, report, e))
			goto done;
		if (l.o->restarts > 1)
			keep(&l, r);
	}
	if (l.o->restarts > 1) {
		memcpy(centre, l.best_centre, k * d * sizeof *centre);
		memcpy(price, l.best_price, k * sizeof *price);
		memcpy(cluster, l.best_cluster, n * sizeof *cluster);
	}
done:
	host->release(l.best_price);
	host->release(l.best_centre);
	host->release(l.best_cluster);
	host->release(key);
	return e->name;
}

CBTM_EXPORT const struct cbtm_cluster cbtm_plugin = {
	.plugin = { .abi = CBTM_ABI,
	            .size = sizeof cbtm_plugin,
	            .kind = "cluster",
	            .name = "balanced-kmeans",
	            .version = 7,
	            .description = "k-means with exactly balanced clusters, by documents or tokens",
	            .params = params,
	            .options_size = sizeof(struct cbtm_lloyd),
	            .init = init },
	.fit = fit,
};
