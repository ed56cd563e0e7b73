/* SPDX-License-Identifier: MIT */
#include "text/unicode.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned class_of(uint32_t c)
{
	return unicode_flags()[c] & UNICODE_CLASS;
}

static void test_classes_are_hugging_faces(void **state)
{
	(void)state;
	assert_int_equal(class_of('a'), UNICODE_LETTER);
	assert_int_equal(class_of('7'), UNICODE_NUMBER);
	assert_int_equal(class_of(0xbd), UNICODE_NUMBER); /* one half */
	assert_int_equal(class_of('_'), UNICODE_OTHER);
	assert_int_equal(class_of(' '), UNICODE_SPACE);
	assert_int_equal(class_of(0x85), UNICODE_SPACE);
	assert_int_equal(class_of(0xa0), UNICODE_SPACE);
	for (uint32_t c = 0x1c; c <= 0x1f; c++) /* white space in Python, not here */
		assert_int_equal(class_of(c), UNICODE_OTHER);
	assert_int_equal(class_of(0x200b), UNICODE_OTHER);
	assert_int_equal(class_of(0xd800), UNICODE_OTHER);
	assert_int_equal(class_of(0x10ffff), UNICODE_OTHER);
}

static void test_words_are_pythons(void **state)
{
	(void)state;
	const uint8_t *flags = unicode_flags();
	assert_true(flags['_'] & UNICODE_WORD);
	assert_true(flags[0xb2] & UNICODE_WORD && flags[0xb2] & UNICODE_DIGIT); /* superscript two */
	assert_true(flags[0xbd] & UNICODE_WORD && !(flags[0xbd] & UNICODE_DIGIT));
	assert_false(flags[0x301] & UNICODE_WORD); /* a combining mark */
	assert_true(flags['\''] & UNICODE_IGNORABLE);
	assert_true(flags['a'] & UNICODE_CASED);
	assert_false(flags['1'] & (UNICODE_CASED | UNICODE_IGNORABLE));
}

static void test_lower_case_of_runs_and_of_every_second_code_point(void **state)
{
	(void)state;
	assert_int_equal(unicode_lower('Z'), 'z');
	assert_int_equal(unicode_lower('['), '[');
	assert_int_equal(unicode_lower(0x391), 0x3b1);
	assert_int_equal(unicode_lower(0x3a3), 0x3c3);
	assert_int_equal(unicode_lower(0x3a2), 0x3a2); /* unassigned, inside a run */
	assert_int_equal(unicode_lower(0x100), 0x101);
	assert_int_equal(unicode_lower(0x101), 0x101);
	assert_int_equal(unicode_lower(0x130), 0x130); /* becomes two: left to the caller */
	assert_int_equal(unicode_lower(0x1e9e), 0xdf);
	assert_int_equal(unicode_lower(0x10400), 0x10428);
	assert_int_equal(unicode_lower(0x10ffff), 0x10ffff);
}

static void test_lower_case_is_lower_already(void **state)
{
	(void)state;
	unsigned changed = 0;
	for (uint32_t c = 0; c < UNICODE_POINTS; c++) {
		uint32_t lower = unicode_lower(c);
		assert_true(lower < UNICODE_POINTS);
		assert_int_equal(unicode_lower(lower), lower);
		changed += lower != c;
	}
	assert_int_equal(changed, 1432); /* what Python counts, U+0130 left out */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes_are_hugging_faces),
		cmocka_unit_test(test_words_are_pythons),
		cmocka_unit_test(test_lower_case_of_runs_and_of_every_second_code_point),
		cmocka_unit_test(test_lower_case_is_lower_already),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
