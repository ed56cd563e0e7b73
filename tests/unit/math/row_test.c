/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/row.h"
#include "math/simd.h"
#include "oracle.h"
#include <math.h>
#include <string.h>

enum { D = 131 };

/* The definition, element by element: which partial sum each goes to. */
static double dot(const float *a, const float *b, size_t d)
{
	double sum[4] = { 0 };
	for (size_t i = 0; i < d; i++)
		sum[i < d - d % 4 ? i % 4 : 0] += (double)a[i] * b[i];
	return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static void test_every_instruction_set_gives_the_same_sums(void **state)
{
	(void)state;
	float a[D], b[D];
	oracle_points(POINTS_RANDOM, D, 1, 1, a);
	oracle_points(POINTS_RANDOM, D, 1, 2, b);
	for (size_t d = 0; d <= D; d++) {
		double distance[3], sum[3][D] = { { 0 } };
		for (int level = SIMD_NONE; level <= SIMD_AVX512; level++) {
			simd_limit((enum simd_level)level);
			assert_true(row_dot(a, b, d) == dot(a, b, d));
			distance[level] = row_distance(a, b, d);
			row_add(sum[level], a, 3, d);
			row_add(sum[level], b, 0.1, d);
			assert_true(distance[level] == distance[0]);
			assert_memory_equal(sum[level], sum[0], sizeof sum[0]);
		}
		double plain = 0;
		for (size_t i = 0; i < d; i++) {
			plain += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
			assert_true(sum[0][i] == (0 + 3.0 * a[i]) + 0.1 * b[i]);
		}
		assert_true(fabs(plain - distance[0]) <= 1e-13 * plain);
	}
}

static void test_exponentials_are_exact_to_the_last_bits(void **state)
{
	(void)state;
	enum { N = 7003 };
	static double x[N], y[3][N];
	for (size_t i = 0; i < N; i++)
		x[i] = -(double)i * 0.1037;
	for (int level = SIMD_NONE; level <= SIMD_AVX512; level++) {
		simd_limit((enum simd_level)level);
		row_exp(x, y[level], N);
		assert_memory_equal(y[level], y[0], sizeof y[0]);
	}
	for (size_t i = 0; i < N; i++) {
		double expected = x[i] < -700 ? 0 : exp(x[i]);
		assert_true(fabs(y[0][i] - expected) <= 1e-15 * expected);
	}
	assert_true(y[0][0] == 1);
	double far[3] = { -INFINITY, -1e300, -701 };
	row_exp(far, far, 3);
	assert_true(far[0] == 0 && far[1] == 0 && far[2] == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_instruction_set_gives_the_same_sums),
		cmocka_unit_test(test_exponentials_are_exact_to_the_last_bits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
