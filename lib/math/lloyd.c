/* SPDX-License-Identifier: MIT */
#include "math/lloyd.h"
#include "base/memory.h"
#include "math/dense.h"
#include "math/row.h"
#include "math/scan.h"
#include <stdlib.h>

struct nearest_work {
	struct scan scan;
	struct dense_chunks chunks;
	uint32_t *cluster;
	double *distance;
};

static int nearest_row(void *arg, size_t row, size_t count, const uint32_t *cluster,
                       const double *v, struct cbtm_error *e)
{
	(void)e;
	struct nearest_work *w = arg;
	const struct scan *s = &w->scan;
	size_t best = 0;
	for (size_t i = 1; i < count; i++) {
		double least = v[best] + (s->price ? s->price[cluster[best]] : 0);
		if (v[i] + (s->price ? s->price[cluster[i]] : 0) < least)
			best = i;
	}
	w->cluster[row] = cluster[best];
	if (w->distance)
		w->distance[row] =
			dense_distance(s->x + row * s->d, s->centre + cluster[best] * s->d, s->d);
	return 0;
}

static int nearest_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread;
	struct nearest_work *w = arg;
	return scan_rows(&w->scan, dense_chunk_start(&w->chunks, i),
	                 dense_chunk_start(&w->chunks, i + 1), nearest_row, w, e);
}

int lloyd_nearest(struct pool *pool, const float *x, size_t n, size_t d, const float *centre,
                  size_t k, const double *price, uint32_t *cluster, double *distance,
                  struct cbtm_error *e)
{
	struct nearest_work w = {
		.scan = { .x = x, .n = n, .d = d, .centre = centre, .k = k, .price = price },
		.chunks = dense_chunks(n, 1024, 256),
		.cluster = cluster,
		.distance = distance
	};
	if (!scan_open(&w.scan, e))
		pool_run(pool, w.chunks.count, nearest_chunk, &w, e);
	scan_close(&w.scan);
	return e->name;
}

struct means_work {
	const float *x;
	const uint64_t *weight;
	const uint32_t *cluster;
	size_t d, k;
	struct dense_chunks chunks;
	double *sum;     /* chunks x k x d */
	uint64_t *size;  /* chunks x k */
	uint64_t *total; /* chunks x k */
};

static int means_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread;
	struct means_work *w = arg;
	size_t d = w->d, to = dense_chunk_start(&w->chunks, i + 1);
	for (size_t r = dense_chunk_start(&w->chunks, i); r < to; r++) {
		size_t c = w->cluster[r];
		uint64_t weight = w->weight ? w->weight[r] : 1;
		if (c >= w->k)
			return error_set(e, CBTM_ERR_INTERNAL, NULL, "point %zu lies in cluster %zu of %zu", r,
			                 c, w->k);
		double *sum = w->sum + (i * w->k + c) * d;
		row_add(sum, w->x + r * d, (double)weight, d);
		w->size[i * w->k + c]++;
		w->total[i * w->k + c] += weight;
	}
	return 0;
}

/* Adds the chunks up in their order. */
static void means_of(const struct means_work *w, size_t j, float *centre, uint64_t *size,
                     uint64_t *total)
{
	double *sum = w->sum + j * w->d;
	for (size_t i = 1; i < w->chunks.count; i++) {
		for (size_t t = 0; t < w->d; t++)
			sum[t] += w->sum[(i * w->k + j) * w->d + t];
		w->size[j] += w->size[i * w->k + j];
		w->total[j] += w->total[i * w->k + j];
	}
	for (size_t t = 0; w->total[j] && t < w->d; t++)
		centre[j * w->d + t] = (float)(sum[t] / (double)w->total[j]);
	if (size)
		size[j] = w->size[j];
	if (total)
		total[j] = w->total[j];
}

int lloyd_means(struct pool *pool, const float *x, size_t n, size_t d, const uint64_t *weight,
                const uint32_t *cluster, size_t k, float *centre, uint64_t *size, uint64_t *total,
                struct cbtm_error *e)
{
	struct means_work w = { x, weight, cluster, d, k, dense_chunks(n, 1024, 16), NULL, NULL, NULL };
	size_t sums = (w.chunks.count ? w.chunks.count : 1) * k;
	w.sum = mem_zeroed(sums, d * sizeof *w.sum, "means", e);
	w.size = mem_zeroed(sums, sizeof *w.size, "means", e);
	w.total = mem_zeroed(sums, sizeof *w.total, "means", e);
	if (e->name || pool_run(pool, w.chunks.count, means_chunk, &w, e))
		goto done;
	for (size_t j = 0; j < k; j++)
		means_of(&w, j, centre, size, total);
done:
	free(w.total), free(w.size), free(w.sum);
	return e->name;
}
