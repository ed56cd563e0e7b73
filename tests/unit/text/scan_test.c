/* SPDX-License-Identifier: MIT */
#include "text/encode.h"
#include "text/torture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct scan s;

static void test_every_kernel_cuts_as_one_character_after_the_other(void **state)
{
	(void)state;
	for (uint64_t number = 0; number < 5000; number++) {
		struct torture t = torture_make(number, number % 50 ? 300 : 9000);
		unsigned char *expected = torture_starts(&t);
		for (const struct encode_kernel *const *k = encode_kernels(); *k; k++) {
			size_t at = t.start[0];
			scan_begin(&s, (*k)->scan, t.text, t.start, t.stop, t.texts);
			for (; scan_next(&s); at += SCAN_BYTES) {
				assert_int_equal(s.at, at);
				for (size_t i = 0; i < SCAN_BYTES; i++) {
					unsigned start = s.start[i / 64] >> i % 64 & 1;
					if (at + i > t.stop[t.texts - 1])
						assert_int_equal(start, 0);
					else if (expected[at + i] < 2)
						assert_int_equal(start, expected[at + i]);
				}
			}
			assert_true(at > t.stop[t.texts - 1]);
		}
		free(expected);
		torture_free(&t);
	}
}

static void test_a_nul_is_told(void **state)
{
	(void)state;
	char text[3 * SCAN_BYTES];
	size_t start = 0, stop = sizeof text;
	for (size_t at = 0; at < sizeof text; at += 191)
		for (const struct encode_kernel *const *k = encode_kernels(); *k; k++) {
			memset(text, 'a', sizeof text);
			text[at] = 0;
			scan_begin(&s, (*k)->scan, text, &start, &stop, 1);
			while (scan_next(&s))
				assert_int_equal(s.nul, s.at <= at && at < s.at + SCAN_BYTES + 64);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kernel_cuts_as_one_character_after_the_other),
		cmocka_unit_test(test_a_nul_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
