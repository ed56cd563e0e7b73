/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/random.h"
#include "text/bpe.h"
#include "text/recorded.h"
#include "text/recorded_bpe.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_ids_are_hugging_faces(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct bpe *b = recorded_vocabulary();
	struct bpe_encoder *c = bpe_encoder_new(b, &e);
	struct bpe_ids ids = { 0 };
	for (int round = 0; round < 2; round++) /* the second one is answered from the cache */
		for (size_t i = 0; i < sizeof recorded_ids / sizeof *recorded_ids; i++) {
			struct buffer out = { 0 };
			ids.n = 0;
			bpe_encode(c, recorded_ids[i].text, recorded_ids[i].n, &ids, &e);
			for (size_t j = 0; j < ids.n; j++)
				buffer_printf(&out, &e, j ? " %u" : "%u", ids.v[j]);
			assert_int_equal(out.n, recorded_ids[i].result_n);
			if (out.n)
				assert_string_equal(out.data, recorded_ids[i].result);
			buffer_free(&out);
		}
	assert_int_equal(e.name, 0);
	bpe_ids_free(&ids);
	bpe_encoder_free(c);
	bpe_free(b);
}

static void test_a_batch_is_its_texts_one_by_one(void **state)
{
	(void)state;
	static const char text[] = "it's|  |\n\n|'ll go|||a  b \xe3\x80\x80|\xe3\x80|\x80|x";
	struct cbtm_error e = { 0 };
	struct bpe *b = recorded_vocabulary();
	struct bpe_encoder *c = bpe_encoder_new(b, &e);
	struct bpe_ids all = { 0 }, one = { 0 };
	size_t start[64], stop[64], end[64];
	for (size_t gap = 0; gap < 2; gap++) { /* the bars are gaps, or begin the next text */
		size_t rows = 1;
		start[0] = 0;
		for (size_t i = 0; i < sizeof text - 1; i++)
			if (text[i] == '|') {
				stop[rows - 1] = i;
				start[rows++] = i + gap;
			}
		stop[rows - 1] = sizeof text - 1;
		all.n = one.n = 0;
		assert_int_equal(bpe_encode_batch(c, text, start, stop, rows, &all, end, &e), 0);
		for (size_t i = 0; i < rows; i++) {
			assert_int_equal(bpe_encode(c, text + start[i], stop[i] - start[i], &one, &e), 0);
			assert_int_equal(end[i], one.n);
		}
		assert_memory_equal(all.v, one.v, one.n * sizeof *one.v);
	}
	bpe_ids_free(&all);
	bpe_ids_free(&one);
	bpe_encoder_free(c);
	bpe_free(b);
}

static void round_trip(struct bpe_encoder *c, const struct bpe *b, const char *bytes, size_t n)
{
	struct cbtm_error e = { 0 };
	struct bpe_ids ids = { 0 };
	struct buffer back = { 0 };
	assert_int_equal(bpe_encode(c, bytes, n, &ids, &e), 0);
	assert_int_equal(bpe_decode(b, ids.v, ids.n, &back, &e), 0);
	assert_int_equal(back.n, n);
	if (n)
		assert_memory_equal(back.data, bytes, n);
	buffer_free(&back);
	bpe_ids_free(&ids);
}

static void test_any_bytes_round_trip(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct random_key key = random_key(2, RANDOM_TEST);
	struct bpe *b = recorded_vocabulary();
	struct bpe_encoder *c = bpe_encoder_new(b, &e);
	for (uint64_t i = 0; i < 3000; i++) {
		size_t n = random_below(key, i, 0, 80);
		char *bytes = malloc(n + !n); /* exact, so that AddressSanitizer sees reads behind it */
		for (size_t j = 0; j < n; j++)
			bytes[j] = (char)random_below(key, i, (uint32_t)j + 1, i % 2 ? 256 : 4);
		round_trip(c, b, bytes, n);
		free(bytes);
	}
	bpe_encoder_free(c);
	bpe_free(b);
}

static void test_a_nul_is_not_the_end_of_a_word(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct bpe *b = recorded_vocabulary();
	struct bpe_encoder *c = bpe_encoder_new(b, &e);
	struct bpe_ids ids = { 0 };
	bpe_encode(c, "!", 1, &ids, &e);
	bpe_encode(c, "!\0", 2, &ids, &e);
	bpe_encode(c, "!\0\0", 3, &ids, &e);
	bpe_encode(c, "!", 1, &ids, &e);
	assert_int_equal(ids.n, 7);
	bpe_ids_free(&ids);
	bpe_encoder_free(c);
	bpe_free(b);
}

static void test_long_words_are_as_short_ones_and_take_no_time(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct bpe *b = recorded_vocabulary();
	struct bpe_encoder *c = bpe_encoder_new(b, &e);
	size_t n = 3 << 20; /* quadratic merging would take hours */
	char *bytes = malloc(n);
	for (size_t i = 0; i < n; i++)
		bytes[i] = "bado"[i % 4];
	round_trip(c, b, bytes, n);
	memset(bytes, 'a', n);
	round_trip(c, b, bytes, n);
	for (size_t length = 28; length < 40; length++) { /* both sides of the scanning's limit */
		struct bpe_ids ids = { 0 };
		bpe_encode(c, bytes, length, &ids, &e);
		for (size_t i = 0; i + 1 < ids.n; i++)
			assert_null(bpe_pair_find(b, ids.v[i], ids.v[i + 1]));
		bpe_ids_free(&ids);
	}
	free(bytes);
	bpe_encoder_free(c);
	bpe_free(b);
}

static void test_an_unknown_id_is_refused_and_specials_are_silent(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct bpe *b = recorded_vocabulary();
	struct buffer text = { 0 };
	uint32_t ids[] = { 0, b->byte['x'], 0, 600 };
	assert_int_equal(bpe_decode(b, ids, 3, &text, &e), 0);
	assert_int_equal(text.n, 1);
	assert_int_equal(text.data[0], 'x');
	assert_int_equal(bpe_decode(b, ids, 4, &text, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.what, "600"));
	buffer_free(&text);
	bpe_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_are_hugging_faces),
		cmocka_unit_test(test_a_batch_is_its_texts_one_by_one),
		cmocka_unit_test(test_any_bytes_round_trip),
		cmocka_unit_test(test_a_nul_is_not_the_end_of_a_word),
		cmocka_unit_test(test_long_words_are_as_short_ones_and_take_no_time),
		cmocka_unit_test(test_an_unknown_id_is_refused_and_specials_are_silent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
