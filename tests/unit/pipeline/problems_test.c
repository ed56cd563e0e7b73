/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "pipeline/problems.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_equal_lines_stand_once(void **state)
{
	struct problems p = { 0 };
	struct cbtm_error e = { 0 };

	(void)state;
	problems_add(&p, &e, CBTM_ERR_CONFIG, "a.yaml:1:2", "bad %d", 1);
	problems_add(&p, &e, CBTM_ERR_CONFIG, "a.yaml:1:2", "bad %d", 1);
	problems_add(&p, &e, CBTM_ERR_CONFIG, "yaml:1:2", "bad %d", 1);
	assert_int_equal(p.n, 2);
	assert_string_equal(p.text.data, "a.yaml:1:2: bad 1\nyaml:1:2: bad 1\n");
	problems_free(&p);
}

static void test_problems_of_one_kind_keep_its_name(void **state)
{
	struct problems p = { 0 };
	struct cbtm_error e = { 0 };

	(void)state;
	problems_add(&p, &e, CBTM_ERR_MISSING_INPUT, "a", "x");
	assert_int_equal(p.name, CBTM_ERR_MISSING_INPUT);
	problems_add(&p, &e, CBTM_ERR_PLUGIN, "b", "x");
	assert_int_equal(p.name, CBTM_ERR_CONFIG);
	problems_free(&p);
}

static void test_errors_become_lines_but_bugs_stay_errors(void **state)
{
	struct cbtm_error found = { 0 }, e = { 0 };
	struct problems p = { 0 };

	(void)state;
	error_set(&found, CBTM_ERR_CONFIG, "key", "is wrong");
	error_hint(&found, "mend it");
	assert_int_equal(problems_take(&p, &found, &e), 0);
	assert_int_equal(found.name, CBTM_OK);
	assert_string_equal(p.text.data, "key: is wrong (mend it)\n");
	error_set(&found, CBTM_ERR_INTERNAL, "key", "is a bug");
	assert_int_equal(problems_take(&p, &found, &e), CBTM_ERR_INTERNAL);
	problems_free(&p);
}

static void test_lines_are_sorted_by_their_places(void **state)
{
	struct problems p = { 0 };
	struct cbtm_error e = { 0 };

	(void)state;
	assert_int_equal(problems_sort(&p, "f", &e), 0);
	problems_add(&p, &e, CBTM_ERR_CONFIG, "--set", "x");
	problems_add(&p, &e, CBTM_ERR_CONFIG, "f:10:2", "x");
	problems_add(&p, &e, CBTM_ERR_CONFIG, "f:9:12", "x");
	problems_add(&p, &e, CBTM_ERR_CONFIG, "f:9:2", "y");
	problems_add(&p, &e, CBTM_ERR_CONFIG, "f:9:2", "x");
	assert_int_equal(problems_sort(&p, "f", &e), 0);
	assert_string_equal(p.text.data, "f:9:2: y\nf:9:2: x\nf:9:12: x\nf:10:2: x\n--set: x\n");
	problems_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_lines_stand_once),
		cmocka_unit_test(test_problems_of_one_kind_keep_its_name),
		cmocka_unit_test(test_lines_are_sorted_by_their_places),
		cmocka_unit_test(test_errors_become_lines_but_bugs_stay_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
