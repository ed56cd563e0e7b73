/* SPDX-License-Identifier: MIT */
#include "base/nearest.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_distances(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		size_t d;
	} rows[] = {
		{ "", "", 0 },         { "", "abc", 3 },          { "kitten", "sitting", 3 },
		{ "dims", "dmis", 1 }, { "min_df", "min-df", 0 }, { "seed.tokens", "seed-tokens", 0 },
		{ "ca", "abc", 3 },
	};
	char long_word[80];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(nearest_distance(rows[i].a, rows[i].b), rows[i].d);
		assert_int_equal(nearest_distance(rows[i].b, rows[i].a), rows[i].d);
	}
	memset(long_word, 'x', sizeof long_word);
	long_word[79] = 0;
	assert_true(nearest_distance(long_word, "x") == SIZE_MAX);
}

static void test_only_near_words_are_offered(void **state)
{
	(void)state;
	const char *words[] = { "tokenize", NULL, "embed", "cluster", "shard", "train", "evaluate" };
	assert_string_equal(nearest_word("tokenise", words, 7), "tokenize");
	assert_string_equal(nearest_word("clutser", words, 7), "cluster");
	assert_string_equal(nearest_word("trian", words, 7), "train");
	assert_null(nearest_word("quantum", words, 7));
	assert_null(nearest_word("x", words, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distances),
		cmocka_unit_test(test_only_near_words_are_offered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
