/* SPDX-License-Identifier: MIT */
#include "text/recorded_utf8.h"
#include "text/utf8.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_repair_is_pythons(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof recorded_utf8 / sizeof *recorded_utf8; i++) {
		struct cbtm_error e = { 0 };
		struct buffer b = { 0 };
		uint64_t replaced = 0;
		assert_int_equal(utf8_repair(&b, recorded_utf8[i].text, recorded_utf8[i].n, &replaced, &e),
		                 0);
		assert_int_equal(b.n, recorded_utf8[i].result_n);
		if (b.n)
			assert_memory_equal(b.data, recorded_utf8[i].result, b.n);
		assert_int_equal(utf8_valid_prefix(recorded_utf8[i].text, recorded_utf8[i].n) ==
		                     recorded_utf8[i].n,
		                 !replaced);
		buffer_free(&b);
	}
}

static void test_every_scalar_value_round_trips(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x110000; c++) {
		char bytes[4];
		unsigned length, n = utf8_put(c, bytes);
		uint32_t back = utf8_get(bytes, n, &length);
		if (c >= 0xd800 && c < 0xe000) {
			assert_int_equal(back, UTF8_INVALID);
			assert_int_equal(length, 1);
			continue;
		}
		assert_int_equal(back, c);
		assert_int_equal(length, n);
		assert_int_equal(utf8_valid_prefix(bytes, n), n);
		assert_int_equal(utf8_valid_prefix(bytes, n - 1), 0);
	}
}

static void test_the_valid_prefix_ends_at_the_first_bad_byte(void **state)
{
	(void)state;
	char text[64];
	for (size_t at = 0; at < sizeof text; at++) {
		memset(text, 'a', sizeof text);
		text[at] = (char)0xff;
		assert_int_equal(utf8_valid_prefix(text, sizeof text), at);
	}
	assert_int_equal(utf8_valid_prefix("", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repair_is_pythons),
		cmocka_unit_test(test_every_scalar_value_round_trips),
		cmocka_unit_test(test_the_valid_prefix_ends_at_the_first_bad_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
