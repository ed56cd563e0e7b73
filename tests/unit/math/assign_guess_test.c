/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/assign.h"
#include "math/assign_guess.h"
#include "math/assign_prices.h"
#include "math/dense.h"
#include "math/seeding.h"
#include "oracle.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 50000, D = 4, K = 9 };

static struct cbtm_balance problem(float *x, float *centre, double *price, uint32_t *cluster)
{
	struct cbtm_error e = { 0 };
	oracle_points(POINTS_RANDOM, N, D, 5, x);
	assert_int_equal(seeding_make(NULL, CBTM_SEEDS_KMEANSPP, x, N, D, K, 5, centre, &e), 0);
	memset(price, 0, K * sizeof *price);
	return (struct cbtm_balance){
		.n = N, .d = D, .k = K, .x = x, .centre = centre, .price = price, .cluster = cluster
	};
}

/* From nothing, and again after all centres moved: a sample sees where the prices are going. */
static void test_the_optimum_lies_within_the_half_windows(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct assign_units units;
	float *x = malloc(N * D * sizeof *x), centre[K * D];
	double price[K], half[K], guess[K], spread;
	bool wild;
	uint32_t *cluster = malloc(N * sizeof *cluster), *last = malloc(N * sizeof *last);
	struct cbtm_balance b = problem(x, centre, price, cluster);
	assert_int_equal(assign_units_make(&b, &units, &e), 0);
	for (int step = 0; step < 2; step++) {
		double before[K], window = b.window;
		memcpy(before, price, sizeof before);
		memcpy(last, cluster, N * sizeof *last);
		assert_int_equal(assign_guess(NULL, &b, &units, half, &spread, &wild, &e), 0);
		assert_true(spread > 0);
		memcpy(guess, price, sizeof guess);
		assert_memory_equal(last, cluster, N * sizeof *last);
		/* Solved from where the guess began. */
		memcpy(price, before, sizeof before);
		b.window = window;
		assert_int_equal(balanced_assign(NULL, &b, &e), 0);
		assert_true(prices_within(price, guess, half, 1, K));
		assert_false(prices_within(price, before, half, 1, K));
		for (size_t j = 0; j < K * D; j++)
			centre[j] *= j < D ? 0.9f : 1.02f;
	}
	free(last), free(cluster), free(x);
}

/* A series' clusters save time only: whatever they are, the optimum is the same. */
static void test_a_wrong_last_assignment_changes_no_result(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float *x = malloc(N * D * sizeof *x), centre[K * D];
	double price[K];
	uint32_t *cluster = malloc(N * sizeof *cluster), *right = malloc(N * sizeof *right);
	struct cbtm_balance b = problem(x, centre, price, cluster);
	assert_int_equal(balanced_assign(NULL, &b, &e), 0);
	memcpy(right, cluster, N * sizeof *right);
	for (uint32_t wrong = 0; wrong < 3; wrong++) {
		for (size_t i = 0; i < N; i++)
			cluster[i] = wrong == 0 ? 0 : wrong == 1 ? UINT32_MAX : (uint32_t)(i % K);
		b.window = 1;
		assert_int_equal(balanced_assign(NULL, &b, &e), 0);
		assert_memory_equal(cluster, right, N * sizeof *right);
	}
	free(right), free(cluster), free(x);
}

/* All points lie between the centres but one, which no small sample holds. */
static void test_a_rare_spread_is_found(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct assign_units units;
	float *x = calloc(20000, sizeof *x), centre[2] = { -1, 1 };
	double price[2] = { 0 }, half[2], spread;
	bool wild;
	struct cbtm_balance b = {
		.n = 20000, .d = 1, .k = 2, .x = x, .centre = centre, .price = price
	};
	assert_int_equal(assign_units_make(&b, &units, &e), 0);
	assert_int_equal(assign_guess(NULL, &b, &units, half, &spread, &wild, &e), 0);
	assert_true(spread == 0);
	x[11] = 0.5f;
	assert_int_equal(assign_guess(NULL, &b, &units, half, &spread, &wild, &e), 0);
	assert_true(spread > 0);
	free(x);
}

static void test_what_held_a_move_back_is_widened(void **state)
{
	(void)state;
	double start[4] = { 0 }, price[4] = { 0.9, -0.3, -0.3, -0.3 }, half[4] = { 1, 1, 1, 1 };
	assign_widen(price, start, half, 4);
	assert_true(half[0] == 2 && half[1] == 1 && half[2] == 1 && half[3] == 1);
	assign_widen(start, start, half, 4);
	assert_true(half[0] == 4 && half[1] == 2 && half[2] == 2 && half[3] == 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_optimum_lies_within_the_half_windows),
		cmocka_unit_test(test_a_wrong_last_assignment_changes_no_result),
		cmocka_unit_test(test_a_rare_spread_is_found),
		cmocka_unit_test(test_what_held_a_move_back_is_widened),
	};
	dense_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
