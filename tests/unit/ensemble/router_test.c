/* SPDX-License-Identifier: MIT */
#include "base/random.h"
#include "ensemble/router.h"
#include "ensemble/small.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const double even[4] = { 0.25, 0.25, 0.25, 0.25 };

static void assert_near(double got, double want)
{
	if (!(fabs(got - want) <= 1e-12 * (1 + fabs(want))))
		fail_msg("got %.17g, want %.17g", got, want);
}

static void test_distances_are_squared_and_euclidean(void **state)
{
	(void)state;
	float centre[] = { 1, 0, 0, 1 }, vector[] = { 0.6f, 0.8f };
	struct router r = { centre, even, 2, 2 };
	double d[2];
	assert_true(router_distances(&r, vector, d));
	double x = 0.6f, y = 0.8f;
	assert_near(d[0], (x - 1) * (x - 1) + y * y);
	assert_near(d[1], x * x + (y - 1) * (y - 1));
}

static void test_a_zero_vector_has_no_distances(void **state)
{
	(void)state;
	float centre[] = { 1, 0, 0, 1 }, vector[] = { 0, 0 };
	struct router r = { centre, even, 2, 2 };
	double d[2];
	assert_false(router_distances(&r, vector, d));
}

static void test_weights_follow_the_formula(void **state)
{
	(void)state;
	struct router r = { NULL, even, 3, 0 };
	double d[3] = { 0.3, 0.1, 0.2 }, w[3], sum = 0;
	for (int j = 0; j < 3; j++)
		sum += exp(-d[j] / 0.1);
	router_log_weights(&r, d, 0.1, 0, w);
	for (int j = 0; j < 3; j++)
		assert_near(exp(w[j]), exp(-d[j] / 0.1) / sum);
	router_log_weights(&r, d, 0.1, 2, w);
	assert_true(w[0] == -INFINITY);
	assert_near(exp(w[1]) + exp(w[2]), 1);
	assert_near(w[1] - w[2], 1);
}

static void test_ties_go_to_the_lower_number(void **state)
{
	(void)state;
	struct router r = { NULL, even, 4, 0 };
	double d[4] = { 0.5, 0.2, 0.2, 0.2 }, w[4];
	router_log_weights(&r, d, 0.1, 2, w);
	assert_true(w[0] == -INFINITY && w[3] == -INFINITY);
	assert_near(w[1], log(0.5));
	assert_near(w[2], log(0.5));
}

static void test_without_a_known_word_the_shares_weigh(void **state)
{
	(void)state;
	const double share[3] = { 0.5, 0.0, 0.5 };
	struct router r = { NULL, share, 3, 0 };
	double w[3];
	router_log_weights(&r, NULL, 0.1, 0, w);
	assert_near(exp(w[0]), 0.5);
	assert_true(w[1] == -INFINITY);
	router_log_weights(&r, NULL, 0.1, 1, w);
	assert_near(w[0], 0);
	assert_true(w[2] == -INFINITY);
}

static void test_far_centres_and_small_temperatures_stay_finite(void **state)
{
	(void)state;
	struct router r = { NULL, even, 3, 0 };
	double d[3] = { 4, 3.999, 0 }, w[3];
	router_log_weights(&r, d, 1e-6, 0, w);
	assert_near(w[2], 0);
	assert_true(isfinite(w[0]) && w[0] < -1e6);
}

