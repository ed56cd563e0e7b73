/* SPDX-License-Identifier: MIT */
#include "store/huffman.h"
#include "store/texts.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LENGTH = 1 << 17 };

static void make(struct huffman *h, uint32_t count[256], unsigned kind)
{
	unsigned char *text = texts_make(kind, LENGTH, 1);

	huffman_count(text, LENGTH, count);
	assert_true(huffman_make(h, count));
	free(text);
}

static void test_bytes_are_counted(void **state)
{
	unsigned char *text = texts_make(TEXTS_LINES, 10007, 1);
	uint32_t count[256], expected[256] = { 0 };

	(void)state;
	for (int i = 0; i < 10007; i++)
		expected[text[i]]++;
	huffman_count(text, 10007, count);
	assert_memory_equal(count, expected, sizeof count);
	free(text);
}

/* No code is the beginning of another, and none is left over. */
static void test_codes_are_complete_and_short(void **state)
{
	static struct huffman h;
	uint32_t count[256];

	(void)state;
	for (unsigned kind = 0; kind < TEXTS_KINDS; kind++) {
		unsigned taken = 0;
		size_t bits = 0;

		if (kind == TEXTS_RUN || kind == TEXTS_RANDOM || kind == TEXTS_FAR)
			continue;
		make(&h, count, kind);
		for (int c = 0; c < 256; c++) {
			unsigned n = h.code[c] >> 12;

			assert_int_equal(n > 0, count[c] > 0);
			assert_true(n <= HUFFMAN_BITS);
			assert_int_equal(h.low[c], h.code[c] & 0xff);
			assert_int_equal(h.high[c], (h.code[c] >> 8 & 15) | n << 4);
			taken += n ? 1u << (HUFFMAN_BITS - n) : 0;
			bits += (size_t)n * count[c];
		}
		assert_int_equal(taken, 1u << HUFFMAN_BITS);
		assert_int_equal(bits, h.bits);
	}
}

/* By the optimum that is known: powers of two. */
static void test_codes_are_huffmans(void **state)
{
	static struct huffman h;
	uint32_t count[256] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		count['a' + i] = 1u << i;
	count['z'] = 1;
	assert_true(huffman_make(&h, count));
	assert_int_equal(h.code['z'] >> 12, 10);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(h.code['a' + i] >> 12, 10 - i);
}

static void test_a_byte_without_a_code_is_told(void **state)
{
	static struct huffman h;
	static unsigned char out[1000];
	uint32_t count[256] = { ['a'] = 10, ['b'] = 20, ['c'] = 5 };
	unsigned char text[100];

	(void)state;
	memset(text, 'a', sizeof text);
	assert_true(huffman_make(&h, count));
	assert_non_null(huffman_write(&h, huffman_stream_plain, text, sizeof text, out));
	for (size_t i = 0; i < sizeof text; i++) {
		text[i] = 'd';
		assert_null(huffman_write(&h, huffman_stream_plain, text, sizeof text, out));
		text[i] = 'a';
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_are_counted),
		cmocka_unit_test(test_codes_are_complete_and_short),
		cmocka_unit_test(test_codes_are_huffmans),
		cmocka_unit_test(test_a_byte_without_a_code_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
