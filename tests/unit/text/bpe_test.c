/* SPDX-License-Identifier: MIT */
#include "text/bpe.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* All bytes in order, then "ab" and "abc", then the special token. */
enum { AB = 256, ABC, EOD, SIZE };

static void vocabulary(struct bpe_symbol symbol[SIZE])
{
	static char bytes[256];
	for (uint32_t i = 0; i < 256; i++) {
		bytes[i] = (char)i;
		symbol[i] = (struct bpe_symbol){ bytes + i, 1, false, 0 };
	}
	symbol[AB] = (struct bpe_symbol){ "ab", 2, false, 0 };
	symbol[ABC] = (struct bpe_symbol){ "abc", 3, false, 0 };
	symbol[EOD] = (struct bpe_symbol){ "<|endoftext|>", 13, true, BPE_ADDED };
}

static const struct bpe_choice plain = { .eod = "", .bos = "" };
static const uint32_t merges[2][2] = { { 'a', 'b' }, { AB, 'c' } };

static void test_bytes_have_gpt2s_spelling(void **state)
{
	(void)state;
	unsigned seen = 0;
	assert_int_equal(bpe_byte_point(' '), 0x120);
	assert_int_equal(bpe_byte_point('\n'), 0x10a);
	assert_int_equal(bpe_byte_point('A'), 'A');
	assert_int_equal(bpe_byte_point(0x7f), 0x121);
	assert_int_equal(bpe_byte_point(0xa0), 0x142);
	assert_int_equal(bpe_byte_point(0xad), 0x143);
	for (uint32_t point = 0; point < 0x200; point++) {
		int byte = bpe_point_byte(point);
		if (byte >= 0) {
			assert_int_equal(bpe_byte_point((unsigned char)byte), point);
			seen++;
		}
	}
	assert_int_equal(seen, 256);
	assert_int_equal(bpe_point_byte(UINT32_MAX), -1);
}

static void test_merges_know_what_they_make(void **state)
{
	(void)state;
	struct bpe_symbol symbol[SIZE];
	struct cbtm_error e = { 0 };
	struct bpe *b;
	vocabulary(symbol);
	assert_int_equal(bpe_make(symbol, SIZE, merges, 2, &plain, "here", &b, &e), 0);
	assert_int_equal(b->eod, EOD);
	assert_int_equal(b->merged[0], AB);
	assert_int_equal(b->merged[1], ABC);
	assert_int_equal(bpe_pair_find(b, AB, 'c')->rank, 1);
	assert_null(bpe_pair_find(b, 'b', 'c'));
	bpe_free(b);
}

/* One thing wrong; the sentence must hold `what`. */
static void refused(const struct bpe_symbol *symbol, uint32_t size, const uint32_t (*merge)[2],
                    uint32_t n, const char *eod, const char *what)
{
	struct cbtm_error e = { 0 };
	struct bpe *b;
	struct bpe_choice choice = { .eod = eod, .bos = "" };
	assert_int_equal(bpe_make(symbol, size, merge, n, &choice, "here", &b, &e), CBTM_ERR_BAD_DATA);
	assert_null(b);
	assert_string_equal(e.where, "here");
	assert_non_null(strstr(e.what, what));
}

static void test_a_broken_vocabulary_is_refused(void **state)
{
	(void)state;
	static const uint32_t unknown[1][2] = { { 'a', SIZE } }, of_special[1][2] = { { 'a', EOD } };
	static const uint32_t no_result[1][2] = { { 'x', 'y' } };
	static const uint32_t twice[2][2] = { { 'a', 'b' }, { 'a', 'b' } };
	struct bpe_symbol symbol[SIZE];
	vocabulary(symbol);
	refused(symbol, SIZE, unknown, 1, "", "not there");
	refused(symbol, SIZE, of_special, 1, "", "not there");
	refused(symbol, SIZE, no_result, 1, "", "merges[0], of \"x\" and \"y\", makes no token");
	refused(symbol, SIZE, twice, 2, "", "twice");
	refused(symbol, SIZE, merges, 2, "<eod>", "<eod>");
	refused(symbol, SIZE - 1, merges, 2, "", "endoftext");
	refused(symbol + 1, SIZE - 1, NULL, 0, "", "vocab has no token \"\u0100\", for the byte 0x00");
	symbol[ABC] = symbol[AB];
	refused(symbol, SIZE, merges, 1, "", "there twice");
	symbol[ABC].n = 0;
	refused(symbol, SIZE, merges, 1, "", "empty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_have_gpt2s_spelling),
		cmocka_unit_test(test_merges_know_what_they_make),
		cmocka_unit_test(test_a_broken_vocabulary_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
