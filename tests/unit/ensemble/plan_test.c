/* SPDX-License-Identifier: MIT */
#include "ensemble/plan.h"
#include "ensemble/small.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const double temperatures[] = { 0.2, 0.05, 0.2 };
static const uint64_t top_ks[] = { 2, 1, 8, 4 };
static const double share[4] = { 0.25, 0.25, 0.25, 0.25 };

static struct mixture_plan planned(size_t k)
{
	struct cbtm_error e = { 0 };
	struct mixture_plan plan;
	small_ok(plan_make(k, temperatures, 3, top_ks, 4, &plan, &e), &e);
	return plan;
}

static void test_seed_and_experts_come_first_all_experts_last(void **state)
{
	(void)state;
	struct mixture_plan plan = planned(4);
	static const struct mixture want[] = {
		{ MIXTURE_EXPERT, 0, 0, 4 },    { MIXTURE_EXPERT, 0, 0, 0 },
		{ MIXTURE_EXPERT, 0, 0, 1 },    { MIXTURE_EXPERT, 0, 0, 2 },
		{ MIXTURE_EXPERT, 0, 0, 3 },    { MIXTURE_UNIFORM, 0, 0, 0 },
		{ MIXTURE_BAYES, 0, 0, 0 },     { MIXTURE_ORACLE, 0, 0, 0 },
		{ MIXTURE_CONTEXT, 0.2, 2, 0 }, { MIXTURE_CONTEXT, 0.05, 2, 0 },
		{ MIXTURE_CONTEXT, 0.2, 1, 0 }, { MIXTURE_CONTEXT, 0.05, 1, 0 },
		{ MIXTURE_CONTEXT, 0.2, 0, 0 }, { MIXTURE_CONTEXT, 0.05, 0, 0 },
	};
	assert_int_equal(plan.n, sizeof want / sizeof want[0]);
	for (size_t i = 0; i < plan.n; i++) {
		assert_int_equal(plan.mixtures[i].mode, want[i].mode);
		assert_true(plan.mixtures[i].temperature == want[i].temperature);
		assert_int_equal(plan.mixtures[i].top_k, want[i].top_k);
		assert_int_equal(plan.mixtures[i].expert, want[i].expert);
	}
	plan_free(&plan);
}

static void test_one_model_has_nothing_to_mix(void **state)
{
	(void)state;
	struct mixture_plan plan = planned(1);
	assert_int_equal(plan.n, 2);
	plan_free(&plan);
}

static void test_too_many_mixtures_are_an_error_not_an_overflow(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct mixture_plan plan;
	int status = plan_make(2, temperatures, SIZE_MAX / 2, top_ks, 4, &plan, &e);
	assert_int_equal(status, CBTM_ERR_MEMORY);
	plan_free(&plan);
}

/*
 * Two documents, one of each split, whose expert 1 is by far the best one on valid and the worst one
 * on test. No words: the shares weigh, so temperatures tie and a larger top_k is worse on valid.
 */
static struct evaluation *evaluated(const struct mixture_plan *plan, bool with_valid)
{
	static const float good[] = { -0.5f, -0.25f }, bad[] = { -3, -4 };
	static const float *const valid[] = { good, bad, bad, bad, bad };
	static const float *const test[] = { bad, good, good, good, good };
	static const uint32_t ids[] = { 0, 0 };
	static const char *const symbol[] = { "" };
	static const size_t symbol_size[] = { 0 };
	struct cbtm_error e = { 0 };
	struct evaluation_setup setup = { .router = { NULL, share, plan->k, 0 },
		                              .symbol = symbol,
		                              .symbol_size = symbol_size,
		                              .route_every = 1,
		                              .mixtures = plan->mixtures,
		                              .n_mixtures = plan->n };
	struct evaluation_document d[] = {
		{ .split = with_valid ? SPLIT_VALID : SPLIT_TEST,
		  .ids = ids,
		  .positions = 2,
		  .logprob = valid },
		{ .split = SPLIT_TEST, .ids = ids, .positions = 2, .logprob = test },
	};
	struct evaluation *v = evaluation_new(&setup, &e);
	assert_non_null(v);
	small_ok(evaluation_add(v, d, 2, &e), &e);
	return v;
}

static void test_valid_chooses_and_ties_go_to_the_earlier_one(void **state)
{
	(void)state;
	struct mixture_plan plan = planned(4);
	struct evaluation *v = evaluated(&plan, true);
	assert_int_equal(plan_choose(&plan, v, 2), 8);
	assert_int_equal(plan_choose(&plan, v, 1), 10);
	assert_int_equal(plan_choose(&plan, v, 0), 12);
	assert_int_equal(plan_choose(&plan, v, 3), SIZE_MAX);
	assert_int_equal(plan_answer(&plan, v), 10); /* top-1 takes expert 0 alone */
	evaluation_free(v);
	plan_free(&plan);
}

static void test_without_valid_all_experts_answer(void **state)
{
	(void)state;
	struct mixture_plan plan = planned(4);
	struct evaluation *v = evaluated(&plan, false);
	assert_int_equal(plan_answer(&plan, v), 12);
	assert_int_equal(plan_choose(&plan, v, 1), 10);
	evaluation_free(v);
	plan_free(&plan);
}

static void test_the_answer_of_one_model_is_that_model(void **state)
{
	(void)state;
	struct mixture_plan plan = planned(1);
	struct evaluation *v = evaluated(&plan, true);
	assert_int_equal(plan_answer(&plan, v), 1);
	assert_int_equal(plan_choose(&plan, v, 0), SIZE_MAX);
	evaluation_free(v);
	plan_free(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seed_and_experts_come_first_all_experts_last),
		cmocka_unit_test(test_one_model_has_nothing_to_mix),
		cmocka_unit_test(test_too_many_mixtures_are_an_error_not_an_overflow),
		cmocka_unit_test(test_valid_chooses_and_ties_go_to_the_earlier_one),
		cmocka_unit_test(test_without_valid_all_experts_answer),
		cmocka_unit_test(test_the_answer_of_one_model_is_that_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
