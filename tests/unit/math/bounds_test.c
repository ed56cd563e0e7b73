/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/bounds.h"
#include "math/lloyd.h"
#include "math/seeding.h"
#include "math/simd.h"
#include "oracle.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 3001, D = 6, MOST = 60, STEPS = 15 };

/* Step by step the same clusters, and fewer and fewer points are looked at. */
static size_t follow(enum oracle_points kind, size_t k, float scale)
{
	struct cbtm_error e = { 0 };
	float *x = malloc(N * D * sizeof *x), centre[MOST * D], before[MOST * D];
	float *bound = malloc(2 * N * sizeof *bound);
	uint32_t *cluster = calloc(N, sizeof *cluster), *plain = malloc(N * sizeof *plain);
	size_t scanned = N;
	oracle_points(kind, N, D, 3, x);
	for (size_t i = 0; i < N * D; i++)
		x[i] *= scale;
	assert_int_equal(seeding_make(NULL, CBTM_SEEDS_RANDOM, x, N, D, k, 5, centre, &e), 0);
	for (int t = 0; t < STEPS; t++) {
		assert_int_equal(bounds_nearest(NULL, x, N, D, centre, t ? before : NULL, k, bound, cluster,
		                                &scanned, &e),
		                 0);
		assert_true(t > 0 || scanned == N);
		assert_int_equal(lloyd_nearest(NULL, x, N, D, centre, k, NULL, plain, NULL, &e), 0);
		assert_memory_equal(cluster, plain, N * sizeof *plain);
		memcpy(before, centre, sizeof centre);
		assert_int_equal(lloyd_means(NULL, x, N, D, NULL, cluster, k, centre, NULL, NULL, &e), 0);
	}
	free(plain), free(cluster), free(bound), free(x);
	return scanned;
}

static void test_bounds_change_no_assignment(void **state)
{
	(void)state;
	const float scales[] = { 1e-25f, 1, 1e18f };
	for (int level = SIMD_NONE; level <= SIMD_AVX512; level++) {
		simd_limit((enum simd_level)level);
		for (int kind = POINTS_RANDOM; kind <= POINTS_SAME; kind++)
			for (size_t i = 0; i < 3; i++)
				for (size_t k = 1; k <= MOST; k += k < 11 ? 10 : 49)
					follow((enum oracle_points)kind, k, scales[i]);
	}
}

static void test_bounds_spare_most_looks(void **state)
{
	(void)state;
	assert_true(follow(POINTS_CLUSTERED, 11, 1) < N / 2);
	assert_true(follow(POINTS_CLUSTERED, 60, 1) < N / 2);
}

static void test_what_is_not_finite_is_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float x[4] = { 1, 2, 3, 4 }, centre[4] = { 1, 2, 3, 4 }, bound[4];
	const float bad[3] = { NAN, INFINITY, -INFINITY };
	uint32_t cluster[2];
	size_t scanned;
	for (size_t i = 0; i < 3; i++) {
		x[2] = bad[i];
		e.name = 0;
		assert_int_equal(
			bounds_nearest(NULL, x, 2, 2, centre, NULL, 2, bound, cluster, &scanned, &e),
			CBTM_ERR_NOT_FINITE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds_change_no_assignment),
		cmocka_unit_test(test_bounds_spare_most_looks),
		cmocka_unit_test(test_what_is_not_finite_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