static void test_top_k_equals_brute_force(void **state)
{
	(void)state;
	struct random_key key = random_key(7, RANDOM_TEST);
	double share[9] = { 0 }, d[9], w[9];
	for (uint64_t trial = 0; trial < 500; trial++) {
		size_t k = 1 + random_below(key, trial, 0, 9), top = random_below(key, trial, 1, k + 2);
		struct router r = { NULL, share, k, 0 };
		double sum = 0, kept = 0;
		for (size_t j = 0; j < k; j++) /* few values: many ties */
			d[j] = (double)random_below(key, trial, 2 + (uint32_t)j, 4) / 4;
		router_log_weights(&r, d, 0.3, top, w);
		for (size_t j = 0; j < k; j++) {
			size_t before = 0;
			for (size_t i = 0; i < k; i++)
				before += d[i] < d[j] || (d[i] == d[j] && i < j);
			bool in = top == 0 || before < top;
			assert_int_equal(in, w[j] > -INFINITY);
			kept += in ? exp(-d[j] / 0.3) : 0;
			sum += exp(w[j]);
		}
		assert_near(sum, 1);
		assert_true(kept > 0);
	}
}

static void test_sums_of_exponentials_stay_exact_at_extremes(void **state)
{
	(void)state;
	double x[3] = { -1e30, -INFINITY, -1e30 }, none[2] = { -INFINITY, -INFINITY };
	assert_true(log_sum_exp(x, 3) == -1e30);
	assert_true(log_sum_exp(none, 2) == -INFINITY);
	double far[2] = { -1000, -1000 };
	assert_near(log_sum_exp(far, 2), -1000 + log(2));
}

static void test_a_route_sees_the_prefix_alone(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float centre[] = { 1, 0, 0, 1 };
	struct router r = { centre, even, 2, 2 };
	const char *symbol[] = { "?", "a", "b" };
	const size_t size[] = { 1, 1, 1 };
	uint32_t ids[] = { 0, 1, 2 };
	struct route_text text = { ids, 4, symbol, size };
	double d[8];
	uint8_t known[4];
	struct embed_context *context = embed_context_new(&small_embed, NULL, &e);
	assert_non_null(context);
	assert_int_equal(route_document(&r, context, &text, 1, d, known, &e), 0);
	assert_memory_equal(known, ((uint8_t[]){ 0, 0, 1, 1 }), 4);
	assert_near(d[4], 0); /* prefix "?a" */
	assert_near(d[5], 2);
	if (!(fabs(d[6] - (2 - sqrt(2))) < 1e-6)) /* prefix "?ab": the diagonal */
		fail_msg("got %g", d[6]);
	/* Every third token: position 3 looks again, 0..2 keep the empty prefix's answer. */
	assert_int_equal(route_document(&r, context, &text, 3, d, known, &e), 0);
	assert_memory_equal(known, ((uint8_t[]){ 0, 0, 0, 1 }), 4);
	embed_context_free(context);
}

static int nan_vector(void *c, float *v, struct cbtm_error *e)
{
	(void)c, (void)e;
	v[0] = v[1] = NAN;
	return 0;
}

static void test_a_vector_that_is_not_finite_is_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float centre[] = { 1, 0, 0, 1 };
	struct router r = { centre, even, 2, 2 };
	struct cbtm_embed broken = small_embed;
	broken.context_vector = nan_vector;
	struct route_text text = { NULL, 1, NULL, NULL };
	double d[2];
	uint8_t known[1];
	struct embed_context *context = embed_context_new(&broken, NULL, &e);
	assert_non_null(context);
	assert_int_equal(route_document(&r, context, &text, 1, d, known, &e), CBTM_ERR_PLUGIN);
	embed_context_free(context);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distances_are_squared_and_euclidean),
		cmocka_unit_test(test_a_zero_vector_has_no_distances),
		cmocka_unit_test(test_weights_follow_the_formula),
		cmocka_unit_test(test_ties_go_to_the_lower_number),
		cmocka_unit_test(test_without_a_known_word_the_shares_weigh),
		cmocka_unit_test(test_far_centres_and_small_temperatures_stay_finite),
		cmocka_unit_test(test_top_k_equals_brute_force),
		cmocka_unit_test(test_sums_of_exponentials_stay_exact_at_extremes),
		cmocka_unit_test(test_a_route_sees_the_prefix_alone),
		cmocka_unit_test(test_a_vector_that_is_not_finite_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
