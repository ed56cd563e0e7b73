/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugin/cluster.h"
#include "stage/host.h"
#include <string.h>

static const struct plugin_search built = { TEST_BUILD_DIR "/plugins", NULL };

static void test_functions_that_are_missing_do_nothing(void **state)
{
	(void)state;
	const struct cbtm_cluster *cluster = NULL;
	struct cbtm_error e = { 0 };
	void *s = &e;
	assert_int_equal(cluster_open("random", &built, &cluster, &e), 0);
	assert_null(cluster->save);
	assert_int_equal(cluster_save(cluster, NULL, NULL, &e), 0);
	assert_int_equal(cluster_load(cluster, NULL, NULL, &s, &e), 0);
	assert_null(s);
	cluster_free(cluster, NULL);
}

static void test_another_kind_is_not_found(void **state)
{
	(void)state;
	const struct cbtm_cluster *cluster = NULL;
	struct cbtm_error e = { 0 };
	assert_int_equal(cluster_open("tfidf-svd", &built, &cluster, &e), CBTM_ERR_PLUGIN);
	assert_null(cluster);
}

/* n documents of one domain each, as metadata writes it. */
static void assign(const struct cbtm_cluster *plugin, const void *options, size_t n,
                   const char *const *meta, size_t k, uint32_t *cluster, struct cbtm_error *e)
{
	struct cbtm_document document[16];
	struct cbtm_points points = { .n = n, .d = 1, .document = document };
	struct cbtm_fit_report report = { 0 };
	float centre[16];
	double price[16];
	int made = 1;
	void *s = NULL;
	for (size_t i = 0; i < n; i++)
		document[i] =
			(struct cbtm_document){ .key = 77 * i, .meta = meta[i], .meta_size = strlen(meta[i]) };
	if (!plugin->fit(options, &points, k, 1, centre, &made, price, cluster, &s, &report, e))
		assert_int_equal(made, 0);
	cluster_free(plugin, s);
}

static void test_metadata_clusters_by_the_most_frequent_values(void **state)
{
	(void)state;
	const char *meta[] = { "{\"domain\":\"b\"}",
		                   "{\"x\":{\"domain\":\"b\"},\"domain\": \"a\"}",
		                   "{\"domain\":\"b\"}",
		                   "{\"y\":\"\\\"domain\\\":\",\"domain\":\"a\"}",
		                   "{\"domain\":\"c\"}",
		                   "{\"domain\":\"b\",\"domain\":\"a\"}",
		                   "{}" };
	const char *field = "domain";
	const struct cbtm_cluster *plugin = NULL;
	struct cbtm_error e = { 0 };
	uint32_t cluster[7];
	assert_int_equal(cluster_open("metadata", &built, &plugin, &e), 0);
	assert_string_equal(plugin->plugin.params[0].name, "field");
	assign(plugin, &field, 7, meta, 2, cluster, &e);
	assert_int_equal(e.name, 0);
	const uint32_t expected[] = { 0, 1, 0, 1, 9, 0, 9 }; /* 9: by key */
	for (size_t i = 0; i < 7; i++)
		assert_true(expected[i] == 9 ? cluster[i] < 2 : cluster[i] == expected[i]);
	assign(plugin, &field, 7, meta, 4, cluster, &e);
	assert_int_equal(e.name, CBTM_ERR_TOO_MANY_CLUSTERS);
	assert_non_null(strstr(e.what, "4 clusters"));
	assert_non_null(strstr(e.what, "there are 3"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions_that_are_missing_do_nothing),
		cmocka_unit_test(test_another_kind_is_not_found),
		cmocka_unit_test(test_metadata_clusters_by_the_most_frequent_values),
	};
	host_start(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
