/* SPDX-License-Identifier: MIT */
#include "base/random.h"
#include "text/bpe_train.h"
#include "text/recorded.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text/recorded_training.h"

/* A vocabulary of so many tokens. */
static int train(const struct bpe_pieces *p, uint32_t size, struct bpe **b, struct cbtm_error *e)
{
	struct bpe_training t = { .size = size, .choice = { .eod = "", .bos = "" } };
	return bpe_train(p, &t, b, e);
}

static char *merge_list(const struct bpe *b)
{
	struct cbtm_error e = { 0 };
	struct buffer out = { 0 };
	for (uint32_t i = 0; i < b->merges; i++)
		buffer_printf(&out, &e, i ? " %u %u" : "%u %u", b->merge[i][0], b->merge[i][1]);
	return out.data;
}

static void test_merges_are_hugging_faces(void **state)
{
	(void)state;
	struct bpe *b = recorded_vocabulary();
	char *list = merge_list(b);
	assert_int_equal(b->size, 600);
	assert_string_equal(list, recorded_merge_list());
	free(list);
	bpe_free(b);
}

static void test_the_layout_is_eod_then_bytes_by_their_code_point(void **state)
{
	(void)state;
	struct bpe *b = recorded_vocabulary();
	assert_int_equal(b->eod, 0);
	assert_int_equal(b->bos, BPE_NONE);
	assert_true(b->symbol[0].special);
	assert_int_equal(b->byte['!'], 1);
	assert_int_equal(b->byte['~'], 94);
	assert_int_equal(b->byte[0xa1], 95);
	assert_int_equal(b->byte[0], 189);
	assert_int_equal(b->byte[0xad], 256);
	bpe_free(b);
}

static void test_the_order_of_texts_and_their_cuts_change_nothing(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	static const char *const texts[] = { "ab ab abc abd", "abc abc d", " zz zzz zzzz", "d cab" };
	char *lists[3];
	for (int way = 0; way < 3; way++) {
		struct bpe_pieces p[2];
		struct bpe *b;
		memset(p, 0, sizeof p);
		for (int i = 0; i < 4; i++) {
			const char *t = texts[way == 1 ? 3 - i : i];
			bpe_pieces_text(&p[way == 2 && i % 2], t, strlen(t), &e);
		}
		bpe_pieces_add(&p[0], &p[1], &e);
		assert_int_equal(train(&p[0], 270, &b, &e), 0);
		lists[way] = merge_list(b);
		bpe_free(b);
		bpe_pieces_free(&p[0]);
		bpe_pieces_free(&p[1]);
	}
	assert_string_equal(lists[0], lists[1]);
	assert_string_equal(lists[0], lists[2]);
	for (int way = 0; way < 3; way++)
		free(lists[way]);
}

/* The definition, counted anew at each step: what the heap must agree with. */
static void count_pairs(uint32_t (*word)[64], const size_t *length, size_t words, uint64_t *count)
{
	memset(count, 0, 512 * 512 * sizeof *count);
	for (size_t w = 0; w < words; w++)
		for (size_t i = 0; i + 1 < length[w]; i++)
			count[word[w][i] * 512 + word[w][i + 1]]++;
}

static void test_each_merge_is_the_commonest_pair(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct random_key key = random_key(1, RANDOM_TEST);
	struct bpe_pieces p = { 0 };
	struct bpe *b;
	static uint32_t word[200][64];
	static uint64_t count[512 * 512];
	size_t length[200];
	for (size_t w = 0; w < 200; w++) {
		char text[64];
		length[w] = 2 + random_below(key, w, 0, 12);
		for (size_t i = 0; i < length[w]; i++)
			text[i] = (char)('a' + random_below(key, w, (uint32_t)i + 1, 4));
		bpe_pieces_text(&p, text, length[w], &e);
		for (size_t i = 0; i < length[w]; i++)
			word[w][i] = (uint32_t)(text[i] - '!' + 1);
	}
	assert_int_equal(train(&p, 300, &b, &e), 0);
	for (uint32_t m = 0; m < b->merges; m++) {
		size_t best = 0;
		count_pairs(word, length, 200, count);
		for (size_t i = 1; i < 512 * 512; i++)
			if (count[i] > count[best])
				best = i;
		assert_int_equal(b->merge[m][0], best / 512);
		assert_int_equal(b->merge[m][1], best % 512);
		for (size_t w = 0; w < 200; w++) {
			size_t to = 0;
			for (size_t i = 0; i < length[w]; i++) {
				bool pair = i + 1 < length[w] && word[w][i] * 512 + word[w][i + 1] == best;
				word[w][to++] = pair ? b->merged[m] : word[w][i];
				i += pair;
			}
			length[w] = to;
		}
	}
	bpe_free(b);
	bpe_pieces_free(&p);
}

