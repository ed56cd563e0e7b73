/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/random.h"
#include "text/prefix.h"
#include "text/utf8.h"
#include "text/words.h"
#include <stdlib.h>
#include <string.h>

static int collect(void *arg, const char *word, size_t n)
{
	struct cbtm_error e = { 0 };
	return buffer_add(arg, word, n, &e) || buffer_add(arg, "|", 1, &e);
}

/* Closed words, then those of the tail, are the words of the decoded text so far. */
static void compare(struct cbtm_prefix *p, const struct buffer *closed, const char *text, size_t n)
{
	struct buffer got = { 0 }, decoded = { 0 }, right = { 0 };
	struct cbtm_error e = { 0 };
	uint64_t replaced = 0;
	if (closed->n)
		buffer_add(&got, closed->data, closed->n, &e);
	assert_int_equal(prefix_tail(p, collect, &got, &e), 0);
	assert_int_equal(utf8_repair(&decoded, text, n, &replaced, &e), 0);
	if (decoded.n)
		words_each(decoded.data, decoded.n, collect, &right);
	if (got.n != right.n || (got.n && memcmp(got.data, right.data, got.n)))
		fail_msg("after %zu bytes: \"%.*s\" is not \"%.*s\"", n, (int)got.n, got.data, (int)right.n,
		         right.data);
	buffer_free(&right), buffer_free(&decoded), buffer_free(&got);
}

/* Pieces that go wrong in prefixes: words that grow, digits first, sigmas and what is looked
 * through behind them, marks, characters of 2 to 4 bytes, borders of each length, broken bytes. */
static const char *const pieces[] = { "dog",
	                                  "s",
	                                  "D",
	                                  "9",
	                                  "_",
	                                  " ",
	                                  "'",
	                                  ".",
	                                  ":",
	                                  "\xCE\xA3",
	                                  "\xCF\x83",
	                                  "\xCE\x91",
	                                  "\xCC\x81",
	                                  "\xC2\xAD",
	                                  "\xC4\xB0",
	                                  "\xE6\x9D\xB1",
	                                  "\xE3\x80\x82",
	                                  "\xE2\x80\x99",
	                                  "\xF0\x9D\x94\xB8",
	                                  "\xF0\x9F\x98\x80",
	                                  "\xE2\x92\xB6",
	                                  "\xE0\xA4\xBE",
	                                  "\xE0\xA4\x95",
	                                  "\xFF",
	                                  "\xE2\x82",
	                                  "\xC3",
	                                  "\x80",
	                                  "\n",
	                                  "-",
	                                  "\xC2\xB2",
	                                  "\xD9\xA3",
	                                  "the",
	                                  "\xEF\xBF\xBD",
	                                  "\xED\xA0\x80" };

static void test_every_prefix_has_the_words_of_its_decoded_text(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct cbtm_prefix *p = prefix_new(&e);
	struct random_key key = random_key(9, RANDOM_TEST);
	for (uint64_t round = 0; round < 1500; round++) {
		struct buffer text = { 0 }, closed = { 0 };
		for (uint32_t i = 0; i < 30; i++) {
			const char *piece = pieces[random_below(key, round, i, sizeof pieces / sizeof *pieces)];
			buffer_add(&text, piece, strlen(piece), &e);
		}
		prefix_reset(p);
		size_t most = 1 + round % 7;
		for (size_t at = 0, step; at < text.n; at += step) {
			step = round % 2 ? 1 + random_below(key, round, 100 + (uint32_t)at, most) : 1;
			step = step < text.n - at ? step : text.n - at;
			assert_int_equal(prefix_add(p, text.data + at, step, collect, &closed, &e), 0);
			compare(p, &closed, text.data, at + step);
		}
		buffer_free(&closed), buffer_free(&text);
	}
	prefix_free(p);
}

/* Cut at a fixed number of code points as a whole word is, and not kept in memory for ever. */
static void test_a_word_without_end_is_cut_like_any_other(void **state)
{
	(void)state;
	static const char *const letter[] = { "a", "\xC3\xA9", "\xE6\x9D\xB1", "\xCE\xA3" };
	struct cbtm_error e = { 0 };
	struct cbtm_prefix *p = prefix_new(&e);
	for (size_t k = 0; k < 4; k++)
		for (size_t pause = 0; pause < 2; pause++) {
			struct buffer text = { 0 }, closed = { 0 };
			prefix_reset(p);
			for (size_t i = 0; i < 9000; i++) {
				const char *piece = i == 700 || i == 8000   ? " x"
				                    : i % 257 == 5 && pause ? "'"
				                                            : letter[k];
				assert_int_equal(prefix_add(p, piece, strlen(piece), collect, &closed, &e), 0);
				buffer_add(&text, piece, strlen(piece), &e);
				if (i % 401 == 0 || i > 8990 || (i > 250 && i < 262))
					compare(p, &closed, text.data, text.n);
			}
			buffer_free(&closed), buffer_free(&text);
		}
	prefix_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_prefix_has_the_words_of_its_decoded_text),
		cmocka_unit_test(test_a_word_without_end_is_cut_like_any_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
