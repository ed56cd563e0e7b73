/* SPDX-License-Identifier: MIT */
/* Random clusters, by document key: the control that learned clusters must beat. */
#include <cbtm/cluster.h>

static const struct cbtm_host *host;

static int init(const struct cbtm_host *table, struct cbtm_error *e)
{
	(void)e;
	host = table;
	return 0;
}

/* A fixed partition: a document keeps its cluster in every read, whoever asks. */
static int assign(const void *options, const void *state, const struct cbtm_points *points,
                  size_t k, uint64_t seed, uint32_t *cluster, struct cbtm_error *e)
{
	(void)options, (void)state, (void)e;
	for (size_t i = 0; i < points->n; i++)
		cluster[i] = (uint32_t)(host->random_unit(seed, 0, points->document[i].key, 0) * (double)k);
	return 0;
}

static int fit(const void *options, const struct cbtm_points *points, size_t k, uint64_t seed,
               float *centre, int *centres_made, double *price, uint32_t *cluster, void **state,
               struct cbtm_fit_report *report, struct cbtm_error *e)
{
	(void)centre, (void)report;
	for (size_t j = 0; j < k; j++)
		price[j] = 0;
	*state = NULL;
	*centres_made = 0;
	return assign(options, NULL, points, k, seed, cluster, e);
}

CBTM_EXPORT const struct cbtm_cluster cbtm_plugin = {
	.plugin = { .abi = CBTM_ABI,
	            .size = sizeof cbtm_plugin,
	            .kind = "cluster",
	            .name = "random",
	            .version = 1,
	            .description = "random clusters of about equal size, a fixed partition",
	            .init = init },
	.fit = fit,
	.assign = assign,
};
