/* SPDX-License-Identifier: MIT */
#include "text/strings.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_strings_are_numbered_in_the_order_they_came(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct strings s = { 0 };
	uint32_t number;
	char text[16];
	assert_int_equal(strings_find(&s, "a", 1), STRINGS_NONE);
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 5000; i++) {
			int n = snprintf(text, sizeof text, "%u", i);
			assert_int_equal(strings_add(&s, text, (size_t)n, &number, &e), 0);
			assert_int_equal(number, i);
		}
	assert_int_equal(s.n, 5000);
	assert_int_equal(strings_find(&s, "4999", 4), 4999);
	assert_int_equal(strings_find(&s, "499", 3), 499);
	assert_int_equal(strings_find(&s, "5000", 4), STRINGS_NONE);
	size_t n;
	assert_memory_equal(strings_get(&s, 123, &n), "123", 3);
	assert_int_equal(n, 3);
	strings_free(&s);
}

static void test_empty_and_nul_strings_are_strings(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct strings s = { 0 };
	uint32_t a, b, c;
	size_t n;
	strings_add(&s, "", 0, &a, &e);
	strings_add(&s, "\0", 1, &b, &e);
	strings_add(&s, "", 0, &c, &e);
	assert_int_equal(a, 0);
	assert_int_equal(b, 1);
	assert_int_equal(c, 0);
	strings_get(&s, 0, &n);
	assert_int_equal(n, 0);
	strings_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings_are_numbered_in_the_order_they_came),
		cmocka_unit_test(test_empty_and_nul_strings_are_strings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
