/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/dense.h"
#include "math/scan.h"
#include "math/simd.h"
#include "oracle.h"
#include <math.h>
#include <stdlib.h>

enum { N = 600, D = 9, K = 7 };

struct seen {
	const struct scan *s;
	size_t rows, kept;
};

/* Whatever float products did: exactly the clusters within the window, with costs in double. */
static int check_row(void *arg, size_t row, size_t count, const uint32_t *cluster, const double *v,
                     struct cbtm_error *e)
{
	struct seen *seen = arg;
	const struct scan *s = seen->s;
	double cost[K], least = INFINITY;
	(void)e;
	for (size_t j = 0; j < K; j++) {
		size_t step = s->step ? s->step : 1;
		cost[j] = s->square[j] - 2 * dense_dot(s->x + row * step * D, s->centre + j * D, D);
		least = fmin(least, cost[j] + s->price[j] + (s->half ? s->half[j] : 0));
	}
	size_t at = 0;
	for (size_t j = 0; j < K; j++) {
		if (cost[j] + s->price[j] - (s->half ? s->half[j] : 0) > least + s->window)
			continue;
		assert_true(at < count && cluster[at] == j && (count == 1 || v[at] == cost[j]));
		at++;
	}
	assert_int_equal(at, count);
	assert_int_equal(row, seen->rows++);
	seen->kept += count;
	return 0;
}

static void test_exactly_the_window_is_kept(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float *x = malloc(N * D * sizeof *x), centre[K * D];
	double price[K] = { 0, 0.5, -0.25, 1, 0, 0, 3 };
	const double windows[] = { 0, 0.01, 1, INFINITY };
	size_t kept = 0;
	for (int level = 0; level < 15; level++) {
		int kind = level / 3;
		simd_limit((enum simd_level)(level % 3));
		oracle_points((enum oracle_points)kind, N, D, 1, x);
		oracle_points((enum oracle_points)kind, K, D, 2, centre);
		for (size_t i = 0; i < 4; i++) {
			struct scan s = { .x = x,
				              .n = N,
				              .d = D,
				              .centre = centre,
				              .k = K,
				              .price = price,
				              .window = windows[i] };
			struct seen seen = { &s, 0, 0 };
			assert_int_equal(scan_open(&s, &e), 0);
			assert_int_equal(scan_rows(&s, 0, N, check_row, &seen, &e), 0);
			assert_int_equal(seen.rows, N);
			kept = seen.kept;
			scan_close(&s);
		}
		assert_int_equal(kept, N * K);
	}
	free(x);
}

/* Each cluster with a window of its own; of every third row, of all. */
static void test_half_windows_and_steps(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float x[N * D], centre[K * D];
	double price[K] = { 0, 0.5, -0.25, 1, 0, 0, 3 }, half[K] = { 0, 0.3, 0.01, 2, 0, 1, 0.7 };
	size_t none = 0, some = 0;
	for (int level = 0; level < 6; level++) {
		simd_limit((enum simd_level)(level % 3));
		oracle_points(POINTS_RANDOM, N, D, 1, x);
		oracle_points(POINTS_RANDOM, K, D, 2, centre);
		for (size_t step = 0; step < 4; step += 3) {
			struct scan s = { .x = x,
				              .n = step ? N / step : N,
				              .d = D,
				              .centre = centre,
				              .k = K,
				              .price = price,
				              .half = level < 3 ? half : NULL,
				              .step = step };
			struct seen seen = { &s, 0, 0 };
			assert_int_equal(scan_open(&s, &e), 0);
			assert_int_equal(scan_rows(&s, 0, s.n, check_row, &seen, &e), 0);
			assert_int_equal(seen.rows, s.n);
			*(level < 3 ? &some : &none) += seen.kept;
			scan_close(&s);
		}
	}
	assert_true(some > none);
}

/* Products that overflow in float, or vanish, decide nothing. */
static void test_scales_beyond_float_are_decided_in_double(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	const double scales[] = { 1e-25, 1e-12, 1e12, 1e25 };
	float x[N * D], centre[K * D];
	double price[K] = { 0 };
	for (size_t i = 0; i < 4; i++) {
		oracle_points(POINTS_RANDOM, N, D, 1, x);
		oracle_points(POINTS_RANDOM, K, D, 2, centre);
		for (size_t j = 0; j < N * D; j++)
			x[j] *= (float)scales[i];
		for (size_t j = 0; j < K * D; j++)
			centre[j] *= (float)scales[i];
		struct scan s = { .x = x,
			              .n = N,
			              .d = D,
			              .centre = centre,
			              .k = K,
			              .price = price,
			              .window = scales[i] * scales[i] / 10 };
		struct seen seen = { &s, 0, 0 };
		assert_int_equal(scan_open(&s, &e), 0);
		assert_int_equal(scan_rows(&s, 0, N, check_row, &seen, &e), 0);
		assert_int_equal(seen.rows, N);
		assert_true(seen.kept < N * K);
		scan_close(&s);
	}
}

static int never(void *arg, size_t row, size_t count, const uint32_t *cluster, const double *v,
                 struct cbtm_error *e)
{
	(void)arg, (void)row, (void)count, (void)cluster, (void)v, (void)e;
	return 0;
}

static void test_what_is_not_finite_is_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float bad[3] = { NAN, INFINITY, -INFINITY }, x[2] = { 1, 1 }, centre[2] = { 1, 1 };
	struct scan s = { .x = x, .n = 1, .d = 2, .centre = centre, .k = 1 };
	for (size_t i = 0; i < 3; i++) {
		x[1] = bad[i];
		e.name = 0;
		assert_int_equal(scan_open(&s, &e), 0);
		assert_int_equal(scan_rows(&s, 0, 1, never, NULL, &e), CBTM_ERR_NOT_FINITE);
		scan_close(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exactly_the_window_is_kept),
		cmocka_unit_test(test_half_windows_and_steps),
		cmocka_unit_test(test_scales_beyond_float_are_decided_in_double),
		cmocka_unit_test(test_what_is_not_finite_is_refused),
	};
	dense_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
