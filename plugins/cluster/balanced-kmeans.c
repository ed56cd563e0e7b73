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

struct options {
	uint64_t iterations;
};
static const struct cbtm_param params[] = {
	{ .name = "iterations",
	  .type = CBTM_PARAM_COUNT,
	  .offset = offsetof(struct options, iterations),
	  .default_text = "20",
	  .min = 1,
	  .max = 10000,
	  .help = "most steps of Lloyd's algorithm; it stops earlier when no document moves" },
	CBTM_PARAM_END
};

static int init(const struct cbtm_host *table, struct cbtm_error *e)
{
	(void)e;
	host = table;
	return 0;
}

/* One assignment, its figures into the report; *moved: documents that changed their cluster. */
static int step(struct cbtm_balance *b, uint32_t *before, size_t *moved,
                struct cbtm_fit_report *report, struct cbtm_error *e)
{
	memcpy(before, b->cluster, b->n * sizeof *before);
	if (host->balanced_assign(b, e))
		return e->name;
	*moved = 0;
	for (size_t i = 0; i < b->n; i++)
		*moved += b->cluster[i] != before[i];
	report->iterations++;
	report->objective = b->objective;
	report->split_loss = b->split_loss;
	if (b->gap > report->largest_gap)
		report->largest_gap = b->gap;
	return 0;
}

static int fit(const void *options, const struct cbtm_points *points, size_t k, uint64_t seed,
               float *centre, int *centres_made, double *price, uint32_t *cluster, void **state,
               struct cbtm_fit_report *report, struct cbtm_error *e)
{
	const struct options *o = options;
	size_t n = points->n, moved = n;
	struct cbtm_balance b = { .n = n,
		                      .d = points->d,
		                      .k = k,
		                      .x = points->vector,
		                      .centre = centre,
		                      .weight = points->tokens,
		                      .price = price,
		                      .cluster = cluster };
	uint32_t *before = host->take(n, sizeof *before, e);
	uint64_t *key = host->take(n, sizeof *key, e);
	*state = NULL;
	*centres_made = 1;
	if (e->name || host->seed_centres(points->vector, n, points->d, k, seed, centre, e))
		goto done;
	for (size_t i = 0; i < n; i++)
		key[i] = points->document[i].key;
	b.key = key;
	memset(cluster, 0, n * sizeof *cluster);
	memset(price, 0, k * sizeof *price);
	for (uint64_t t = 0; t < o->iterations && moved; t++) {
		if (host->stop_requested()) {
			host->error(e, CBTM_ERR_STOPPED, NULL, "stopped while clustering");
			goto done;
		}
		/* From points to means the centres jump: prices of the first step say nothing. */
		if (t == 1)
			memset(price, 0, k * sizeof *price);
		if (step(&b, before, &moved, report, e))
			goto done;
		host->progress(t + 1, o->iterations, "iterations");
		if (moved && t + 1 < o->iterations &&
		    host->means(points->vector, n, points->d, points->tokens, cluster, k, centre, e))
			goto done;
	}
done:
	host->release(key);
	host->release(before);
	return e->name;
}

CBTM_EXPORT const struct cbtm_cluster cbtm_plugin = {
	.plugin = { .abi = CBTM_ABI,
	            .size = sizeof cbtm_plugin,
	            .kind = "cluster",
	            .name = "balanced-kmeans",
	            .version = 1,
	            .description = "k-means with exactly balanced clusters, by documents or tokens",
	            .params = params,
	            .options_size = sizeof(struct options),
	            .init = init },
	.fit = fit,
};
