/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/dense.h"
#include "math/seeding.h"
#include "oracle.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t distinct(const float *centre, size_t k, size_t d)
{
	size_t n = 0;
	for (size_t i = 0; i < k; i++) {
		size_t j = 0;
		while (j < i && memcmp(centre + i * d, centre + j * d, d * sizeof *centre))
			j++;
		n += j == i;
	}
	return n;
}

static void test_seeds_are_distinct_rows_in_every_far_group(void **state)
{
	(void)state;
	enum { N = 30000, D = 4, K = 3 };
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(2, &e);
	float *x = malloc(N * D * sizeof *x), centre[K * D], again[K * D];
	oracle_points(POINTS_RANDOM, N, D, 1, x);
	for (size_t i = 0; i < N; i++)
		x[i * D] += (float)(i % K) * 1000; /* three groups, far apart */
	for (uint64_t seed = 0; seed < 20; seed++) {
		int found[K] = { 0 };
		assert_int_equal(seeding_make(pool, CBTM_SEEDS_KMEANSPP, x, N, D, K, seed, centre, &e), 0);
		assert_int_equal(seeding_make(NULL, CBTM_SEEDS_KMEANSPP, x, N, D, K, seed, again, &e), 0);
		assert_memory_equal(centre, again, sizeof centre);
		for (size_t j = 0; j < K; j++)
			found[(int)((centre[j * D] + 500) / 1000)] = 1;
		assert_true(found[0] && found[1] && found[2]);
	}
	free(x);
	pool_free(pool);
}

static void test_all_distinct_rows_are_found_before_one_repeats(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float x[12] = { 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4 }, centre[12];
	for (uint64_t seed = 0; seed < 10; seed++)
		for (size_t k = 1; k <= 12; k++) {
			assert_int_equal(seeding_make(NULL, CBTM_SEEDS_KMEANSPP, x, 12, 1, k, seed, centre, &e),
			                 0);
			assert_int_equal(distinct(centre, k, 1), k < 4 ? k : 4);
		}
	assert_int_equal(seeding_make(NULL, CBTM_SEEDS_KMEANSPP, x, 12, 1, 13, 1, centre, &e),
	                 CBTM_ERR_TOO_MANY_CLUSTERS);
}

static void test_random_rows_are_never_taken_twice(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float x[9] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 }, centre[9];
	int first[9] = { 0 };
	for (uint64_t seed = 0; seed < 300; seed++) {
		assert_int_equal(seeding_make(NULL, CBTM_SEEDS_RANDOM, x, 9, 1, 9, seed, centre, &e), 0);
		assert_int_equal(distinct(centre, 9, 1), 9);
		first[(int)centre[0]]++;
	}
	for (size_t i = 0; i < 9; i++)
		assert_true(first[i] > 10);
}

static void test_farthest_rows_follow_each_other(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float x[5] = { 0, 1, 5, 9, 20 }, centre[4];
	for (uint64_t seed = 0; seed < 20; seed++) {
		assert_int_equal(seeding_make(NULL, CBTM_SEEDS_FARTHEST, x, 5, 1, 4, seed, centre, &e), 0);
		for (size_t j = 1; j < 4; j++) {
			float least[5], most = 0;
			for (size_t i = 0; i < 5; i++) {
				least[i] = 1e9f;
				for (size_t c = 0; c < j; c++)
					least[i] = fminf(least[i], fabsf(x[i] - centre[c]));
				most = fmaxf(most, least[i]);
			}
			for (size_t i = 0; i < 5; i++)
				if (x[i] == centre[j])
					assert_true(least[i] == most);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seeds_are_distinct_rows_in_every_far_group),
		cmocka_unit_test(test_all_distinct_rows_are_found_before_one_repeats),
		cmocka_unit_test(test_random_rows_are_never_taken_twice),
		cmocka_unit_test(test_farthest_rows_follow_each_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
