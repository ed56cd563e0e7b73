/* SPDX-License-Identifier: MIT */
#include "stage/clustering.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "math/dense.h"
#include "math/lloyd.h"
#include "plugin/cluster.h"
#include "stage/fit_steps.h"
#include "stage/points.h"
#include "stage/state.h"
#include <stdio.h>
#include <stdlib.h>

/* What a fit fills. */
struct fitted {
	float *centre;
	double *price;
	uint32_t *cluster;
	uint64_t *documents, *tokens; /* k: sizes */
	int centres_made;
	void *state;
	struct fit_steps steps;
};

static int count_sizes(const struct clustering *c, const struct points *p, struct fitted *f,
                       struct cbtm_error *e)
{
	for (size_t i = 0; i < p->n; i++) {
		if (f->cluster[i] >= c->k)
			return error_set(e, CBTM_ERR_PLUGIN, c->plugin->plugin.name,
			                 "fit() puts a document into cluster %u of %llu", f->cluster[i],
			                 (unsigned long long)c->k);
		f->documents[f->cluster[i]]++;
		f->tokens[f->cluster[i]] += p->tokens ? p->tokens[i] : 0;
	}
	return 0;
}

/* Centres of clusterings that made none: means, in which zero vectors do not count. */
static int make_centres(const struct clustering *c, const struct points *p, struct fitted *f,
                        struct cbtm_error *e)
{
	uint64_t *weight = mem_aligned(p->n, sizeof *weight, "centres", e);
	for (size_t i = 0; weight && i < p->n; i++)
		weight[i] = dense_is_zero(p->vector + i * p->d, p->d) ? 0 : p->tokens ? p->tokens[i] : 1;
	if (weight)
		lloyd_means(c->pool, p->vector, p->n, p->d, weight, f->cluster, c->k, f->centre, NULL, NULL,
		            e);
	free(weight);
	return e->name;
}

static int fit(const struct clustering *c, const struct points *p, struct fitted *f,
               struct cbtm_error *e)
{
	size_t k = c->k;
	struct cbtm_points points = { p->n, p->d, p->vector, p->document, p->tokens };
	f->centre = mem_zeroed(k, p->d * sizeof *f->centre, "centres", e);
	f->price = mem_zeroed(k, sizeof *f->price, "prices", e);
	f->cluster = mem_zeroed(p->n, sizeof *f->cluster, "clusters", e);
	f->documents = mem_zeroed(k, sizeof *f->documents, "sizes", e);
	f->tokens = mem_zeroed(k, sizeof *f->tokens, "sizes", e);
	if (e->name)
		return e->name;
	if (c->plugin->fit(c->plugin_options, &points, k, c->seed, f->centre, &f->centres_made,
	                   f->price, f->cluster, &f->state, &f->steps.report, e))
		return error_set(e, CBTM_ERR_PLUGIN, c->plugin->plugin.name, "fit() failed");
	if (count_sizes(c, p, f, e))
		return e->name;
	return f->centres_made ? 0 : make_centres(c, p, f, e);
}

static int put_facts(const struct clustering *c, const struct points *p, const struct fitted *f,
                     struct store_writer *out, struct cbtm_error *e)
{
	if (store_set_u64(out, "clusters", c->k, e) || store_set_u64(out, "dims", p->d, e) ||
	    store_set_text(out, "capacity", c->tokens ? "tokens" : "documents", e) ||
	    store_set_u64(out, "fitted", p->n, e) || store_set_u64(out, "zero_vectors", p->zero, e) ||
	    fit_steps_put(&f->steps, out, e))
		return e->name;
	return state_put_plugin(out, &c->plugin->plugin, c->plugin_options, e);
}

static int put(const struct clustering *c, const struct points *p, const struct fitted *f,
               struct store_writer *out, struct cbtm_error *e)
{
	struct cbtm_state_writer writer = { out };
	if (cluster_save(c->plugin, f->state, &writer, e) ||
	    store_add_column(out, "centre", STORE_F32, STORE_FIXED, p->d, e) ||
	    store_append(out, "centre", f->centre, c->k, e) ||
	    store_append(out, "price", f->price, c->k, e) ||
	    store_append(out, "documents", f->documents, c->k, e) ||
	    store_append(out, "tokens", f->tokens, c->k, e) || put_facts(c, p, f, out, e))
		return e->name;
	return store_commit(out, NULL, 0, e);
}

/* Sizes against their mean: what balance is about. */
static void report(const struct clustering *c, const struct fitted *f)
{
	const uint64_t *size = c->tokens ? f->tokens : f->documents;
	const struct cbtm_fit_step *kept = fit_steps_kept(&f->steps);
	uint64_t least = size[0], most = size[0], sum = 0;
	for (size_t j = 0; j < c->k; j++) {
		least = size[j] < least ? size[j] : least;
		most = size[j] > most ? size[j] : most;
		sum += size[j];
	}
	char steps[64] = "";
	if (kept)
		snprintf(steps, sizeof steps, ", objective %.6g after %zu steps", kept->objective,
		         f->steps.n);
	log_message(LOG_INFO, "%s: %llu clusters of %llu to %llu %s, the largest %.4g times the mean%s",
	            c->plugin->plugin.name, (unsigned long long)c->k, (unsigned long long)least,
	            (unsigned long long)most, c->tokens ? "tokens" : "documents",
	            sum ? (double)most * (double)c->k / (double)sum : 1, steps);
}

