/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"
#include "text/pretoken.h"
#include "text/recorded_bpe.h"
#include "text/unicode.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_pieces_are_hugging_faces(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof recorded_pieces / sizeof *recorded_pieces; i++) {
		struct cbtm_error e = { 0 };
		struct buffer b = { 0 };
		const char *text = recorded_pieces[i].text;
		for (size_t at = 0; at < recorded_pieces[i].n;) {
			at = pretoken_end(unicode_flags(), text, recorded_pieces[i].n, at);
			buffer_printf(&b, &e, b.n ? " %zu" : "%zu", at);
		}
		assert_int_equal(b.n, recorded_pieces[i].result_n);
		if (b.n)
			assert_string_equal(b.data, recorded_pieces[i].result);
		buffer_free(&b);
	}
}

static void test_invalid_bytes_join_signs_and_nothing_is_read_behind_the_end(void **state)
{
	(void)state;
	const uint8_t *flags = unicode_flags();
	assert_int_equal(pretoken_end(flags, "a\xff\xfe!b", 5, 0), 1);
	assert_int_equal(pretoken_end(flags, "a\xff\xfe!b", 5, 1), 4);
	assert_int_equal(pretoken_end(flags, " \xf0\x9f", 3, 0), 3);
	char *cut = malloc(3); /* under AddressSanitizer: a character cut off at the end */
	memcpy(cut, "\xf0\x9f\x99", 3);
	assert_int_equal(pretoken_end(flags, cut, 3, 0), 3);
	memcpy(cut, "x'r", 3);
	assert_int_equal(pretoken_end(flags, cut, 3, 1), 2);
	free(cut);
}

static void test_many_pieces_at_a_time_are_the_same(void **state)
{
	(void)state;
	static struct pretoken p;
	size_t n = 10000, at = 0, pieces;
	char *text = malloc(n);
	for (size_t i = 0; i < n; i++)
		text[i] = "it's \n42 !"[i * i % 11 % 10];
	pretoken_begin(&p, text, n);
	while ((pieces = pretoken_next(&p)))
		for (size_t i = 0; i < pieces; i++) {
			at = pretoken_end(unicode_flags(), text, n, at);
			assert_int_equal(p.end[i], at);
		}
	assert_int_equal(at, n);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_are_hugging_faces),
		cmocka_unit_test(test_invalid_bytes_join_signs_and_nothing_is_read_behind_the_end),
		cmocka_unit_test(test_many_pieces_at_a_time_are_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
