/* SPDX-License-Identifier: MIT */
#include "store/matches_find.h"
#include "store/texts.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct matches m;

/* text[from .. to) again, of matches and literals; returns how many bytes are of matches. */
static size_t put_together(const unsigned char *text, size_t from, size_t to, unsigned char *out)
{
	const unsigned char *literal = m.literal;
	size_t at = from, matched = 0;

	memcpy(out, text, from);
	for (size_t i = 0; i < m.n; i++) {
		const struct match *x = &m.match[i];

		memcpy(out + at, literal, x->literals);
		at += x->literals;
		literal += x->literals;
		assert_true(x->length >= MATCHES_LEAST && x->distance && x->distance <= at);
		assert_true(x->length <= to - at);
		for (uint32_t j = 0; j < x->length; j++, at++)
			out[at] = out[at - x->distance];
		matched += x->length;
	}
	assert_int_equal(m.literal + m.literals - literal, to - at);
	memcpy(out + at, literal, to - at);
	return matched;
}

static void test_matches_and_literals_are_the_text(void **state)
{
	static const size_t sizes[] = { 1, 191, 192, 193, 257, 4096, 70001, 300000 };

	(void)state;
	for (unsigned kind = 0; kind < TEXTS_KINDS; kind++)
		for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
			size_t n = sizes[s];
			unsigned char *text = texts_make(kind, n, 7), *out = malloc(n);

			matches_begin(&m);
			for (size_t from = 0; from < n; from += MATCHES_BYTES) {
				size_t to = n - from < MATCHES_BYTES ? n : from + MATCHES_BYTES;

				matches_find_plain(&m, text, n, from, to);
				put_together(text, from, to, out);
				assert_memory_equal(out, text, to);
			}
			free(text);
			free(out);
		}
}

static uint64_t compared;

static size_t count_common(const unsigned char *a, const unsigned char *b, size_t n)
{
	size_t i = 0;

	while (i < n && a[i] == b[i])
		i++;
	compared += i;
	return i;
}

static size_t no_common(const unsigned char *a, const unsigned char *b)
{
	(void)a, (void)b;
	return 0;
}

static size_t all_anchors(const unsigned char *text, size_t groups, uint16_t *anchor)
{
	(void)text;
	for (size_t i = 0; i < 64 * groups; i++)
		anchor[i] = (uint16_t)i;
	return 64 * groups;
}

/* Each anchor of a run has a match up to the end of the piece. */
static void test_runs_are_not_compared_from_each_anchor(void **state)
{
	unsigned char *text = texts_make(TEXTS_RUN, MATCHES_BYTES, 1), *out = malloc(MATCHES_BYTES);

	(void)state;
	compared = 0;
	matches_begin(&m);
	matches_find(&m, text, MATCHES_BYTES, 0, MATCHES_BYTES, all_anchors, count_common, no_common);
	put_together(text, 0, MATCHES_BYTES, out);
	assert_memory_equal(out, text, MATCHES_BYTES);
	assert_int_equal(m.n, 1);
	assert_true(compared < (uint64_t)MATCHES_BYTES * 300);
	free(text);
	free(out);
}

static void test_what_comes_again_is_found(void **state)
{
	enum { N = 100000 };
	unsigned char *text = texts_make(TEXTS_RANDOM, N, 3), *out = malloc(N);

	(void)state;
	memcpy(text + 50001, text + 40000, 5000); /* at another place of 64 */
	matches_begin(&m);
	matches_find_plain(&m, text, N, 0, N);
	assert_true(put_together(text, 0, N, out) >= 4900);
	memset(text, 'x', N);
	matches_begin(&m);
	matches_find_plain(&m, text, N, 0, N);
	assert_int_equal(m.n, 1);
	assert_true(put_together(text, 0, N, out) >= N - 100);
	free(text);
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches_and_literals_are_the_text),
		cmocka_unit_test(test_runs_are_not_compared_from_each_anchor),
		cmocka_unit_test(test_what_comes_again_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
