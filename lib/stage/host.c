/* SPDX-License-Identifier: MIT */
#include "stage/host.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/signals.h"
#include "math/assign.h"
#include "math/bounds.h"
#include "math/dense.h"
#include "math/lloyd.h"
#include "math/seeding.h"
#include "math/sparse.h"
#include "math/sums.h"
#include "math/svd.h"
#include "plugin/loader.h"
#include "stage/lent.h"
#include "stage/state.h"
#include "text/prefix.h"
#include "text/words.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* struct cbtm_pool is never defined: a plugin's pool is our struct pool. */
static struct pool *the_pool;

static struct pool *own(const struct cbtm_pool *p)
{
	return (struct pool *)(uintptr_t)p;
}

static void host_log(int level, const char *message)
{
	log_message(level <= 0 ? LOG_DEBUG : level == 1 ? LOG_INFO : LOG_WARNING, "%s", message);
}

static int host_error(struct cbtm_error *e, enum cbtm_error_name name, const char *where,
                      const char *what)
{
	return error_set(e, name, where, "%s", what);
}

static int host_stop_requested(void)
{
	return signals_stop_requested();
}

static void host_progress(uint64_t done, uint64_t total, const char *unit)
{
	/* A plugin says its total anew each time; the bar starts anew when that is another one. */
	static uint64_t shown_total;
	static char shown_unit[16];
	if (total != shown_total || strncmp(unit, shown_unit, sizeof shown_unit - 1)) {
		progress_finish();
		progress_start("fit", total, unit);
		shown_total = total;
		snprintf(shown_unit, sizeof shown_unit, "%s", unit);
	}
	progress_set(done, NULL);
}

static void *host_take(size_t n, size_t size, struct cbtm_error *e)
{
	return mem_aligned(n, size, "a plugin", e);
}

static struct cbtm_pool *host_pool(void)
{
	return (struct cbtm_pool *)the_pool;
}

static unsigned host_pool_threads(const struct cbtm_pool *p)
{
	return pool_threads(own(p));
}

static int host_pool_run(struct cbtm_pool *p, size_t n,
                         int (*task)(void *arg, size_t i, unsigned thread, struct cbtm_error *e),
                         void *arg, struct cbtm_error *e)
{
	return pool_run(own(p), n, task, arg, e);
}

static struct random_key plugin_key(uint64_t seed, uint32_t stream)
{
	/* Behind the purposes of cbtm itself, so that no plugin repeats their numbers. */
	return random_key(seed, (enum random_purpose)(0x10000u + stream));
}

static double host_random_unit(uint64_t seed, uint32_t stream, uint64_t key, uint32_t index)
{
	return random_unit(plugin_key(seed, stream), key, index);
}

static double host_random_normal(uint64_t seed, uint32_t stream, uint64_t key, uint32_t index)
{
	return random_normal(plugin_key(seed, stream), key, index);
}

static int host_svd(const struct cbtm_sparse *a, size_t d, uint64_t seed, float *v, double *s,
                    struct cbtm_error *e)
{
	return svd_truncated(the_pool, a, d, seed, v, s, e);
}

static int host_sparse_times_dense(const struct cbtm_sparse *a, const float *v, size_t d, float *y,
                                   struct cbtm_error *e)
{
	return sparse_times_dense(the_pool, a, v, d, y, e);
}

static int host_balanced_assign(struct cbtm_balance *problem, struct cbtm_error *e)
{
	return balanced_assign(the_pool, problem, e);
}

static int host_seed_centres(enum cbtm_seeding how, const float *x, size_t n, size_t d, size_t k,
                             uint64_t seed, float *centre, struct cbtm_error *e)
{
	return seeding_make(the_pool, how, x, n, d, k, seed, centre, e);
}

static int host_assign_nearest(const float *x, size_t n, size_t d, const float *centre, size_t k,
                               const double *price, uint32_t *cluster, double *distance,
                               struct cbtm_error *e)
{
	return lloyd_nearest(the_pool, x, n, d, centre, k, price, cluster, distance, e);
}

static int host_means(const float *x, size_t n, size_t d, const uint64_t *weight,
                      const uint32_t *cluster, size_t k, float *centre, struct cbtm_error *e)
{
	return lloyd_means(the_pool, x, n, d, weight, cluster, k, centre, NULL, NULL, e);
}

static int host_assign_bounded(const float *x, size_t n, size_t d, const float *centre,
                               const float *before, size_t k, float *bound, uint32_t *cluster,
                               struct cbtm_error *e)
{
	size_t scanned;
	return bounds_nearest(the_pool, x, n, d, centre, before, k, bound, cluster, &scanned, e);
}

static struct cbtm_sums *host_sums_new(const float *x, size_t n, size_t d, const uint64_t *weight,
                                       size_t k, struct cbtm_error *e)
{
	return sums_new(the_pool, x, n, d, weight, k, e);
}

static int host_sums_move(struct cbtm_sums *s, const uint32_t *cluster, size_t *moved,
                          struct cbtm_error *e)
{
	return sums_move(the_pool, s, cluster, moved, e);
}

static const struct cbtm_host table = {
	.abi = CBTM_ABI,
	.size = sizeof table,
	.log = host_log,
	.error = host_error,
	.stop_requested = host_stop_requested,
	.progress = host_progress,
	.take = host_take,
	.release = free,
	.pool = host_pool,
	.pool_threads = host_pool_threads,
	.pool_run = host_pool_run,
	.random_unit = host_random_unit,
	.random_normal = host_random_normal,
	.words = words_each,
	.svd = host_svd,
	.sparse_times_dense = host_sparse_times_dense,
	.normalise_rows = dense_normalise_rows,
	.balanced_assign = host_balanced_assign,
	.seed_centres = host_seed_centres,
	.state_put = state_put,
	.state_get = state_get,
	.assign_nearest = host_assign_nearest,
	.means = host_means,
	.assign_bounded = host_assign_bounded,
	.prefix_new = prefix_new,
	.prefix_free = prefix_free,
	.prefix_reset = prefix_reset,
	.prefix_add = prefix_add,
	.prefix_tail = prefix_tail,
	.sums_new = host_sums_new,
	.sums_free = sums_free,
	.sums_move = host_sums_move,
	.sums_means = sums_means,
	.sums_objective = sums_objective,
	.model_open = lent_open,
	.model_save = lent_save,
	.model_load = lent_load,
	.model_close = lent_close,
	.model_width = lent_width,
	.model_means = lent_means,
};

void host_start(struct pool *pool)
{
	dense_start();
	the_pool = pool;
	plugin_host_set(&table);
}

const struct cbtm_host *host_table(void)
{
	return &table;
}