static void test_too_few_pairs_make_a_smaller_vocabulary(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct bpe_pieces p = { 0 };
	struct bpe *b;
	bpe_pieces_text(&p, "ab", 2, &e);
	assert_int_equal(train(&p, 4096, &b, &e), 0);
	assert_int_equal(b->size, 258);
	bpe_free(b);
	assert_int_equal(train(&p, 257, &b, &e), 0); /* bytes alone */
	assert_int_equal(b->merges, 0);
	bpe_free(b);
	bpe_pieces_free(&p);
}

/* Ties everywhere, overlaps; a floor of the counts; special tokens in front. */
static void test_corpora_of_ties_and_overlaps_are_merged_as_hugging_face_does(void **state)
{
	(void)state;
	static const char *const special[] = { "<s>", "<pad>", "</s>" };
	for (size_t i = 0; i < sizeof recorded_training / sizeof *recorded_training; i++) {
		struct bpe_training t = { .size = recorded_training[i].size,
			                      .min_frequency = recorded_training[i].min_frequency,
			                      .special = special,
			                      .specials = 3,
			                      .choice = { .eod = "</s>", .bos = "<s>" } };
		struct cbtm_error e = { 0 };
		struct bpe_pieces p = { 0 };
		struct bpe *b;
		bpe_pieces_text(&p, recorded_training[i].text, recorded_training[i].n, &e);
		assert_int_equal(bpe_train(&p, &t, &b, &e), 0);
		assert_int_equal(b->eod, 2);
		assert_int_equal(b->bos, 0);
		char *list = merge_list(b);
		if (strcmp(list ? list : "", recorded_training[i].merges))
			print_error("corpus %zu\n", i);
		assert_string_equal(list ? list : "", recorded_training[i].merges);
		free(list);
		bpe_free(b);
		bpe_pieces_free(&p);
	}
}

static void test_counts_have_64_bits(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct bpe_pieces p = { 0 };
	struct bpe *b;
	/* By 32 bits, 10^10 + 1 is less than 2 * 10^9. */
	bpe_pieces_count(&p, "ab", 2, 10000000001u, &e);
	bpe_pieces_count(&p, "cd", 2, 2000000000u, &e);
	bpe_pieces_count(&p, "ef", 2, 10000000000u, &e);
	bpe_pieces_count(&p, "cd", 2, 1, &e);
	assert_int_equal(train(&p, 260, &b, &e), 0);
	assert_memory_equal(b->symbol[257].bytes, "ab", 2);
	assert_memory_equal(b->symbol[258].bytes, "ef", 2);
	assert_memory_equal(b->symbol[259].bytes, "cd", 2);
	bpe_free(b);
	bpe_pieces_free(&p);
}

static void test_a_special_token_with_a_learnt_name_is_refused(void **state)
{
	(void)state;
	static const char *const special[] = { "<s>", "abc" };
	struct bpe_training t = {
		.size = 300, .special = special, .specials = 2, .choice = { .eod = "<s>", .bos = "" }
	};
	struct cbtm_error e = { 0 };
	struct bpe_pieces p = { 0 };
	struct bpe *b;
	bpe_pieces_text(&p, "abcabc", 6, &e);
	assert_int_equal(bpe_train(&p, &t, &b, &e), CBTM_ERR_BAD_DATA);
	assert_null(b);
	assert_non_null(strstr(e.what, "\"abc\""));
	bpe_pieces_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merges_are_hugging_faces),
		cmocka_unit_test(test_the_layout_is_eod_then_bytes_by_their_code_point),
		cmocka_unit_test(test_the_order_of_texts_and_their_cuts_change_nothing),
		cmocka_unit_test(test_each_merge_is_the_commonest_pair),
		cmocka_unit_test(test_corpora_of_ties_and_overlaps_are_merged_as_hugging_face_does),
		cmocka_unit_test(test_counts_have_64_bits),
		cmocka_unit_test(test_a_special_token_with_a_learnt_name_is_refused),
		cmocka_unit_test(test_too_few_pairs_make_a_smaller_vocabulary),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
