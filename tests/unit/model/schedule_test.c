/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "model/schedule.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct phase branch = {
	.tokens = 2000000, .batch = 32, .lr = 3e-3, .warmup = 50, .schedule = SCHEDULE_LINEAR
};

static struct schedule_plan plan(enum match match, enum budget budget, uint64_t k, double share)
{
	struct cbtm_error e = { 0 };
	struct schedule_plan p;
	assert_int_equal(schedule_plan(&branch, "branch", match, budget, k, share, 256, &p, &e), 0);
	return p;
}

static void test_experts_together_see_what_dense_sees(void **state)
{
	(void)state;
	struct schedule_plan dense = plan(MATCH_UPDATES, BUDGET_EQUAL, 1, 1);
	struct schedule_plan expert = plan(MATCH_UPDATES, BUDGET_EQUAL, 4, 0.3);
	assert_int_equal(dense.steps, 244); /* 2 M / (32 x 256) */
	assert_int_equal(expert.steps, dense.steps);
	assert_int_equal(4 * expert.steps * expert.batch, dense.steps * dense.batch);
}

static void test_match_batch_makes_fewer_updates(void **state)
{
	(void)state;
	struct schedule_plan expert = plan(MATCH_BATCH, BUDGET_EQUAL, 4, 0.3);
	assert_int_equal(expert.batch, 32);
	assert_int_equal(expert.steps, 61);
}

static void test_a_proportional_budget_follows_the_cluster(void **state)
{
	(void)state;
	assert_int_equal(plan(MATCH_UPDATES, BUDGET_PROPORTIONAL, 4, 0.5).batch, 16);
	assert_int_equal(plan(MATCH_UPDATES, BUDGET_PROPORTIONAL, 4, 0.001).batch, 1);
	assert_int_equal(plan(MATCH_BATCH, BUDGET_PROPORTIONAL, 4, 0.5).steps, 122);
}

static void test_a_batch_that_cannot_be_divided_is_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct schedule_plan p;
	assert_int_equal(
		schedule_plan(&branch, "branch", MATCH_UPDATES, BUDGET_EQUAL, 5, 0.2, 256, &p, &e),
		CBTM_ERR_CONFIG);
	assert_string_equal(e.where, "branch.batch");
}

static void test_fewer_tokens_than_a_batch_are_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct schedule_plan p;
	struct phase tiny = branch;
	tiny.tokens = 1000;
	assert_int_equal(schedule_plan(&tiny, "branch", MATCH_UPDATES, BUDGET_EQUAL, 1, 1, 256, &p, &e),
	                 CBTM_ERR_CONFIG);
	assert_string_equal(e.where, "branch.tokens");
}

static void test_the_rate_rises_then_falls(void **state)
{
	(void)state;
	struct schedule_plan p = { .steps = 100, .lr = 1, .warmup = 10, .schedule = SCHEDULE_LINEAR };
	assert_true(fabs(schedule_lr(&p, 1) - 0.1) < 1e-12);
	assert_true(fabs(schedule_lr(&p, 10) - 1) < 1e-12);
	assert_true(fabs(schedule_lr(&p, 11) - 1) < 1e-12);
	assert_true(fabs(schedule_lr(&p, 56) - 0.5) < 1e-12);
	assert_true(schedule_lr(&p, 100) > 0 && schedule_lr(&p, 100) < 0.02);
	p.schedule = SCHEDULE_CONSTANT;
	assert_true(schedule_lr(&p, 100) == 1);
	p.schedule = SCHEDULE_COSINE;
	assert_true(fabs(schedule_lr(&p, 56) - 0.5) < 1e-12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_experts_together_see_what_dense_sees),
		cmocka_unit_test(test_match_batch_makes_fewer_updates),
		cmocka_unit_test(test_a_proportional_budget_follows_the_cluster),
		cmocka_unit_test(test_a_batch_that_cannot_be_divided_is_refused),
		cmocka_unit_test(test_fewer_tokens_than_a_batch_are_refused),
		cmocka_unit_test(test_the_rate_rises_then_falls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
