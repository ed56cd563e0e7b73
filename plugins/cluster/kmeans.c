/* SPDX-License-Identifier: MIT */
/* Plain k-means (Lloyd 1982), unbalanced: what balance is compared with. */
#include <cbtm/cluster.h>
#include <string.h>

static const struct cbtm_host *host;

static const struct cbtm_param params[] = { CBTM_LLOYD_ROWS("100"), CBTM_PARAM_END };

static int init(const struct cbtm_host *table, struct cbtm_error *e)
{
	(void)e;
	host = table;
	return 0;
}

/* What one run of Lloyd's algorithm works on, and the best of all runs. */
struct lloyd {
	const struct cbtm_lloyd *o;
	const struct cbtm_points *points;
	size_t k;
	float *centre, *last_centre, *best_centre; /* k x d; last: of the step before */
	uint32_t *cluster, *best_cluster;          /* n */
	float *bound;                              /* n x 2 */
	double objective, best;
	struct cbtm_sums *sums;
};

static int take_step(struct lloyd *l, uint64_t restart, uint64_t t, size_t *moved,
                     struct cbtm_fit_report *report, struct cbtm_error *e)
{
	const struct cbtm_points *p = l->points;
	if (host->assign_bounded(p->vector, p->n, p->d, l->centre, t ? l->last_centre : NULL, l->k,
	                         l->bound, l->cluster, e) ||
	    host->sums_move(l->sums, l->cluster, moved, e))
		return e->name;
	l->objective = host->sums_objective(l->sums, l->centre);
	struct cbtm_fit_step step = { .done = restart * l->o->iterations + t + 1,
		                          .most = l->o->restarts * l->o->iterations,
		                          .restart = restart,
		                          .moved = *moved,
		                          .objective = l->objective };
	return report->step(report, &step, e);
}

/* A cluster that loses all its documents keeps its centre, and may win some again. */
static int run(struct lloyd *l, uint64_t restart, uint64_t seed, struct cbtm_fit_report *report,
               struct cbtm_error *e)
{
	const struct cbtm_points *p = l->points;
	size_t moved = p->n;
	if (host->seed_centres((enum cbtm_seeding)l->o->init, p->vector, p->n, p->d, l->k, seed,
	                       l->centre, e))
		return e->name;
	l->sums = host->sums_new(p->vector, p->n, p->d, p->tokens, l->k, e);
	for (uint64_t t = 0; l->sums && t < l->o->iterations && moved; t++) {
		if (host->stop_requested()) {
			host->error(e, CBTM_ERR_STOPPED, NULL, "stopped while clustering");
			break;
		}
		if (take_step(l, restart, t, &moved, report, e))
			break;
		/* The last centres stay those that the clusters and the objective belong to. */
		memcpy(l->last_centre, l->centre, l->k * p->d * sizeof *l->centre);
		if (moved && t + 1 < l->o->iterations)
			host->sums_means(l->sums, l->centre);
	}
	host->sums_free(l->sums);
	return e->name;
}

static int fit(const void *options, const struct cbtm_points *points, size_t k, uint64_t seed,
               float *centre, int *centres_made, double *price, uint32_t *cluster, void **state,
               struct cbtm_fit_report *report, struct cbtm_error *e)
{
	size_t n = points->n, centres = k * points->d;
	struct lloyd l = {
		.o = options, .points = points, .k = k, .centre = centre, .cluster = cluster
	};
	*state = NULL;
	*centres_made = 1;
	memset(price, 0, k * sizeof *price);
	l.last_centre = host->take(centres, sizeof *l.last_centre, e);
	l.best_centre = host->take(centres, sizeof *l.best_centre, e);
	l.bound = host->take(n, 2 * sizeof *l.bound, e);
	l.best_cluster = host->take(l.o->restarts > 1 ? n : 1, sizeof *l.best_cluster, e);
	for (uint64_t r = 0; !e->name && r < l.o->restarts; r++) {
		if (run(&l, r, seed + r, report, e) || l.o->restarts == 1 || (r && l.objective >= l.best))
			continue;
		l.best = l.objective;
		memcpy(l.best_centre, centre, centres * sizeof *centre);
		memcpy(l.best_cluster, cluster, n * sizeof *cluster);
	}
	if (!e->name && l.o->restarts > 1) {
		memcpy(centre, l.best_centre, centres * sizeof *centre);
		memcpy(cluster, l.best_cluster, n * sizeof *cluster);
	}
	host->release(l.best_cluster);
	host->release(l.bound);
	host->release(l.best_centre);
	host->release(l.last_centre);
	return e->name;
}

CBTM_EXPORT const struct cbtm_cluster cbtm_plugin = {
	.plugin = { .abi = CBTM_ABI,
	            .size = sizeof cbtm_plugin,
	            .kind = "cluster",
	            .name = "kmeans",
	            .version = 3,
	            .description = "plain k-means, clusters of any size",
	            .params = params,
	            .options_size = sizeof(struct cbtm_lloyd),
	            .init = init },
	.fit = fit,
};
