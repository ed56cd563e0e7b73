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
#include <stdlib.h>
#include <string.h>

enum { N = 3001, D = 6, K = 11, STEPS = 15 };

/* Step by step the same clusters and distances, and fewer and fewer points are looked at. */
static size_t follow(enum oracle_points kind, float scale)
{
	struct cbtm_error e = { 0 };
	float *x = malloc(N * D * sizeof *x), centre[K * D], before[K * D];
	float *bound = malloc(N * sizeof *bound);
	uint32_t *cluster = calloc(N, sizeof *cluster), *plain = malloc(N * sizeof *plain);
	double *distance = malloc(N * sizeof *distance), *far = malloc(N * sizeof *far);
	size_t scanned = N;
	oracle_points(kind, N, D, 3, x);
	for (size_t i = 0; i < N * D; i++)
		x[i] *= scale;
	assert_int_equal(seeding_make(NULL, CBTM_SEEDS_RANDOM, x, N, D, K, 5, centre, &e), 0);
	for (int t = 0; t < STEPS; t++) {
		assert_int_equal(bounds_nearest(NULL, x, N, D, centre, t ? before : NULL, K, bound, cluster,
		                                distance, &scanned, &e),
		                 0);
		assert_true(t > 0 || scanned == N);
		assert_int_equal(lloyd_nearest(NULL, x, N, D, centre, K, NULL, plain, far, &e), 0);
		assert_memory_equal(cluster, plain, N * sizeof *plain);
		assert_memory_equal(distance, far, N * sizeof *far);
		memcpy(before, centre, sizeof centre);
		assert_int_equal(lloyd_means(NULL, x, N, D, NULL, cluster, K, centre, NULL, NULL, &e), 0);
	}
	free(far), free(distance), free(plain), free(cluster), free(bound), free(x);
	return scanned;
}

static void test_bounds_change_no_assignment(void **state)
{
	(void)state;
	const float scales[] = { 1e-3f, 1, 1e3f };
	for (int level = SIMD_NONE; level <= SIMD_AVX512; level++) {
		simd_limit((enum simd_level)level);
		for (int kind = POINTS_RANDOM; kind <= POINTS_SAME; kind++)
			for (size_t i = 0; i < 3; i++)
				follow((enum oracle_points)kind, scales[i]);
	}
}

static void test_bounds_spare_most_looks(void **state)
{
	(void)state;
	assert_true(follow(POINTS_CLUSTERED, 1) < N / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds_change_no_assignment),
		cmocka_unit_test(test_bounds_spare_most_looks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