int clustering_fit(const struct clustering *c, struct store_writer *out, struct cbtm_error *e)
{
	struct points p = { 0 };
	struct fitted f = { 0 };
	struct document_sample sample;
	fit_steps_start(&f.steps);
	if (store_rows(out, "centre") == c->k) /* a resume behind the only commit */
		return 0;
	if (document_sample_make(c->documents, c->sample, c->seed, &sample, e) ||
	    points_read(&p, c->vectors, c->documents, c->tokens, &sample, !c->plugin->assign, e))
		goto done;
	if (p.n < c->k) {
		error_set(e, CBTM_ERR_TOO_MANY_CLUSTERS, "cluster.k",
		          "%llu clusters, but only %zu train documents with a known word",
		          (unsigned long long)c->k, p.n);
		goto done;
	}
	if (!fit(c, &p, &f, e) && !put(c, &p, &f, out, e))
		report(c, &f);
done:
	cluster_free(c->plugin, f.state);
	fit_steps_free(&f.steps);
	free(f.tokens), free(f.documents), free(f.cluster), free(f.price), free(f.centre);
	points_free(&p);
	return e->name;
}

/* ---------------------------------------------------------------- assignment */

static int read_column(const struct store *s, const char *column, uint64_t rows, void *out,
                       struct cbtm_error *e)
{
	struct store_reader *r = NULL;
	if (!store_reader_open(s, column, &r, e))
		store_read_rows(r, 0, rows, out, e);
	store_reader_close(r);
	return e->name;
}

static int read_shares(struct centres *c, const struct store *s, struct cbtm_error *e)
{
	char capacity[16];
	bool tokens = store_get_text(s, "capacity", capacity, sizeof capacity) && capacity[0] == 't';
	uint64_t *size = mem_zeroed(c->k, sizeof *size, "sizes", e), sum = 0;
	if (size && !read_column(s, tokens ? "tokens" : "documents", c->k, size, e)) {
		for (size_t j = 0; j < c->k; j++)
			sum += size[j];
		for (size_t j = 0; j < c->k; j++)
			c->share[j] = sum ? (double)size[j] / (double)sum : 1 / (double)c->k;
	}
	free(size);
	return e->name;
}

int centres_load(struct centres *c, const struct store *s, struct cbtm_error *e)
{
	struct store_column_info info;
	struct cbtm_state_reader *reader = NULL;
	uint64_t k = 0;
	if (!store_get_u64(s, "clusters", &k) || k == 0 || !store_column_find(s, "centre", &info) ||
	    info.rows != k || store_row_count(s, "price") != k)
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(s), "these are no %llu centres",
		                 (unsigned long long)k);
	c->k = k;
	c->d = info.width;
	c->centre = mem_aligned(c->k, c->d * sizeof *c->centre, "centres", e);
	c->price = mem_aligned(c->k, sizeof *c->price, "prices", e);
	c->share = mem_aligned(c->k, sizeof *c->share, "sizes", e);
	if (e->name || read_column(s, "centre", k, c->centre, e) ||
	    read_column(s, "price", k, c->price, e) || read_shares(c, s, e) ||
	    state_reader_open((struct store *)s, &reader, e))
		return e->name;
	cluster_load(c->plugin, c->plugin_options, reader, &c->state, e);
	state_reader_close(reader);
	return e->name;
}

void centres_free(struct centres *c)
{
	if (c->plugin)
		cluster_free(c->plugin, c->state);
	free(c->share), free(c->price), free(c->centre);
	*c = (struct centres){ 0 };
}

#define TASK_SIZE 256 /* documents that a plugin assigns at once */

struct assign_work {
	const struct centres *c;
	struct cbtm_points points;
	uint32_t *cluster;
};

static int assign_task(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)thread;
	struct assign_work *w = arg;
	const struct centres *c = w->c;
	struct cbtm_points p = w->points;
	size_t from = task * TASK_SIZE;
	p.n = p.n - from < TASK_SIZE ? p.n - from : TASK_SIZE;
	p.vector += from * p.d;
	p.document += from;
	if (c->plugin->assign(c->plugin_options, c->state, &p, c->k, c->seed, w->cluster + from, e))
		return error_set(e, CBTM_ERR_PLUGIN, c->plugin->plugin.name, "assign() failed");
	for (size_t i = 0; i < p.n; i++)
		if (w->cluster[from + i] >= c->k)
			return error_set(e, CBTM_ERR_PLUGIN, c->plugin->plugin.name,
			                 "assign() puts a document into cluster %u of %zu",
			                 w->cluster[from + i], c->k);
	return 0;
}

static uint32_t draw_cluster(const struct centres *c, uint64_t key)
{
	double left = random_unit(random_key(c->seed, RANDOM_CLUSTER), key, 0);
	uint32_t j = 0;
	for (; j + 1 < c->k && left >= c->share[j]; j++)
		left -= c->share[j];
	return j;
}

int centres_assign(const struct centres *c, struct pool *pool, const float *x,
                   const struct cbtm_document *documents, size_t n, uint32_t *cluster,
                   float *distance, struct cbtm_error *e)
{
	struct assign_work w = { c, { n, c->d, x, documents, NULL }, cluster };
	if (c->plugin->assign ? pool_run(pool, (n + TASK_SIZE - 1) / TASK_SIZE, assign_task, &w, e)
	                      : lloyd_nearest(pool, x, n, c->d, c->centre, c->k,
	                                      c->priced ? c->price : NULL, cluster, NULL, e))
		return e->name;
	for (size_t i = 0; i < n; i++) {
		if (!c->plugin->assign && dense_is_zero(x + i * c->d, c->d))
			cluster[i] = draw_cluster(c, documents[i].key);
		distance[i] = (float)dense_distance(x + i * c->d, c->centre + cluster[i] * c->d, c->d);
	}
	return 0;
}
