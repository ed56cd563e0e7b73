/* SPDX-License-Identifier: MIT */
#include "text/scan.h"
#include "text/unicode.h"
#include "text/utf8.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct scan s;

static unsigned class_of(size_t i)
{
	return (unsigned)(s.plane[SCAN_LOW][1 + i / 64] >> i % 64 & 1) |
	       (unsigned)(s.plane[SCAN_HIGH][1 + i / 64] >> i % 64 & 1) << 1;
}

static void test_every_code_point_has_its_class_in_all_bytes(void **state)
{
	(void)state;
	static char text[1 << 16];
	for (uint32_t c = 0; c < UNICODE_POINTS;) {
		uint32_t first = c;
		size_t n = 0, stop, start = 0, at = 0;
		for (; c < UNICODE_POINTS && n < sizeof text - 4; c++)
			if (c < 0xd800 || c > 0xdfff)
				n += utf8_put(c, text + n);
		stop = n;
		scan_begin(&s, &scan_plain, text, &start, &stop, 1);
		assert_true(scan_next(&s));
		for (c = first; at < n; c++) {
			char unused[4];
			unsigned length = c < 0xd800 || c > 0xdfff ? utf8_put(c, unused) : 0;
			for (unsigned i = 0; i < length; i++, at++) {
				if (at == s.at + SCAN_BYTES)
					assert_true(scan_next(&s));
				assert_int_equal(class_of(at - s.at), unicode_flags()[c] & UNICODE_CLASS);
			}
		}
	}
}

static void test_a_character_does_not_reach_into_the_next_text(void **state)
{
	(void)state;
	static const char text[] = "a\xc3\xa9z"; /* cut between the two bytes of a letter */
	size_t start[] = { 0, 2 }, stop[] = { 2, 4 };
	scan_begin(&s, &scan_plain, text, start, stop, 2);
	assert_true(scan_next(&s));
	assert_int_equal(s.start[0], 1 | 2 | 4 | 8 | 16);
	stop[0] = 3;
	start[1] = 3;
	scan_begin(&s, &scan_plain, text, start, stop, 2);
	assert_true(scan_next(&s));
	assert_int_equal(s.start[0], 1 | 8 | 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code_point_has_its_class_in_all_bytes),
		cmocka_unit_test(test_a_character_does_not_reach_into_the_next_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
