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

static void test_a_cooldown_is_the_end_of_a_constant_rate(void **state)
{
	(void)state;
	struct schedule_plan p = { .steps = 100, .lr = 1, .warmup = 10, .cooldown = 20 };
	assert_int_equal(schedule_stable(&p), 80);
	assert_true(fabs(schedule_lr(&p, 5) - 0.5) < 1e-12);
	assert_true(schedule_lr(&p, 11) == 1 && schedule_lr(&p, 80) == 1 && schedule_lr(&p, 81) == 1);
	assert_true(fabs(schedule_lr(&p, 91) - 0.5) < 1e-12);
	assert_true(fabs(schedule_lr(&p, 100) - 0.05) < 1e-12);
	p.shape = COOLDOWN_ROOT;
	assert_true(fabs(schedule_lr(&p, 86) - 0.5) < 1e-12); /* a quarter is gone */
	p.cooldown = 100;                                     /* it begins in the warm-up */
	assert_int_equal(schedule_stable(&p), 0);
	assert_true(fabs(schedule_lr(&p, 5) - 0.5 * (1 - 0.2)) < 1e-12);
	p.schedule = SCHEDULE_LINEAR;
	assert_int_equal(schedule_stable(&p), 0);
}

static void test_before_its_cooldown_a_run_is_every_longer_one(void **state)
{
	(void)state;
	struct schedule_plan shorter = { .steps = 100, .lr = 3e-4, .warmup = 10, .cooldown = 20 };
	struct schedule_plan longer = { .steps = 250, .lr = 3e-4, .warmup = 10, .cooldown = 50 };
	for (uint64_t step = 1; step <= schedule_stable(&shorter); step++)
		assert_true(schedule_lr(&shorter, step) == schedule_lr(&longer, step));
	assert_true(schedule_lr(&shorter, 82) != schedule_lr(&longer, 82));
}

static void test_a_cooldown_is_a_part_of_the_tokens_or_tokens(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct schedule_plan p;
	struct phase wsd = branch;
	wsd.schedule = SCHEDULE_CONSTANT;
	wsd.cooldown = 0.25;
	schedule_plan(&wsd, "branch", MATCH_UPDATES, BUDGET_EQUAL, 1, 1, 256, &p, &e);
	assert_int_equal(p.cooldown, 61); /* of 244 */
	wsd.cooldown = 500000;
	schedule_plan(&wsd, "branch", MATCH_BATCH, BUDGET_EQUAL, 4, 1, 256, &p, &e);
	assert_int_equal(p.cooldown, 15); /* of 61 */
	assert_int_equal(e.name, CBTM_OK);
	wsd.cooldown = 2000001;
	schedule_plan(&wsd, "branch", MATCH_BATCH, BUDGET_EQUAL, 4, 1, 256, &p, &e);
	assert_int_equal(e.name, CBTM_ERR_CONFIG);
	assert_string_equal(e.where, "branch.cooldown");
	struct cbtm_error f = { 0 };
	wsd.cooldown = 0.1;
	wsd.schedule = SCHEDULE_COSINE;
	assert_int_equal(schedule_check(&wsd, "seed", &f), CBTM_ERR_CONFIG);
	assert_string_equal(f.where, "seed.cooldown");
}

static void test_no_tokens_are_no_step(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct schedule_plan p;
	struct phase none = branch;
	none.tokens = 0;
	assert_int_equal(schedule_plan(&none, "seed", MATCH_UPDATES, BUDGET_EQUAL, 1, 1, 256, &p, &e),
	                 0);
	assert_int_equal(p.steps, 0);
}

static void test_a_cut_changes_no_rate(void **state)
{
	(void)state;
	static const struct {
		enum schedule schedule;
		double cooldown;
		uint64_t tokens, end, steps, stable; /* of 100 steps of 8 x 16 tokens */
	} all[] = {
		{ SCHEDULE_LINEAR, 0, 40 * 128, 40, 100, 0 },
		{ SCHEDULE_COSINE, 0, 40 * 128 + 60, 40, 100, 0 },
		{ SCHEDULE_CONSTANT, 0.2, 80 * 128, 80, 80, 80 }, /* a shorter budget */
		{ SCHEDULE_CONSTANT, 0.2, 81 * 128, 81, 100, 80 },
		{ SCHEDULE_CONSTANT, 0, 99 * 128, 99, 99, 99 },
		{ SCHEDULE_LINEAR, 0, 100 * 128, 100, 100, 0 },
		{ SCHEDULE_LINEAR, 0, 0, 100, 100, 0 }, /* none */
	};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct cbtm_error e = { 0 };
		struct phase phase = { .tokens = 100 * 128,
			                   .batch = 8,
			                   .lr = 1,
			                   .warmup = 5,
			                   .schedule = all[i].schedule,
			                   .cooldown = all[i].cooldown };
		struct schedule_plan whole, cut;
		schedule_plan(&phase, "seed", MATCH_UPDATES, BUDGET_EQUAL, 1, 1, 16, &whole, &e);
		cut = whole;
		assert_int_equal(schedule_cut(&cut, "branch.at", all[i].tokens, 16, &e), 0);
		assert_int_equal(schedule_end(&cut), all[i].end);
		assert_int_equal(cut.steps, all[i].steps);
		assert_int_equal(schedule_stable(&cut), all[i].stable);
		for (uint64_t step = 1; step <= all[i].end; step++)
			assert_true(schedule_lr(&cut, step) == schedule_lr(&whole, step));
	}
}

static void test_a_cut_behind_the_end_is_refused(void **state)
{
	(void)state;
	struct schedule_plan p = { .steps = 100, .batch = 8 };
	struct cbtm_error e = { 0 }, f = { 0 };
	assert_int_equal(schedule_cut(&p, "branch.at", 101 * 128, 16, &e), CBTM_ERR_CONFIG);
	assert_string_equal(e.where, "branch.at");
	assert_int_equal(schedule_cut(&p, "branch.at", 63, 16, &f), CBTM_ERR_CONFIG);
	assert_non_null(strstr(f.what, "less than one batch"));
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
		cmocka_unit_test(test_a_cooldown_is_the_end_of_a_constant_rate),
		cmocka_unit_test(test_before_its_cooldown_a_run_is_every_longer_one),
		cmocka_unit_test(test_a_cooldown_is_a_part_of_the_tokens_or_tokens),
		cmocka_unit_test(test_no_tokens_are_no_step),
		cmocka_unit_test(test_a_cut_changes_no_rate),
		cmocka_unit_test(test_a_cut_behind_the_end_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
