/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/assign.h"
#include "math/assign_prices.h"
#include "math/assign_wild.h"
#include "oracle.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 12000, D = 3, K = 12 };

/* Points of one size, and centres among them, of which the last two lie far off. */
static struct cbtm_balance problem(float *x, float *centre, double *price, uint32_t *cluster)
{
	oracle_points(POINTS_RANDOM, N, D, 5, x);
	memcpy(centre, x, K * D * sizeof *x);
	for (size_t t = 0; t < D; t++) {
		centre[(K - 2) * D + t] *= 1e5f;
		centre[(K - 1) * D + t] *= -1e7f;
	}
	memset(price, 0, K * sizeof *price);
	return (struct cbtm_balance){
		.n = N, .d = D, .k = K, .x = x, .centre = centre, .price = price, .cluster = cluster
	};
}

static void test_the_optimum_lies_within_the_half_windows_at_every_scale(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float *x = malloc(N * D * sizeof *x), centre[K * D];
	double price[K], half[K], guess[K], typical;
	uint32_t *cluster = malloc(N * sizeof *cluster);
	struct cbtm_balance b = problem(x, centre, price, cluster);
	assert_int_equal(assign_wild(NULL, &b, half, &typical, &e), 0);
	memcpy(guess, price, sizeof guess);
	assert_int_equal(balanced_assign(NULL, &b, &e), 0);
	assert_true(prices_within(price, guess, half, 1.5, K));
	/* Each window has the scale of its own cluster. */
	for (size_t j = 0; j < K - 2; j++)
		assert_true(half[j] > 0 && half[j] < 100 * typical);
	assert_true(half[K - 1] > 10 * half[K - 2] && half[K - 2] > 1e3 * typical);
	free(cluster), free(x);
}

static void test_prices_without_digits_are_forgotten(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float *x = malloc(N * D * sizeof *x), centre[K * D];
	double price[K], half[K], guess[K], typical;
	uint32_t *cluster = malloc(N * sizeof *cluster);
	struct cbtm_balance b = problem(x, centre, price, cluster);
	assert_int_equal(assign_wild(NULL, &b, half, &typical, &e), 0);
	memcpy(guess, price, sizeof guess);
	for (size_t j = 0; j < K; j++)
		price[j] = 1e30;
	assert_int_equal(assign_wild(NULL, &b, half, &typical, &e), 0);
	assert_memory_equal(price, guess, sizeof guess);
	free(cluster), free(x);
}

/* Far clusters and far points move the typical distance by no more than their number. */
static void test_what_lies_far_off_is_not_typical(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	double v[] = { 1, 3, 1e9, 2, 0, 5, 7, 1e30, 1e12, 1e12, 0, 1e12 };
	size_t start[] = { 0, 4, 8, 12 };
	struct border b = { .groups = 3, .entries = 12, .start = start, .v = v };
	/* 1, 5, and the third group's 1e12. */
	assert_true(assign_typical(&b, 4, &e) == 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_optimum_lies_within_the_half_windows_at_every_scale),
		cmocka_unit_test(test_prices_without_digits_are_forgotten),
		cmocka_unit_test(test_what_lies_far_off_is_not_typical),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
