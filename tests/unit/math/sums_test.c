/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "math/dense.h"
#include "math/lloyd.h"
#include "math/sums.h"
#include "oracle.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 5000, D = 21, K = 7 };

/* Points that wander between clusters; the fewer, the later. Weights are often zero. */
static void wander(uint32_t *cluster, int step)
{
	struct random_key key = random_key((uint64_t)step, RANDOM_TEST);
	for (size_t i = 0; i < N; i++)
		if (step == 0 || random_below(key, i, 0, (uint64_t)step * 3) == 0)
			cluster[i] = (uint32_t)random_below(key, i, 1, step == 2 ? 3 : K);
}

static void test_means_and_objective_are_those_of_all_points(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float *x = malloc(N * D * sizeof *x), centre[K * D], fresh[K * D];
	uint32_t *cluster = malloc(N * sizeof *cluster), *before = malloc(N * sizeof *before);
	uint64_t *weight = malloc(N * sizeof *weight);
	oracle_points(POINTS_RANDOM, N, D, 3, x);
	for (size_t i = 0; i < N; i++)
		weight[i] = i % 4;
	for (int weighted = 0; weighted < 2; weighted++) {
		struct cbtm_sums *s = sums_new(NULL, x, N, D, weighted ? weight : NULL, K, &e);
		assert_non_null(s);
		for (int step = 0; step < 6; step++) {
			size_t moved, other = 0;
			double objective = 0;
			memcpy(before, cluster, N * sizeof *before);
			wander(cluster, step);
			assert_int_equal(sums_move(NULL, s, cluster, &moved, &e), 0);
			for (size_t i = 0; i < N; i++)
				other += step == 0 || cluster[i] != before[i];
			assert_int_equal(moved, other);
			memset(centre, 0, sizeof centre);
			memset(fresh, 0, sizeof fresh);
			sums_means(s, centre);
			assert_int_equal(lloyd_means(NULL, x, N, D, weighted ? weight : NULL, cluster, K, fresh,
			                             NULL, NULL, &e),
			                 0);
			for (size_t i = 0; i < K * D; i++)
				assert_true(fabsf(centre[i] - fresh[i]) <= 1e-6f);
			for (size_t i = 0; i < N; i++)
				objective += (weighted ? (double)weight[i] : 1) *
				             dense_distance(x + i * D, centre + cluster[i] * D, D);
			assert_true(fabs(sums_objective(s, centre) - objective) <= 1e-11 * objective);
		}
		sums_free(s);
	}
	free(weight), free(before), free(cluster), free(x);
}

static void test_threads_change_no_bit(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(3, &e);
	float *x = malloc(N * D * sizeof *x), centre[K * D] = { 0 }, other[K * D] = { 0 };
	uint32_t *cluster = malloc(N * sizeof *cluster);
	size_t moved;
	oracle_points(POINTS_RANDOM, N, D, 4, x);
	struct cbtm_sums *one = sums_new(NULL, x, N, D, NULL, K, &e);
	struct cbtm_sums *three = sums_new(pool, x, N, D, NULL, K, &e);
	for (int step = 0; step < 4; step++) {
		wander(cluster, step);
		assert_int_equal(sums_move(NULL, one, cluster, &moved, &e), 0);
		assert_int_equal(sums_move(pool, three, cluster, &moved, &e), 0);
		sums_means(one, centre);
		sums_means(three, other);
		assert_memory_equal(centre, other, sizeof centre);
		assert_true(sums_objective(one, centre) == sums_objective(three, centre));
	}
	sums_free(three), sums_free(one);
	free(cluster), free(x);
	pool_free(pool);
}

/* As a whole cluster leaves, nothing of it stays behind; its centre does. */
static void test_an_emptied_cluster_keeps_its_centre(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float x[4] = { 0.1f, 0.7f, 1e7f, 3 }, centre[2] = { 5, 6 };
	uint32_t cluster[4] = { 0, 0, 1, 0 };
	size_t moved;
	struct cbtm_sums *s = sums_new(NULL, x, 4, 1, NULL, 2, &e);
	for (int turn = 0; turn < 3; turn++) {
		cluster[2] = turn != 1;
		assert_int_equal(sums_move(NULL, s, cluster, &moved, &e), 0);
		assert_int_equal(moved, turn ? 1 : 4);
		sums_means(s, centre);
		assert_true(centre[1] == 1e7f);
	}
	sums_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_means_and_objective_are_those_of_all_points),
		cmocka_unit_test(test_threads_change_no_bit),
		cmocka_unit_test(test_an_emptied_cluster_keeps_its_centre),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
