/* SPDX-License-Identifier: MIT */
#include "text/vocabulary.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = { "<|endoftext|>", "<pad>", "<pad>", "" };
static const struct vocabulary_rules usual = { .size = 300,
	                                           .special = { names, 1 },
	                                           .vocab = "",
	                                           .merges = "",
	                                           .tokenizer = "",
	                                           .eod = "",
	                                           .bos = "" };

static void refused(struct vocabulary_rules r, const char *where)
{
	struct cbtm_error e = { 0 };
	assert_int_equal(vocabulary_check(&r, &e), CBTM_ERR_CONFIG);
	assert_string_equal(e.where, where);
}

static void test_a_vocabulary_is_trained_unless_files_are_named(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct vocabulary_rules r = usual;
	assert_true(vocabulary_is_trained(&r));
	assert_int_equal(vocabulary_check(&r, &e), 0);
	r.tokenizer = "tokenizer.json";
	assert_false(vocabulary_is_trained(&r));
	assert_int_equal(vocabulary_check(&r, &e), 0);
}

static void test_files_that_do_not_go_together_are_refused(void **state)
{
	(void)state;
	struct vocabulary_rules r = usual;
	r.vocab = "vocab.json";
	refused(r, "tokenize.vocabulary.merges");
	r.merges = "merges.txt";
	r.tokenizer = "tokenizer.json";
	refused(r, "tokenize.vocabulary.tokenizer");
	r = usual;
	r.merges = "merges.txt";
	refused(r, "tokenize.vocabulary.vocab");
}

static void test_special_tokens_are_different_and_not_empty(void **state)
{
	(void)state;
	struct vocabulary_rules r = usual;
	r.special.n = 3;
	refused(r, "tokenize.vocabulary.special");
	r.special = (struct cbtm_texts){ names + 3, 1 };
	refused(r, "tokenize.vocabulary.special");
}

static void test_a_file_that_is_not_there_is_missing_input(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct vocabulary_rules r = usual;
	struct bpe *b;
	r.tokenizer = "/nowhere/tokenizer.json";
	assert_int_equal(vocabulary_make(&r, NULL, NULL, &b, &e), CBTM_ERR_MISSING_INPUT);
	assert_null(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_vocabulary_is_trained_unless_files_are_named),
		cmocka_unit_test(test_files_that_do_not_go_together_are_refused),
		cmocka_unit_test(test_special_tokens_are_different_and_not_empty),
		cmocka_unit_test(test_a_file_that_is_not_there_is_missing_input),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
