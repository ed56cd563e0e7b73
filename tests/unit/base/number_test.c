/* SPDX-License-Identifier: MIT */
#include "base/number.h"
#include "base/random.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_counts_take_suffixes_and_fractions(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{ "0", 0 },
		{ "007", 7 },
		{ "6M", 6000000 },
		{ "1.5M", 1500000 },
		{ "0.25K", 250 },
		{ "1.50K", 1500 },
		{ "3.0", 3 },
		{ "2Ki", 2048 },
		{ "0.5Mi", 524288 },
		{ "1Gi", 1073741824 },
		{ "2T", 2000000000000 },
		{ "1.000000000001T", 1000000000001 },
		{ "18446744073709551615", UINT64_MAX },
		{ "18446744.073709551615T", UINT64_MAX },
	};
	static const char *const bad[] = {
		"",
		"K",
		".5K",
		"5.",
		"5.K",
		"1.5",
		"1.0005K",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1e3",
		"1k",
		"1KK",
		"0x10",
		"1_000",
		"18446744073709551616",
		"18446744.073709551616T",
		"20000000T",
		"1,5K",
		"0.0000000000000000000001T",
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		uint64_t v = 99;
		if (!number_parse_count(good[i].text, strlen(good[i].text), &v) || v != good[i].value)
			fail_msg("%s gave %" PRIu64, good[i].text, v);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		uint64_t v = 99;
		if (number_parse_count(bad[i], strlen(bad[i]), &v) || v != 99)
			fail_msg("%s was taken for %" PRIu64, bad[i], v);
	}
}

static void test_integers_stop_at_their_range(void **state)
{
	(void)state;
	int64_t i = 5;
	uint64_t u = 5;
	assert_true(number_parse_i64("-9223372036854775808", 20, &i) && i == INT64_MIN);
	assert_true(number_parse_i64("9223372036854775807", 19, &i) && i == INT64_MAX);
	assert_true(number_parse_i64("-0", 2, &i) && i == 0);
	i = 5;
	assert_false(number_parse_i64("9223372036854775808", 19, &i));
	assert_false(number_parse_i64("-9223372036854775809", 20, &i));
	assert_false(number_parse_i64("-", 1, &i));
	assert_false(number_parse_i64("--1", 3, &i));
	assert_false(number_parse_i64("", 0, &i));
	assert_true(i == 5);
	assert_true(number_parse_u64("18446744073709551615", 20, &u) && u == UINT64_MAX);
	u = 5;
	assert_false(number_parse_u64("18446744073709551616", 20, &u));
	assert_false(number_parse_u64("99999999999999999999", 20, &u));
	assert_true(u == 5);
}

static void test_for_people(void **state)
{
	(void)state;
	static const struct {
		double v;
		const char *text;
	} rows[] = {
		{ 0, "0" }, { 7, "7" }, { 0.5, "0.50" }, { 999, "999" }, { 999.6, "1.00K" }, { 1234, "1.23K" },
		{ 12345678, "12.3M" }, { 123456789, "123M" }, { 99.96, "100" }, { 5e12, "5.00T" }, { -1, "-" },
		{ 1e30, "many" },
	}, seconds[] = {
		{ 0, "0.0 s" }, { 4.06, "4.1 s" }, { 59.94, "59.9 s" }, { 59.96, "1:00" }, { 62, "1:02" },
		{ 3723, "1:02:03" }, { 360000, "100:00:00" }, { -1, "-" }, { 1e20, "-" },
	};
	char text[16];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		number_human(rows[i].v, text);
		assert_string_equal(text, rows[i].text);
	}
	for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
		number_human_seconds(seconds[i].v, text);
		assert_string_equal(text, seconds[i].text);
	}
	number_human_bytes(512, text);
	assert_string_equal(text, "512 B");
	number_human_bytes(1234567890, text);
	assert_string_equal(text, "1.23 GB");
	number_human_bytes(UINT64_MAX, text);
	assert_string_equal(text, "many");
}

/* Random texts of the letters that numbers are made of: what is taken prints back to its value. */
static void test_no_text_breaks_the_parsers(void **state)
{
	(void)state;
	static const char letters[] = "0123456789.-+eEKMGTi xn";
	struct random_key k = random_key(11, RANDOM_TEST);
	for (uint64_t round = 0; round < 200000; round++) {
		char *text = malloc(24), plain[32]; /* the heap's, so that a read past its end is seen */
		size_t n = random_below(k, round, 0, 24);
		uint64_t u;
		int64_t s;
		double d;
		for (uint32_t i = 0; i < n; i++)
			text[i] = letters[random_below(k, round, i + 1, sizeof letters - 1)];
		char *exact = malloc(n ? n : 1);
		memcpy(exact, text, n);
		if (number_parse_u64(exact, n, &u)) {
			uint64_t c;
			assert_true(number_parse_count(exact, n, &c) && c == u);
		}
		if (number_parse_count(exact, n, &u)) {
			snprintf(plain, sizeof plain, "%" PRIu64, u);
			uint64_t again;
			assert_true(number_parse_u64(plain, strlen(plain), &again) && again == u);
		}
		if (number_parse_i64(exact, n, &s)) {
			snprintf(plain, sizeof plain, "%" PRId64, s);
			int64_t again;
			assert_true(number_parse_i64(plain, strlen(plain), &again) && again == s);
		}
		if (number_parse_f64(exact, n, &d)) {
			double again;
			size_t length = number_print_f64(d, plain);
			assert_true(number_parse_f64(plain, length, &again) && again == d);
		}
		free(exact), free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_take_suffixes_and_fractions),
		cmocka_unit_test(test_integers_stop_at_their_range),
		cmocka_unit_test(test_for_people),
		cmocka_unit_test(test_no_text_breaks_the_parsers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
