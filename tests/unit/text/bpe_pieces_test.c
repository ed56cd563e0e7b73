/* SPDX-License-Identifier: MIT */
#include "text/bpe_pieces.h"
#include "text/pretoken.h"
#include "text/unicode.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t count_of(const struct bpe_pieces *p, const char *piece, size_t n)
{
	size_t cursor = 0, length;
	const char *s;
	uint64_t count, found = 0;
	while (bpe_pieces_next(p, &cursor, &s, &length, &count))
		if (length == n && !memcmp(s, piece, n)) {
			assert_int_equal(found, 0);
			found = count;
		}
	return found;
}

static void test_each_piece_is_counted_whatever_its_length(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct bpe_pieces p = { 0 };
	char text[80];
	/* A word of each length about the border of 8 and 16, at the text's end and inside of it. */
	for (size_t n = 1; n < 40; n++) {
		memset(text, 'x', sizeof text);
		assert_int_equal(bpe_pieces_text(&p, text, n, &e), 0);
		memcpy(text + n, "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!", 32);
		assert_int_equal(bpe_pieces_text(&p, text, n + 32, &e), 0);
	}
	memset(text, 'x', sizeof text);
	for (size_t n = 1; n < 40; n++)
		assert_int_equal(count_of(&p, text, n), 2);
	assert_int_equal(count_of(&p, "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!", 32), 39);
	assert_int_equal(bpe_pieces_size(&p), 40);
	bpe_pieces_free(&p);
}

static void test_pieces_that_end_in_nul_are_told_apart(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct bpe_pieces p = { 0 };
	bpe_pieces_text(&p, "!", 1, &e);
	bpe_pieces_text(&p, "!\0", 2, &e);
	bpe_pieces_text(&p, "!\0\0", 3, &e);
	assert_int_equal(count_of(&p, "!", 1), 1);
	assert_int_equal(count_of(&p, "!\0", 2), 1);
	assert_int_equal(count_of(&p, "!\0\0", 3), 1);
	bpe_pieces_free(&p);
}

/* More pieces than the table begins with, in two halves: as if counted together. */
static void test_halves_add_up(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct bpe_pieces whole = { 0 }, half[2] = { { 0 }, { 0 } };
	for (unsigned i = 0; i < 20000; i++) {
		char text[64];
		int n =
			snprintf(text, sizeof text, "%u a %u-and-a-word-that-is-rather-long", i % 9000, i % 77);
		bpe_pieces_text(&whole, text, (size_t)n, &e);
		bpe_pieces_text(&half[i % 2], text, (size_t)n, &e);
	}
	assert_int_equal(bpe_pieces_add(&half[0], &half[1], &e), 0);
	assert_int_equal(bpe_pieces_size(&half[0]), bpe_pieces_size(&whole));
	assert_int_equal(count_of(&half[0], " a", 2), 20000);
	size_t cursor = 0, n;
	const char *piece;
	uint64_t count;
	for (unsigned i = 0; i < 500 && bpe_pieces_next(&whole, &cursor, &piece, &n, &count); i++)
		assert_int_equal(count_of(&half[0], piece, n), count);
	bpe_pieces_free(&whole);
	bpe_pieces_free(&half[0]);
	bpe_pieces_free(&half[1]);
}

static void test_pieces_are_the_pre_tokenizers(void **state)
{
	(void)state;
	static const char text[] = "It's 2026: the  \n quick brown fox, d\xc3\xa9j\xc3\xa0 vu\xff...  ";
	struct cbtm_error e = { 0 };
	struct bpe_pieces p = { 0 };
	size_t pieces = 0;
	assert_int_equal(bpe_pieces_text(&p, text, sizeof text - 1, &e), 0);
	for (size_t at = 0; at < sizeof text - 1; pieces++) {
		size_t end = pretoken_end(unicode_flags(), text, sizeof text - 1, at);
		assert_true(count_of(&p, text + at, end - at) > 0);
		at = end;
	}
	assert_int_equal(bpe_pieces_size(&p), pieces);
	bpe_pieces_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_piece_is_counted_whatever_its_length),
		cmocka_unit_test(test_pieces_that_end_in_nul_are_told_apart),
		cmocka_unit_test(test_halves_add_up),
		cmocka_unit_test(test_pieces_are_the_pre_tokenizers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
