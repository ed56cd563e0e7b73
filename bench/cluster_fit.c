/* SPDX-License-Identifier: MIT */
/*
 * bench/cluster_fit NAME=VALUE...: fits a cluster plugin to vectors and prints one line of JSON:
 * seconds, processor seconds, objective, largest gap, iterations, bytes a point beyond the vectors.
 *   plugin=balanced-kmeans, k=8, threads=2, seed=1 and the plugin's own parameters;
 *   vectors=FILE      raw floats, rows of dims=100
 *   generate=N        instead: N unit vectors of topics in a spectrum like that of tf-idf + SVD
 *   centres=FILE      raw floats, k x dims: the first centres, in place of the plugin's seeding
 *   clusters=FILE     where each row's cluster goes, as raw uint32
 *   save=FILE         where the vectors go, as raw floats
 */
#include "base/error.h"
#include "base/memory.h"
#include "base/param.h"
#include "base/pool.h"
#include "base/progress.h"
#include "base/random.h"
#include "math/dense.h"
#include "plugin/cluster.h"
#include "plugin/loader.h"
#include "stage/fit_steps.h"
#include "stage/host.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct options {
	const char *plugin, *vectors, *centres, *clusters, *save;
	uint64_t generate, dims, k, threads, seed;
};
#define ROW(name, type, text)                                                                      \
	{                                                                                              \
#name, type, offsetof(struct options, name), text, 0, 0, NULL, "", 0, 0                    \
	}
static const struct cbtm_param table[] = { ROW(plugin, CBTM_PARAM_TEXT, "balanced-kmeans"),
	                                       ROW(vectors, CBTM_PARAM_TEXT, ""),
	                                       ROW(centres, CBTM_PARAM_TEXT, ""),
	                                       ROW(clusters, CBTM_PARAM_TEXT, ""),
	                                       ROW(save, CBTM_PARAM_TEXT, ""),
	                                       ROW(generate, CBTM_PARAM_COUNT, "0"),
	                                       ROW(dims, CBTM_PARAM_COUNT, "100"),
	                                       ROW(k, CBTM_PARAM_COUNT, "8"),
	                                       ROW(threads, CBTM_PARAM_COUNT, "2"),
	                                       ROW(seed, CBTM_PARAM_COUNT, "1"),
	                                       CBTM_PARAM_END };

static int read_file(const char *path, void *out, size_t bytes, struct cbtm_error *e)
{
	FILE *f = fopen(path, "rb");
	if (!f || fread(out, 1, bytes, f) != bytes)
		error_set(e, CBTM_ERR_MISSING_INPUT, path, "cannot read %zu bytes", bytes);
	if (f)
		fclose(f);
	return e->name;
}

static int write_file(const char *path, const void *data, size_t bytes, struct cbtm_error *e)
{
	FILE *f = fopen(path, "wb");
	if (!f || fwrite(data, 1, bytes, f) != bytes || fclose(f))
		error_set(e, CBTM_ERR_IO, path, "cannot write %zu bytes", bytes);
	return e->name;
}

/* ---------------------------------------------------------------- vectors */

/* Topics of Zipf sizes; directions and noise fall off as singular values of text do. */
enum { TOPICS = 400 };
struct generation {
	float *x;
	double *topic, *fall; /* TOPICS x d; d */
	struct dense_chunks chunks;
	size_t d;
};

