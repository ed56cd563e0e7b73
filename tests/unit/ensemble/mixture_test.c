/* SPDX-License-Identifier: MIT */
#include "ensemble/mixture.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const double even[2] = { 0.5, 0.5 };
static const struct router two = { NULL, even, 2, 0 };

static void assert_near(double got, double want)
{
	if (!(fabs(got - want) <= 1e-6 * (1 + fabs(want))))
		fail_msg("got %.17g, want %.17g", got, want);
}

/* Two experts, three tokens, by hand. */
static const float first[3] = { -0.5f, -2.0f, -1.0f }, second[3] = { -1.5f, -0.25f, -3.0f };
static const float *const logprob[2] = { first, second };
static const double distance[6] = { 9, 9, 0.1, 0.3, 0.4, 0.2 };
static const uint8_t known[3] = { 0, 1, 1 };
static const struct mixture_document document = { 3, logprob, distance, known, 1 };

static void mix(struct mixture m, double out[3])
{
	double scratch[4];
	mixture_log_probability(&two, &m, &document, scratch, out);
}

static void test_uniform_is_the_mean_probability(void **state)
{
	(void)state;
	double out[3];
	mix((struct mixture){ .mode = MIXTURE_UNIFORM }, out);
	for (int t = 0; t < 3; t++)
		assert_near(out[t], log((exp(first[t]) + exp(second[t])) / 2));
}

static void test_context_weighs_by_distance(void **state)
{
	(void)state;
	double out[3];
	mix((struct mixture){ .mode = MIXTURE_CONTEXT, .temperature = 0.1 }, out);
	assert_near(out[0], log((exp(-0.5) + exp(-1.5)) / 2)); /* nothing known: the shares */
	double a = exp(-1.0), b = exp(-3.0);
	assert_near(out[1], log((a * exp(-2.0) + b * exp(-0.25)) / (a + b)));
	mix((struct mixture){ .mode = MIXTURE_CONTEXT, .temperature = 0.1, .top_k = 1 }, out);
	assert_near(out[1], -2.0);
	assert_near(out[2], -3.0);
}

static void test_bayes_weighs_by_what_was_seen(void **state)
{
	(void)state;
	double out[3];
	mix((struct mixture){ .mode = MIXTURE_BAYES }, out);
	assert_near(out[0], log((exp(-0.5) + exp(-1.5)) / 2));
	double a = exp(-0.5), b = exp(-1.5);
	assert_near(out[1], log((a * exp(-2.0) + b * exp(-0.25)) / (a + b)));
}

/* The chain rule: the posterior mixture's document probability is the mean of the experts'. */
static void test_bayes_multiplies_to_the_mixture_of_documents(void **state)
{
	(void)state;
	double out[3];
	mix((struct mixture){ .mode = MIXTURE_BAYES }, out);
	assert_near(out[0] + out[1] + out[2], log((exp(-3.5) + exp(-4.75)) / 2));
}

static void test_oracle_and_expert_are_one_model(void **state)
{
	(void)state;
	double out[3];
	mix((struct mixture){ .mode = MIXTURE_ORACLE }, out);
	for (int t = 0; t < 3; t++)
		assert_near(out[t], second[t]);
	mix((struct mixture){ .mode = MIXTURE_EXPERT, .expert = 0 }, out);
	for (int t = 0; t < 3; t++)
		assert_near(out[t], first[t]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uniform_is_the_mean_probability),
		cmocka_unit_test(test_context_weighs_by_distance),
		cmocka_unit_test(test_bayes_weighs_by_what_was_seen),
		cmocka_unit_test(test_bayes_multiplies_to_the_mixture_of_documents),
		cmocka_unit_test(test_oracle_and_expert_are_one_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
