/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "text/encode_ranks.h"
#include "text/torture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t merge_of(const struct bpe *b, uint32_t left, uint32_t right)
{
	const struct bpe_pair *p = bpe_pair_find(b, left, right);
	return p ? p->rank << 16 | p->id : ENCODE_NO_MERGE;
}

static void check(const struct bpe *b, uint32_t step)
{
	for (uint32_t l = 0; l < b->size; l += step) {
		for (uint32_t r = 0; r < b->size; r++)
			assert_int_equal(encode_ranks_find(b->ranks, l, r), merge_of(b, l, r));
		assert_int_equal(encode_ranks_find(b->ranks, l, ENCODE_NO_ID), ENCODE_NO_MERGE);
		assert_int_equal(encode_ranks_find(b->ranks, ENCODE_NO_ID, l), ENCODE_NO_MERGE);
	}
	for (uint32_t i = 0; i < b->merges; i++)
		assert_int_equal(encode_ranks_find(b->ranks, b->merge[i][0], b->merge[i][1]),
		                 i << 16 | b->merged[i]);
	for (unsigned i = 0; i < 1 << 16; i++)
		assert_int_equal(b->ranks->bytes[i], merge_of(b, b->byte[i & 255], b->byte[i >> 8]));
}

static void test_every_pair_has_its_merge_and_no_other(void **state)
{
	(void)state;
	struct bpe *b = torture_vocabulary(TORTURE_RECORDED);
	check(b, 1);
	bpe_free(b);
}

/* All byte pairs, and as many of a byte and such a pair as the limit lets: `merges` of them. */
static struct bpe *large(uint32_t merges)
{
	struct cbtm_error e = { 0 };
	uint32_t size = 256 + merges + 1, made = 0;
	struct bpe_symbol *symbol = calloc(size, sizeof *symbol);
	uint32_t(*merge)[2] = calloc(merges, sizeof *merge);
	char(*bytes)[3] = calloc(size, sizeof *bytes);
	struct bpe *b = NULL;
	for (uint32_t i = 0; i < 256; i++) {
		bytes[i][0] = (char)i;
		symbol[i] = (struct bpe_symbol){ .bytes = bytes[i], .n = 1 };
	}
	for (; made < merges; made++) {
		uint32_t id = 256 + made, left = made % 256, right = made / 256 % 256;
		bytes[id][0] = (char)left;
		bytes[id][1] = (char)right;
		bytes[id][2] = 'x';
		symbol[id] = (struct bpe_symbol){ .bytes = bytes[id], .n = made < 1 << 16 ? 2 : 3 };
		merge[made][0] = made < 1 << 16 ? left : 256 + (made - (1 << 16));
		merge[made][1] = made < 1 << 16 ? right : 'x';
	}
	symbol[size - 1] = (struct bpe_symbol){ .bytes = "</s>", .n = 4, .special = true };
	assert_int_equal(bpe_make(symbol, size, (const uint32_t(*)[2])merge, merges,
	                          &(struct bpe_choice){ .eod = "", .bos = "" }, "test", &b, &e),
	                 0);
	free(symbol);
	free(merge);
	free(bytes);
	return b;
}

static void test_as_many_merges_as_16_bits_hold_and_no_more(void **state)
{
	(void)state;
	struct bpe *b = large(0xfffe - 257);
	assert_non_null(b->ranks);
	check(b, 1001);
	bpe_free(b);
	b = large(0xffff - 257);
	assert_null(b->ranks);
	bpe_free(b);
	b = large(0);
	check(b, 1);
	bpe_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair_has_its_merge_and_no_other),
		cmocka_unit_test(test_as_many_merges_as_16_bits_hold_and_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