static int generate_chunk(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	struct generation *g = arg;
	struct random_key key = random_key(1, RANDOM_TEST);
	for (size_t r = dense_chunk_start(&g->chunks, i); r < dense_chunk_start(&g->chunks, i + 1);
	     r++) {
		float *x = g->x + r * g->d;
		size_t topic = (size_t)pow(TOPICS, random_unit(key, r, 1000000));
		uint32_t word[4];
		for (size_t j = 0; j < g->d; j++) {
			/* Four 32-bit numbers a block; the sum of four of 16 bits is near enough to normal. */
			random_block(key, r, (uint32_t)(j / 2), word);
			const uint32_t *w = word + 2 * (j % 2);
			double sum = (w[0] & 0xffff) + (w[0] >> 16) + (w[1] & 0xffff) + (w[1] >> 16);
			double normal = (sum / 65536 - 2) * 1.7320508;
			x[j] = (float)(g->topic[topic % TOPICS * g->d + j] + 0.7 * normal * g->fall[j]);
		}
	}
	size_t from = dense_chunk_start(&g->chunks, i);
	dense_normalise_rows(g->x + from * g->d, dense_chunk_start(&g->chunks, i + 1) - from, g->d);
	return 0;
}

static int generate(struct pool *pool, float *x, size_t n, size_t d, struct cbtm_error *e)
{
	struct generation g = { .x = x, .chunks = dense_chunks(n, 1024, 1024), .d = d };
	struct random_key key = random_key(2, RANDOM_TEST);
	g.topic = mem_aligned(TOPICS, d * sizeof *g.topic, "topics", e);
	g.fall = mem_aligned(d, sizeof *g.fall, "topics", e);
	for (size_t j = 0; g.fall && j < d; j++)
		g.fall[j] = 1 / pow((double)(j + 1), 0.4);
	for (size_t t = 0; g.topic && g.fall && t < TOPICS * d; t++)
		g.topic[t] = random_normal(key, t, 0) * g.fall[t % d];
	if (!e->name)
		pool_run(pool, g.chunks.count, generate_chunk, &g, e);
	free(g.fall), free(g.topic);
	return e->name;
}

static float *vectors_of(const struct options *o, struct pool *pool, size_t *n,
                         struct cbtm_error *e)
{
	struct stat s = { 0 };
	if (*o->vectors && stat(o->vectors, &s)) {
		error_set(e, CBTM_ERR_MISSING_INPUT, o->vectors, "there is no such file");
		return NULL;
	}
	*n = *o->vectors ? (size_t)s.st_size / (o->dims * sizeof(float)) : o->generate;
	float *x = mem_aligned(*n, o->dims * sizeof *x, "vectors", e);
	if (x && *o->vectors)
		read_file(o->vectors, x, *n * o->dims * sizeof *x, e);
	else if (x)
		generate(pool, x, *n, o->dims, e);
	if (x && *o->save && !e->name)
		write_file(o->save, x, *n * o->dims * sizeof *x, e);
	return x;
}

/* ---------------------------------------------------------------- the fit */

/* The host's table with given centres in place of the seeding. */
static struct cbtm_host host;
static const char *given_centres;

static int give_centres(enum cbtm_seeding how, const float *x, size_t n, size_t d, size_t k,
                        uint64_t seed, float *centre, struct cbtm_error *e)
{
	if (*given_centres)
		return read_file(given_centres, centre, k * d * sizeof *centre, e);
	return host_table()->seed_centres(how, x, n, d, k, seed, centre, e);
}

