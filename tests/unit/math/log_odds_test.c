/* SPDX-License-Identifier: MIT */
#include "math/log_odds.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Worked by hand: 30 of 1000 words against 10 of 3000, a_0 = 100: a = 100 x 40 / 4000 = 1. */
static void test_a_case_worked_by_hand(void **state)
{
	(void)state;
	double delta = log(31.0 / 1069) - log(11.0 / 3089), variance = 1.0 / 31 + 1.0 / 11;
	double z = log_odds_z(30, 1000, 10, 3000, 100);
	assert_true(fabs(z - delta / sqrt(variance)) < 1e-12);
	assert_true(z > 5 && z < 7);
}

static void test_the_rest_sees_the_same_with_the_other_sign(void **state)
{
	(void)state;
	double z = log_odds_z(17, 900, 5, 400, LOG_ODDS_PRIOR);
	assert_true(fabs(z + log_odds_z(5, 400, 17, 900, LOG_ODDS_PRIOR)) < 1e-12);
	assert_true(fabs(log_odds_z(10, 100, 30, 300, LOG_ODDS_PRIOR)) < 1e-12);
}

/* More evidence of the same ratio counts more; the prior holds back what is rare. */
static void test_frequent_words_go_before_rare_ones(void **state)
{
	(void)state;
	double often = log_odds_z(200, 10000, 20, 10000, LOG_ODDS_PRIOR);
	double rarely = log_odds_z(10, 10000, 1, 10000, LOG_ODDS_PRIOR);
	double once = log_odds_z(1, 10000, 0, 10000, LOG_ODDS_PRIOR);
	assert_true(often > rarely && rarely > once && once > 0);
}

static void test_no_odds_are_zero(void **state)
{
	(void)state;
	assert_true(log_odds_z(0, 10, 0, 10, LOG_ODDS_PRIOR) == 0);
	assert_true(log_odds_z(7, 7, 3, 3, LOG_ODDS_PRIOR) == 0);
	assert_true(isfinite(log_odds_z(5, 10, 0, 0, LOG_ODDS_PRIOR)));
	assert_true(isfinite(log_odds_z(10, 10, 0, 5, LOG_ODDS_PRIOR)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_case_worked_by_hand),
		cmocka_unit_test(test_the_rest_sees_the_same_with_the_other_sign),
		cmocka_unit_test(test_frequent_words_go_before_rare_ones),
		cmocka_unit_test(test_no_odds_are_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
