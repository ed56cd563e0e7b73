/* SPDX-License-Identifier: MIT */
/* A clustering that lies among the embeddings. */
#include <cbtm/cluster.h>

static int fit(const void *options, const struct cbtm_points *points, size_t k, uint64_t seed,
               float *centre, int *centres_made, double *price, uint32_t *cluster, void **state,
               struct cbtm_fit_report *report, struct cbtm_error *e)
{
	(void)options, (void)points, (void)k, (void)seed, (void)centre, (void)centres_made;
	(void)price, (void)cluster, (void)state, (void)report, (void)e;
	return 0;
}

CBTM_EXPORT const struct cbtm_cluster cbtm_plugin = { .plugin = { .abi = CBTM_ABI,
	                                                              .size = sizeof cbtm_plugin,
	                                                              .kind = "cluster",
	                                                              .name = "misplaced",
	                                                              .version = 1,
	                                                              .description = "misplaced" },
	                                                  .fit = fit };