static double processor_seconds(void)
{
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       1e-6 * (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

/* Of this program alone: ru_maxrss would start from that of the process that started it. */
static double peak_bytes(void)
{
	char line[256];
	unsigned long long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");
	while (f && !kib && fgets(line, sizeof line, f))
		if (sscanf(line, "VmHWM: %llu", &kib) != 1)
			kib = 0;
	if (f)
		fclose(f);
	return 1024.0 * (double)kib;
}

static void report(const struct options *o, size_t n, double seconds, double cpu, double before,
                   const struct fit_steps *steps)
{
	double gap = 0, vectors = (double)(n * o->dims * sizeof(float));
	for (size_t i = 0; i < steps->n; i++)
		gap = steps->step[i].gap > gap ? steps->step[i].gap : gap;
	printf("{\"n\":%zu,\"dims\":%llu,\"k\":%llu,\"threads\":%llu,\"seconds\":%.4f,"
	       "\"cpu_seconds\":%.4f,\"iterations\":%zu,\"objective\":%.17g,\"gap\":%.3g,"
	       "\"bytes_a_point\":%.1f,\"peak_gib\":%.3f}\n",
	       n, (unsigned long long)o->dims, (unsigned long long)o->k, (unsigned long long)o->threads,
	       seconds, cpu, steps->n, fit_steps_kept(steps)->objective, gap,
	       (peak_bytes() - before - vectors) / (double)n, peak_bytes() / 0x1p30);
}

static int run(const struct options *o, const struct cbtm_cluster *plugin,
               const void *plugin_options, struct pool *pool, struct cbtm_error *e)
{
	struct fit_steps steps;
	size_t n = 0;
	int made = 1;
	void *state = NULL;
	double before = peak_bytes();
	fit_steps_start(&steps);
	float *x = vectors_of(o, pool, &n, e);
	struct cbtm_document *document = mem_zeroed(n, sizeof *document, "documents", e);
	uint32_t *cluster = mem_zeroed(n, sizeof *cluster, "clusters", e);
	float *centre = mem_zeroed(o->k, o->dims * sizeof *centre, "centres", e);
	double *price = mem_zeroed(o->k, sizeof *price, "prices", e);
	if (e->name)
		goto done;
	for (size_t i = 0; i < n; i++)
		document[i].key = random_u64(random_key(3, RANDOM_TEST), i, 0);
	struct cbtm_points points = { n, o->dims, x, document, NULL };
	double start = clock_seconds(), cpu = processor_seconds();
	if (plugin->fit(plugin_options, &points, o->k, o->seed, centre, &made, price, cluster, &state,
	                &steps.report, e))
		goto done;
	report(o, n, clock_seconds() - start, processor_seconds() - cpu, before, &steps);
	if (*o->clusters)
		write_file(o->clusters, cluster, n * sizeof *cluster, e);
done:
	cluster_free(plugin, state);
	free(price), free(centre), free(cluster), free(document), free(x);
	fit_steps_free(&steps);
	return e->name;
}

static int parse(int argc, char **argv, const struct cbtm_param *rows, void *values, bool others,
                 struct arena *a, struct cbtm_error *e)
{
	for (int i = 1; i < argc; i++) {
		char name[64], *equal = strchr(argv[i], '=');
		snprintf(name, sizeof name, "%.*s", (int)strcspn(argv[i], "="), argv[i]);
		const struct cbtm_param *row = equal && rows ? param_find(rows, name) : NULL;
		if (row && param_parse(row, equal + 1, values, a, CBTM_ERR_USAGE, name, e))
			return e->name;
		if (!row && !others && !(equal && param_find(table, name)))
			return error_set(e, CBTM_ERR_USAGE, argv[i], "no such parameter");
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct cbtm_error e = { 0 };
	struct options o;
	struct plugin_search search = { "plugins", NULL };
	const struct cbtm_cluster *plugin = NULL;
	struct pool *pool = NULL;
	struct arena *a = arena_new(&e);
	void *values = NULL;
	if (!a || param_defaults(table, &o, a, &e) || parse(argc, argv, table, &o, true, a, &e))
		goto done;
	pool = pool_new((unsigned)o.threads, &e);
	host_start(pool);
	host = *host_table();
	given_centres = o.centres;
	host.seed_centres = give_centres;
	plugin_host_set(&host);
	if (e.name || cluster_open(o.plugin, &search, &plugin, &e))
		goto done;
	values = mem_zeroed(1, plugin->plugin.options_size + 1, "options", &e);
	if (!values ||
	    (plugin->plugin.params && param_defaults(plugin->plugin.params, values, a, &e)) ||
	    parse(argc, argv, plugin->plugin.params, values, false, a, &e))
		goto done;
	run(&o, plugin, values, pool, &e);
done:
	if (e.name)
		fprintf(stderr, "cluster_fit: %s: %s\n", e.where, e.what);
	free(values);
	pool_free(pool);
	arena_free(a);
	return e.name != 0;
}
