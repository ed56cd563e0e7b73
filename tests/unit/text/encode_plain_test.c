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

static void test_ids_are_those_of_piece_by_piece(void **state)
{
	(void)state;
	torture_check(&encode_plain, TORTURE_RECORDED);
}

static void test_ids_beyond_16_bits(void **state)
{
	(void)state;
	torture_check(&encode_plain, TORTURE_WIDE);
}

static void test_symbols_that_no_text_reaches(void **state)
{
	(void)state;
	torture_check(&encode_plain, TORTURE_REVERSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_are_those_of_piece_by_piece),
		cmocka_unit_test(test_ids_beyond_16_bits),
		cmocka_unit_test(test_symbols_that_no_text_reaches),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
