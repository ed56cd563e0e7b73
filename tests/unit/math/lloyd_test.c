/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/dense.h"
#include "math/lloyd.h"
#include "oracle.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void test_the_nearest_centre_ties_to_the_lower_one(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float x[4] = { -1, 0, 0.4f, 2 }, centre[3] = { 1, -1, 1 };
	double price[3] = { 0.5, 0, 0 }, distance[4];
	uint32_t cluster[4];
	assert_int_equal(lloyd_nearest(NULL, x, 4, 1, centre, 3, NULL, cluster, distance, &e), 0);
	const uint32_t nearest[] = { 1, 0, 0, 0 };
	assert_memory_equal(cluster, nearest, sizeof nearest);
	assert_true(distance[0] == 0 && distance[1] == 1 && distance[3] == 1);
	assert_int_equal(lloyd_nearest(NULL, x, 4, 1, centre, 3, price, cluster, NULL, &e), 0);
	const uint32_t priced[] = { 1, 1, 2, 2 };
	assert_memory_equal(cluster, priced, sizeof priced);
}

/* A row's cluster is the same whatever rows are around it, so batches change nothing. */
static void test_a_row_depends_on_itself_alone(void **state)
{
	(void)state;
	enum { N = 3000, D = 5, K = 6 };
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(2, &e);
	float *x = malloc(N * D * sizeof *x), centre[K * D];
	uint32_t *all = malloc(N * sizeof *all), one;
	oracle_points(POINTS_GRID, N, D, 1, x);
	oracle_points(POINTS_GRID, K, D, 2, centre);
	assert_int_equal(lloyd_nearest(pool, x, N, D, centre, K, NULL, all, NULL, &e), 0);
	for (size_t i = 0; i < N; i += 7) {
		assert_int_equal(lloyd_nearest(NULL, x + i * D, 1, D, centre, K, NULL, &one, NULL, &e), 0);
		assert_int_equal(one, all[i]);
	}
	free(all), free(x);
	pool_free(pool);
}

static void test_means_are_weighted_and_empty_clusters_stay(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float x[8] = { 1, 0, 3, 0, 0, 5, 0, 7 }, centre[6] = { 9, 9, 9, 9, 8, 8 };
	uint32_t cluster[4] = { 0, 0, 1, 1 };
	uint64_t weight[4] = { 1, 3, 0, 0 }, size[3], total[3];
	assert_int_equal(lloyd_means(NULL, x, 4, 2, weight, cluster, 3, centre, size, total, &e), 0);
	assert_true(centre[0] == 2.5f && centre[1] == 0);
	assert_true(centre[2] == 9 && centre[4] == 8);
	assert_true(size[1] == 2 && total[0] == 4 && total[1] == 0 && size[2] == 0);
	assert_int_equal(lloyd_means(NULL, x, 4, 2, NULL, cluster, 3, centre, NULL, NULL, &e), 0);
	assert_true(centre[0] == 2 && centre[3] == 6 && centre[5] == 8);
	cluster[2] = 3;
	assert_int_equal(lloyd_means(NULL, x, 4, 2, NULL, cluster, 3, centre, NULL, NULL, &e),
	                 CBTM_ERR_INTERNAL);
}

static void test_threads_change_no_bit_of_the_means(void **state)
{
	(void)state;
	enum { N = 20000, D = 3, K = 4 };
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(2, &e);
	float *x = malloc(N * D * sizeof *x), one[K * D] = { 0 }, two[K * D] = { 0 };
	uint32_t *cluster = malloc(N * sizeof *cluster);
	oracle_points(POINTS_RANDOM, N, D, 1, x);
	for (size_t i = 0; i < N; i++)
		cluster[i] = (uint32_t)(i % K);
	assert_int_equal(lloyd_means(NULL, x, N, D, NULL, cluster, K, one, NULL, NULL, &e), 0);
	assert_int_equal(lloyd_means(pool, x, N, D, NULL, cluster, K, two, NULL, NULL, &e), 0);
	assert_memory_equal(one, two, sizeof one);
	free(cluster), free(x);
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_nearest_centre_ties_to_the_lower_one),
		cmocka_unit_test(test_a_row_depends_on_itself_alone),
		cmocka_unit_test(test_means_are_weighted_and_empty_clusters_stay),
		cmocka_unit_test(test_threads_change_no_bit_of_the_means),
	};
	dense_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
