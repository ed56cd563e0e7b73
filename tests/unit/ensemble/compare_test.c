/* SPDX-License-Identifier: MIT */
#include "base/random.h"
#include "ensemble/compare.h"
#include "ensemble/small.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DOCUMENTS = 200, RESAMPLES = 1000 };

static double a[DOCUMENTS], b[DOCUMENTS];
static uint64_t tokens[DOCUMENTS];

/* Losses of b, and of a that are better by `gain` a token on average, with noise. */
static void draw(double gain, double noise)
{
	struct random_key key = random_key(3, RANDOM_TEST);
	for (uint64_t i = 0; i < DOCUMENTS; i++) {
		tokens[i] = 20 + random_below(key, i, 0, 100);
		b[i] = (double)tokens[i] * (3 + random_normal(key, i, 1));
		a[i] = b[i] - (double)tokens[i] * (gain + noise * random_normal(key, i, 3));
	}
}

static struct comparison compared(const double *x, const double *y, size_t n)
{
	struct cbtm_error e = { 0 };
	struct comparison c;
	small_ok(compare_paired(x, y, tokens, n, RESAMPLES, &c, &e), &e);
	return c;
}

static void test_the_ratio_is_of_perplexities_over_all_tokens(void **state)
{
	(void)state;
	draw(0.1, 0.2);
	double x = 0, y = 0, n = 0;
	for (int i = 0; i < DOCUMENTS; i++) {
		x += a[i];
		y += b[i];
		n += (double)tokens[i];
	}
	struct comparison c = compared(a, b, DOCUMENTS);
	small_near(c.ratio, exp(x / n) / exp(y / n), 1e-12);
	assert_int_equal(c.documents, DOCUMENTS);
}

static void test_equal_systems_have_ratio_one_and_no_width(void **state)
{
	(void)state;
	draw(0, 0);
	struct comparison c = compared(a, b, DOCUMENTS);
	assert_true(c.ratio == 1 && c.low == 1 && c.high == 1);
}

/* The normal approximation of a mean's interval is a second way to it. */
static void test_the_interval_is_as_wide_as_theory_says(void **state)
{
	(void)state;
	draw(0.02, 0.1);
	struct comparison c = compared(a, b, DOCUMENTS);
	double n = 0, variance = 0;
	for (int i = 0; i < DOCUMENTS; i++)
		n += (double)tokens[i];
	for (int i = 0; i < DOCUMENTS; i++) {
		double rest = a[i] - b[i] - log(c.ratio) * (double)tokens[i];
		variance += rest * rest;
	}
	double half = 1.96 * sqrt(variance) / n;
	assert_true(c.low < c.ratio && c.ratio < c.high);
	small_near((log(c.high) - log(c.low)) / 2, half, 0.15 * half / (1 + half));
}

static void test_the_same_input_gives_the_same_interval(void **state)
{
	(void)state;
	draw(0.02, 0.1);
	struct comparison x = compared(a, b, DOCUMENTS), y = compared(a, b, DOCUMENTS);
	assert_true(x.low == y.low && x.high == y.high);
}

static void test_the_other_way_round_is_the_inverse(void **state)
{
	(void)state;
	draw(0.05, 0.1);
	struct comparison x = compared(a, b, DOCUMENTS), y = compared(b, a, DOCUMENTS);
	small_near(x.ratio * y.ratio, 1, 1e-12);
	small_near(x.low * y.high, 1, 1e-12);
}

static void test_one_document_is_a_point(void **state)
{
	(void)state;
	draw(0.05, 0.1);
	struct comparison c = compared(a, b, 1);
	assert_true(c.low == c.high);
	small_near(c.low, c.ratio, 1e-12);
}

static void test_nothing_to_compare_is_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct comparison c;
	int status = compare_paired(a, b, tokens, 0, RESAMPLES, &c, &e);
	small_refused(status, CBTM_ERR_BAD_DATA, "no test documents", &e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_ratio_is_of_perplexities_over_all_tokens),
		cmocka_unit_test(test_equal_systems_have_ratio_one_and_no_width),
		cmocka_unit_test(test_the_interval_is_as_wide_as_theory_says),
		cmocka_unit_test(test_the_same_input_gives_the_same_interval),
		cmocka_unit_test(test_the_other_way_round_is_the_inverse),
		cmocka_unit_test(test_one_document_is_a_point),
		cmocka_unit_test(test_nothing_to_compare_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
