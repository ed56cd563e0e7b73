/* SPDX-License-Identifier: MIT */
#include "base/random.h"
#include "math/quantile.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { N = 5000, SHARES = 6, GROUPS = 4 };
static const double shares[SHARES] = { 0, 0.05, 0.25, 0.5, 0.999, 1 };

static int by_value(const void *left, const void *right)
{
	float a = *(const float *)left, b = *(const float *)right;
	return (a > b) - (a < b);
}

/* The quantiles of each group against those of the sorted values; backwards in every other pass. */
static void check(const float *value, const size_t *group, size_t n)
{
	struct cbtm_error e = { 0 };
	struct quantiles *q = quantiles_new(GROUPS, shares, SHARES, &e);
	assert_non_null(q);
	for (int pass = 0; pass < QUANTILE_PASSES; pass++) {
		for (size_t i = 0; i < n; i++) {
			size_t at = pass % 2 ? n - 1 - i : i;
			quantiles_add(q, group[at], value[at]);
		}
		quantiles_next(q);
	}
	for (size_t g = 0; g < GROUPS; g++) {
		float sorted[N];
		size_t m = 0;
		for (size_t i = 0; i < n; i++)
			if (group[i] == g)
				sorted[m++] = value[i];
		qsort(sorted, m, sizeof *sorted, by_value);
		for (size_t s = 0; s < SHARES; s++) {
			float x = quantiles_get(q, g, s);
			size_t rank = (size_t)ceil(shares[s] * (double)m);
			if (!m)
				assert_true(isnan(x));
			else
				assert_true(x == sorted[rank ? rank - 1 : 0]);
		}
	}
	quantiles_free(q);
}

static void test_quantiles_are_those_of_the_sorted_values(void **state)
{
	(void)state;
	static float value[N];
	static size_t group[N];
	struct random_key r = random_key(1, RANDOM_TEST);
	for (size_t i = 0; i < N; i++) {
		value[i] = (float)random_normal(r, i, 0);
		group[i] = i % 7 < 3 ? i % 7 : 0; /* group 3 is empty */
	}
	check(value, group, N);
}

static void test_ties_zeros_and_extremes(void **state)
{
	(void)state;
	static const float few[] = { 0.0f,    -0.0f,     1.0f,      1.0f, 1.0f,      INFINITY,
		                         -1e-45f, 1e-45f,    3.4e38f,   2.0f, -3.4e38f,  -INFINITY,
		                         1.0f,    1.000001f, 0.999999f, 1.0f, 0.999999f, 1.0f };
	static const size_t group[sizeof few / sizeof few[0]] = { 0 };
	for (size_t n = 0; n <= sizeof few / sizeof few[0]; n++)
		check(few, group, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles_are_those_of_the_sorted_values),
		cmocka_unit_test(test_ties_zeros_and_extremes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
