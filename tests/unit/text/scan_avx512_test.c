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

static void test_planes_are_those_of_the_portable_kernel(void **state)
{
	(void)state;
	static struct scan fast, plain;
	if ((*encode_kernels())->scan == &scan_plain)
		skip();
	for (uint64_t number = 0; number < 2000; number++) {
		struct torture t = torture_make(number, number % 50 ? 300 : 9000);
		scan_begin(&plain, &scan_plain, t.text, t.start, t.stop, t.texts);
		scan_begin(&fast, (*encode_kernels())->scan, t.text, t.start, t.stop, t.texts);
		while (scan_next(&plain)) {
			assert_true(scan_next(&fast));
			assert_memory_equal(fast.start, plain.start, sizeof plain.start);
			for (int b = 0; b < SCAN_PLANES; b++)
				assert_memory_equal(fast.plane[b], plain.plane[b],
				                    (SCAN_BLOCKS + 2) * sizeof **plain.plane);
		}
		assert_false(scan_next(&fast));
		torture_free(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_planes_are_those_of_the_portable_kernel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
