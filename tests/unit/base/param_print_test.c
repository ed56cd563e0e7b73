/* SPDX-License-Identifier: MIT */
#include "base/param.h"
#include "param_table.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_equal_values_print_alike(void **state)
{
	(void)state;
	static const char *const rows[][3] = {
		{ "tokens", "6M", "6000000" },
		{ "tokens", "6000K", "6000000" },
		{ "tokens", "0.006G", "6000000" },
		{ "lr", "0.003", "0.003" },
		{ "lr", "3e-3", "0.003" },
		{ "lr", "3.00E-3", "0.003" },
		{ "lr", "1", "1" },
		{ "lr", "1.0", "1" },
		{ "budget.ratio", "-0", "0" },
		{ "budget.ratio", "100000", "100000" },
		{ "shift", "-007", "-7" },
		{ "exact", "false", "false" },
		{ "rule", "nearest", "nearest" },
		{ "rule", "priced", "priced" },
		{ "text", " as it is, [really] ", " as it is, [really] " },
		{ "temperature", "0.05, 1e-1", "[0.05,0.1]" },
		{ "temperature", "[]", "[]" },
		{ "top_k", "01,2,4", "[1,2,4]" },
		{ "names", "b, a", "[b,a]" },
		{ "names", "\"b\",a", "[b,a]" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct cbtm_error e = { 0 };
		struct options o = { 0 };
		struct buffer b = { 0 };
		struct arena *a = arena_new(&e);
		const struct cbtm_param *p = param_find(options_table, rows[i][0]);
		assert_int_equal(param_parse(p, rows[i][1], &o, a, CBTM_ERR_USAGE, "w", &e), 0);
		assert_int_equal(param_print(p, &o, &b, &e), 0);
		assert_string_equal(b.data, rows[i][2]);
		buffer_free(&b);
		arena_free(a);
	}
}

static void test_different_lists_print_differently(void **state)
{
	(void)state;
	static const char *const lists[][2] = { { "a,b", NULL }, { "a", "b" },   { "\"a", "b\"" },
		                                    { "", NULL },    { "[a", "b]" }, { "a\\", "b" },
		                                    { " a", "b" } };
	struct buffer texts[7] = { { 0 } };
	struct cbtm_error e = { 0 };
	for (size_t i = 0; i < 7; i++) {
		struct options o = { .names = { lists[i], lists[i][1] ? 2 : 1 } };
		assert_int_equal(param_print(param_find(options_table, "names"), &o, &texts[i], &e), 0);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(texts[i].data, texts[j].data);
	}
	for (size_t i = 0; i < 7; i++)
		buffer_free(&texts[i]);
}

static void test_a_choice_out_of_its_table_is_our_bug(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct options o = { .rule = 2 };
	struct buffer b = { 0 };
	assert_int_equal(param_print(param_find(options_table, "rule"), &o, &b, &e), CBTM_ERR_INTERNAL);
	o.rule = -1;
	assert_int_equal(param_print(param_find(options_table, "rule"), &o, &b, &e), CBTM_ERR_INTERNAL);
	buffer_free(&b);
}

static void test_what_is_allowed_in_words(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "exact", "true or false" },
		{ "rule", "one of nearest, priced" },
		{ "dims", "a count, 1 to 4096" },
		{ "tokens", "a count, 1 or more" },
		{ "free", "a count" },
		{ "shift", "an integer" },
		{ "lr", "a number, 1e-09 to 1" },
		{ "path", "a text" },
		{ "top_k", "a list of counts, each 1 to 64" },
		{ "temperature", "a list of numbers, each 0 to 10" },
		{ "names", "a list of texts" },
	};
	struct cbtm_param endless = { .type = CBTM_PARAM_REAL, .min = 0.5, .max = INFINITY };
	char text[64];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		param_allowed(param_find(options_table, rows[i][0]), text, sizeof text);
		assert_string_equal(text, rows[i][1]);
	}
	param_allowed(&endless, text, sizeof text);
	assert_string_equal(text, "a number, 0.5 or more");
	param_allowed(param_find(options_table, "rule"), text, 12);
	assert_string_equal(text, "one of near");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_values_print_alike),
		cmocka_unit_test(test_different_lists_print_differently),
		cmocka_unit_test(test_a_choice_out_of_its_table_is_our_bug),
		cmocka_unit_test(test_what_is_allowed_in_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
