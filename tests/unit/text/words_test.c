/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"
#include "text/recorded_words.h"
#include "text/words.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int collect(void *arg, const char *word, size_t n)
{
	struct cbtm_error e = { 0 };
	return buffer_add(arg, word, n, &e) || buffer_add(arg, "|", 1, &e);
}

static void test_words_are_scikit_learns(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof recorded_words / sizeof *recorded_words; i++) {
		struct buffer b = { 0 };
		assert_int_equal(words_each(recorded_words[i].text, recorded_words[i].n, collect, &b), 0);
		assert_int_equal(b.n, recorded_words[i].result_n);
		if (b.n)
			assert_memory_equal(b.data, recorded_words[i].result, b.n);
		buffer_free(&b);
	}
}

static int third(void *arg, const char *word, size_t n)
{
	(void)word, (void)n;
	return ++*(int *)arg == 3 ? 42 : 0;
}

static void test_a_non_zero_status_stops(void **state)
{
	(void)state;
	int calls = 0;
	assert_int_equal(words_each("red green blue yellow", 21, third, &calls), 42);
	assert_int_equal(calls, 3);
}

static void test_stop_words_are_whole_words(void **state)
{
	(void)state;
	assert_true(words_stop("the", 3));
	assert_true(words_stop("yourselves", 10));
	assert_true(words_stop("about", 5));
	assert_false(words_stop("th", 2));
	assert_false(words_stop("thee", 4));
	assert_false(words_stop("", 0));
	assert_false(words_stop("zzz", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_are_scikit_learns),
		cmocka_unit_test(test_a_non_zero_status_stops),
		cmocka_unit_test(test_stop_words_are_whole_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
