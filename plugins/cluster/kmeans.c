/* SPDX-License-Identifier: MIT */
/* Plain k-means (Lloyd 1982), unbalanced: what balance is compared with. */
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
	  .default_text = "100",
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

static int fit(const void *options, const struct cbtm_points *points, size_t k, uint64_t seed,
               float *centre, int *centres_made, double *price, uint32_t *cluster, void **state,
               struct cbtm_fit_report *report, struct cbtm_error *e)
{
	const struct options *o = options;
	size_t n = points->n, d = points->d, moved = n;
	uint32_t *before = host->take(n, sizeof *before, e);
	double *distance = host->take(n, sizeof *distance, e);
	*state = NULL;
	*centres_made = 1;
	memset(price, 0, k * sizeof *price);
	if (e->name ||
	    host->seed_centres(CBTM_SEEDS_KMEANSPP, points->vector, n, d, k, seed, centre, e))
		goto done;
	double objective = 0;
	for (uint64_t t = 0; t < o->iterations && moved && !host->stop_requested(); t++) {
		memcpy(before, cluster, n * sizeof *before);
		if (host->assign_nearest(points->vector, n, d, centre, k, NULL, cluster, distance, e))
			goto done;
		moved = 0;
		objective = 0;
		for (size_t i = 0; i < n; i++) {
			moved += t == 0 || cluster[i] != before[i];
			objective += distance[i] * (points->tokens ? (double)points->tokens[i] : 1);
		}
		struct cbtm_fit_step step = {
			.done = t + 1, .most = o->iterations, .moved = moved, .objective = objective
		};
		if (report->step(report, &step, e))
			goto done;
		if (moved && host->means(points->vector, n, d, points->tokens, cluster, k, centre, e))
			goto done;
	}
	if (host->stop_requested())
		host->error(e, CBTM_ERR_STOPPED, NULL, "stopped while clustering");
done:
	host->release(distance);
	host->release(before);
	return e->name;
}

CBTM_EXPORT const struct cbtm_cluster cbtm_plugin = {
	.plugin = { .abi = CBTM_ABI,
	            .size = sizeof cbtm_plugin,
	            .kind = "cluster",
	            .name = "kmeans",
	            .version = 1,
	            .description = "plain k-means, clusters of any size",
	            .params = params,
	            .options_size = sizeof(struct options),
	            .init = init },
	.fit = fit,
};
