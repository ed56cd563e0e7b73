/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/simd.h"

static void test_a_limit_holds_until_the_next(void **state)
{
	(void)state;
	enum simd_level best = simd_level();
	simd_limit(SIMD_NONE);
	assert_int_equal(simd_level(), SIMD_NONE);
	simd_limit(SIMD_AVX512);
	assert_int_equal(simd_level(), best);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_a_limit_holds_until_the_next) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
