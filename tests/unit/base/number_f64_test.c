/* SPDX-License-Identifier: MIT */
#include "base/number.h"
#include "base/random.h"
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_numbers_are_printed_shortest_in_one_style(void **state)
{
	(void)state;
	static const struct {
		double v;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ -0.0, "-0.0" },
		{ 3, "3" },
		{ -2.5, "-2.5" },
		{ 0.1, "0.1" },
		{ 100000, "100000" },
		{ 1e15, "1000000000000000" },
		{ 1e16, "1e+16" },
		{ 1e-4, "0.0001" },
		{ 1e-5, "1e-05" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 5e-324, "5e-324" },
		{ 1e22, "1e+22" },
		{ 1.7976931348623157e308, "1.7976931348623157e+308" },
		{ 9007199254740993, "9007199254740992" },
		{ INFINITY, "null" },
		{ NAN, "null" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[32];
		assert_int_equal(number_print_f64(rows[i].v, text), strlen(rows[i].text));
		assert_string_equal(text, rows[i].text);
	}
}

static void test_every_double_reads_back_bit_for_bit(void **state)
{
	(void)state;
	struct random_key k = random_key(5, RANDOM_TEST);
	for (uint32_t i = 0; i < 300000; i++) {
		uint64_t bits = random_u64(k, 1, i), back;
		double v, r;
		char text[32];
		memcpy(&v, &bits, 8);
		if (!isfinite(v))
			continue;
		size_t n = number_print_f64(v, text);
		assert_true(n < 32 && number_parse_f64(text, n, &r));
		memcpy(&back, &r, 8);
		assert_true(back == bits);
		assert_true(strtod(text, NULL) == v); /* and as the C library reads it */
	}
}

static void test_halfway_cases_round_to_even(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double v;
	} rows[] = {
		{ "9007199254740993", 9007199254740992.0 },
		{ "9007199254740993.0000000000000000000000000000000001", 9007199254740994.0 },
		{ "2.2250738585072011e-308", 2.2250738585072011e-308 },
		{ "1.00000000000000011102230246251565404236316680908203125", 1.0 },
		{ "1.00000000000000011102230246251565404236316680908203126", 1.0000000000000002 },
		{ "-1E-2", -0.01 },
		{ "5.", 5 },
		{ ".5", 0.5 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		double v;
		assert_true(number_parse_f64(rows[i].text, strlen(rows[i].text), &v));
		assert_true(v == rows[i].v);
	}
}

static void test_what_is_no_finite_number_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "",         "-",  "+1",    "inf",  "-inf", "nan", "NaN",
		                               "infinity", "1e", "1e400", "0x10", "1,5",  " 1",  "1 ",
		                               "1.5.",     "e5", ".",     "-.",   "--1",  "1d5" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		double v = 42;
		if (number_parse_f64(bad[i], strlen(bad[i]), &v) || v != 42)
			fail_msg("%s was taken for a number", bad[i]);
	}
}

/* Where no locale with a decimal comma is installed this tests little: C is the same everywhere. */
static void test_the_locale_has_no_say(void **state)
{
	(void)state;
	static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8",
		                                 "tr_TR.UTF-8" };
	char before[64], text[32];
	double v = 0;
	snprintf(before, sizeof before, "%s", setlocale(LC_ALL, NULL));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (setlocale(LC_ALL, names[i]))
			break;
	number_print_f64(1234.5, text);
	assert_string_equal(text, "1234.5");
	assert_true(number_parse_f64("1234.5", 6, &v) && v == 1234.5);
	assert_false(number_parse_f64("1234,5", 6, &v));
	setlocale(LC_ALL, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_printed_shortest_in_one_style),
		cmocka_unit_test(test_every_double_reads_back_bit_for_bit),
		cmocka_unit_test(test_halfway_cases_round_to_even),
		cmocka_unit_test(test_what_is_no_finite_number_is_refused),
		cmocka_unit_test(test_the_locale_has_no_say),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
