/* SPDX-License-Identifier: MIT */
#include "ensemble/match.h"
#include "ensemble/small.h"
#include "scratch.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_datasets_that_belong_together_pass(void **state)
{
	struct cbtm_error e = { 0 };
	struct small_system s;
	struct match_window window;
	small_write(*state, SMALL_K, NULL);
	small_open(*state, SMALL_K, &s);
	small_ok(match_datasets(&s.datasets, &window, &e), &e);
	assert_string_equal(window.name, "truncate");
	assert_int_equal(window.length, SMALL_WINDOW);
	small_close(&s);
}

static void test_tokens_of_another_vocabulary_are_refused(void **state)
{
	struct cbtm_error e = { 0 };
	struct small_system s;
	struct match_window window;
	small_write(*state, 1, &(struct small_options){ .vocabulary = "0123456789abcdef" });
	small_open(*state, 1, &s);
	small_refused(match_datasets(&s.datasets, &window, &e), CBTM_ERR_BAD_DATA,
	              "vocabulary is 0123456789abcdef", &e);
	assert_non_null(strstr(e.where, "tokens"));
	small_close(&s);
}

static void test_scores_of_another_window_are_refused(void **state)
{
	struct cbtm_error e = { 0 };
	struct small_system s;
	struct match_window window;
	small_write(*state, SMALL_K, &(struct small_options){ .window = "stride" });
	small_open(*state, SMALL_K, &s);
	small_refused(match_datasets(&s.datasets, &window, &e), CBTM_ERR_BAD_DATA,
	              "window is stride, truncate was expected", &e);
	assert_non_null(strstr(e.where, "scores-2"));
	small_close(&s);
}

static void test_experts_in_another_order_are_refused(void **state)
{
	struct cbtm_error e = { 0 };
	struct small_system s;
	struct match_window window;
	small_write(*state, SMALL_K, NULL);
	small_open(*state, SMALL_K, &s);
	struct dataset *first = s.expert[0];
	s.expert[0] = s.expert[1];
	s.expert[1] = first;
	small_refused(match_datasets(&s.datasets, &window, &e), CBTM_ERR_BAD_DATA,
	              "cluster is 1, 0 was expected", &e);
	assert_non_null(strstr(e.hint, "order"));
	s.expert[1] = s.expert[0];
	s.expert[0] = first;
	struct dataset *second = s.score[1];
	s.score[1] = s.score[2];
	s.score[2] = second;
	e = (struct cbtm_error){ 0 };
	small_refused(match_datasets(&s.datasets, &window, &e), CBTM_ERR_BAD_DATA,
	              "cluster is 2, 1 was expected", &e);
	small_close(&s);
}

static void test_a_missing_expert_is_refused(void **state)
{
	struct cbtm_error e = { 0 };
	struct small_system s;
	struct match_window window;
	small_write(*state, SMALL_K, NULL);
	small_open(*state, SMALL_K, &s);
	s.datasets.k = SMALL_K - 1;
	small_refused(match_datasets(&s.datasets, &window, &e), CBTM_ERR_BAD_DATA,
	              "clusters is 3, 2 was expected", &e);
	small_close(&s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_datasets_that_belong_together_pass),
		TEST(test_tokens_of_another_vocabulary_are_refused),
		TEST(test_scores_of_another_window_are_refused),
		TEST(test_experts_in_another_order_are_refused),
		TEST(test_a_missing_expert_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
