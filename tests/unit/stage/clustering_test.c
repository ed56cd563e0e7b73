/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugin/cluster.h"
#include "scratch.h"
#include "stage/clustering.h"
#include "stage/host.h"
#include "stage/sample_corpus.h"
#include <math.h>
#include <string.h>

enum { ROWS = 200 };

static const struct plugin_search built = { TEST_BUILD_DIR "/plugins", NULL };
struct kmeans_options {
	uint64_t iterations, restarts;
	int init;
};

static int fit(void **state, const char *plugin, uint64_t k, bool tokens, const char *to,
               struct cbtm_error *e)
{
	struct kmeans_options options = { 20, 1, 0 };
	struct clustering c = { .plugin_options = &options,
		                    .k = k,
		                    .seed = 1,
		                    .vectors = sample_dataset(*state, "vectors"),
		                    .documents = sample_dataset(*state, "documents"),
		                    .tokens = tokens ? sample_dataset(*state, "tokens") : NULL };
	struct store_writer *w = NULL;
	assert_int_equal(cluster_open(plugin, &built, &c.plugin, e), 0);
	assert_int_equal(store_create(scratch_path(state, to), 0, store_kind_find("centres"),
	                              digest_bytes(to, strlen(to)), &w, e),
	                 0);
	if (clustering_fit(&c, w, e))
		store_leave(w);
	else
		store_seal(w, e);
	dataset_close(c.tokens), dataset_close(c.documents), dataset_close(c.vectors);
	return e->name;
}

static void load(void **state, const char *plugin, const char *from, struct centres *c)
{
	struct cbtm_error e = { 0 };
	struct store *s = NULL;
	*c = (struct centres){ .seed = 1 };
	assert_int_equal(cluster_open(plugin, &built, &c->plugin, &e), 0);
	assert_int_equal(store_open(scratch_path(state, from), 0, NULL, &s, &e), 0);
	assert_int_equal(centres_load(c, s, &e), 0);
	store_close(s);
}

/* The corpus has three directions: three clusters are those, whatever is balanced. */
static void test_fitted_centres_assign_the_three_directions(void **state)
{
	struct cbtm_error e = { 0 };
	struct centres c;
	assert_int_equal(fit(state, "kmeans", 3, false, "three", &e), 0);
	load(state, "kmeans", "three", &c);
	float x[9] = { 1, 0, 0, 0, 1, 0, 0, 0, 1 }, distance[3];
	struct cbtm_document d[3] = { { .key = 1 }, { .key = 2 }, { .key = 3 } };
	uint32_t cluster[3];
	assert_true(c.k == 3 && c.d == SAMPLE_DIMS);
	assert_int_equal(centres_assign(&c, NULL, x, d, 3, cluster, distance, &e), 0);
	assert_true(cluster[0] != cluster[1] && cluster[1] != cluster[2] && cluster[0] != cluster[2]);
	for (int i = 0; i < 3; i++)
		assert_true(distance[i] < 1e-12);
	centres_free(&c);
}

static void test_zero_vectors_are_spread_by_share_and_key(void **state)
{
	struct cbtm_error e = { 0 };
	struct centres c;
	enum { N = 4000 };
	static float x[N * SAMPLE_DIMS], distance[N];
	static struct cbtm_document d[N];
	static uint32_t cluster[N], again[N];
	assert_int_equal(fit(state, "kmeans", 2, false, "two", &e), 0);
	load(state, "kmeans", "two", &c);
	assert_true(fabs(c.share[0] + c.share[1] - 1) < 1e-12);
	double first = 0;
	for (size_t i = 0; i < N; i++)
		d[i].key = i * 77;
	assert_int_equal(centres_assign(&c, NULL, x, d, N, cluster, distance, &e), 0);
	assert_int_equal(centres_assign(&c, NULL, x, d, N, again, distance, &e), 0);
	assert_memory_equal(cluster, again, sizeof again);
	for (size_t i = 0; i < N; i++)
		first += cluster[i] == 0;
	assert_true(fabs(first / N - c.share[0]) < 0.05);
	centres_free(&c);
}

/* random makes no centres: they are the means of the vectors, zero ones left out. */
static void test_missing_centres_are_means(void **state)
{
	struct cbtm_error e = { 0 };
	struct centres c;
	assert_int_equal(fit(state, "random", 1, true, "means", &e), 0);
	load(state, "random", "means", &c);
	double sum[SAMPLE_DIMS] = { 0 }, tokens = 0;
	for (uint64_t i = 0; i < ROWS; i++)
		if (i % 4 < 2 && i % 10 != 9) {
			sum[i % 3] += (double)i;
			tokens += (double)i;
		}
	for (size_t j = 0; j < SAMPLE_DIMS; j++)
		assert_true(fabs(c.centre[j] - sum[j] / tokens) < 1e-6);
	centres_free(&c);
}

static void test_prices_move_documents(void **state)
{
	struct cbtm_error e = { 0 };
	struct centres c;
	load(state, "kmeans", "three", &c);
	float x[3] = { 1, 0, 0 }, distance;
	struct cbtm_document d = { .key = 1 };
	uint32_t cluster, priced;
	assert_int_equal(centres_assign(&c, NULL, x, &d, 1, &cluster, &distance, &e), 0);
	c.price[cluster] = 100;
	assert_int_equal(centres_assign(&c, NULL, x, &d, 1, &priced, &distance, &e), 0);
	assert_int_equal(priced, cluster);
	c.priced = true;
	assert_int_equal(centres_assign(&c, NULL, x, &d, 1, &priced, &distance, &e), 0);
	assert_true(priced != cluster && fabs(distance - 2) < 1e-6);
	centres_free(&c);
}

static void test_more_clusters_than_documents_are_refused(void **state)
{
	struct cbtm_error e = { 0 };
	assert_int_equal(fit(state, "kmeans", 96, false, "many", &e), CBTM_ERR_TOO_MANY_CLUSTERS);
	assert_non_null(strstr(e.what, "96 clusters"));
	assert_non_null(strstr(e.what, "90 train documents"));
}

static int set_up(void **state)
{
	scratch_make(state);
	sample_corpus(*state, 3, ROWS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fitted_centres_assign_the_three_directions),
		cmocka_unit_test(test_zero_vectors_are_spread_by_share_and_key),
		cmocka_unit_test(test_missing_centres_are_means),
		cmocka_unit_test(test_prices_move_documents),
		cmocka_unit_test(test_more_clusters_than_documents_are_refused),
	};
	host_start(NULL);
	return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
