/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"
#include "base/random.h"
#include "text/recorded_words.h"
#include "text/words.h"
#include <ctype.h>
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

/* The words of a text of ASCII, found a byte at a time. */
static void plain_words(const char *s, size_t n, struct buffer *b)
{
	struct cbtm_error e = { 0 };
	char word[1024];
	size_t size = 0;
	for (size_t i = 0; i <= n; i++) {
		int c = i < n ? tolower((unsigned char)s[i]) : ' ';
		if (isalnum(c) || c == '_') {
			word[size++] = (char)c;
			continue;
		}
		size_t kept = size < WORD_POINTS ? size : WORD_POINTS;
		if (size > 1 && !isdigit((unsigned char)word[0]) && !words_stop(word, kept)) {
			buffer_add(b, word, kept, &e);
			buffer_add(b, "|", 1, &e);
		}
		size = 0;
	}
}

/* Words of any length across the blocks of the fast path, with a character of two bytes now and
 * then, which is a letter or a border: the same words as when every text is taken apart slowly. */
static void test_words_at_any_place_of_a_block_are_whole(void **state)
{
	(void)state;
	struct random_key key = random_key(6, RANDOM_TEST);
	for (uint64_t round = 0; round < 3000; round++) {
		char text[700], plain[700];
		struct buffer a = { 0 }, b = { 0 };
		size_t n = 1 + random_below(key, round, 0, sizeof text - 2);
		uint64_t gaps = 1 + random_below(key, round, 1, 60);
		for (uint32_t i = 0; i < n; i++) {
			uint64_t draw = random_below(key, round, 2 + i, 64);
			text[i] =
				random_below(key, round, 1000 + i, gaps) == 0
					? " .-\t/'@[`{"[draw % 10]
					: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_x"[draw];
		}
		memcpy(plain, text, n);
		if (round % 3 == 0 && n > 2) { /* U+00A0: no letter, like the space in `plain` */
			size_t at = random_below(key, round, 5000, n - 1);
			memcpy(text + at, "\xc2\xa0", 2);
			plain[at] = plain[at + 1] = ' ';
		}
		assert_int_equal(words_each(text, n, collect, &a), 0);
		plain_words(plain, n, &b);
		assert_int_equal(a.n, b.n);
		assert_true(a.n == 0 || !memcmp(a.data, b.data, a.n));
		buffer_free(&a), buffer_free(&b);
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
		cmocka_unit_test(test_words_at_any_place_of_a_block_are_whole),
		cmocka_unit_test(test_a_non_zero_status_stops),
		cmocka_unit_test(test_stop_words_are_whole_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
