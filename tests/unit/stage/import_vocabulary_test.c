/* SPDX-License-Identifier: MIT */
#include "model/huggingface_help.h"
#include "scratch.h"
#include "stage/import_vocabulary.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* vocab.json of bytes behind <s> and </s>, merges.txt, and tokenizer_config.json if given. */
static void write(const char *folder, const char *config)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	buffer_text(&b, "{\"<s>\":0,\"</s>\":1", &e);
	for (int i = 0; i < 256; i++)
		buffer_printf(&b, &e, ",\"\\u%04x\":%d", bpe_byte_point((unsigned char)i), i + 2);
	buffer_text(&b, "}", &e);
	test_write_file(folder, "vocab.json", b.data, b.n);
	test_write_file(folder, "merges.txt", "#version: 0.2\n", 14);
	if (config)
		test_write_file(folder, "tokenizer_config.json", config, strlen(config));
	buffer_free(&b);
}

/* EOD, BOS and the id of a BOS that is only named. */
static void expect(void **state, const char *config, const struct bpe_choice *choice, uint32_t eod,
                   uint32_t bos, uint32_t named)
{
	struct cbtm_error e = { 0 };
	struct bpe *bpe = NULL;
	uint32_t other;
	write(*state, config);
	if (import_tokenizer(*state, choice, &bpe, &other, &e))
		fail_msg("%s: %s", e.where, e.what);
	assert_int_equal(bpe->eod, eod);
	assert_int_equal(bpe->bos, bos);
	assert_int_equal(other, named);
	bpe_free(bpe);
}

static const struct bpe_choice none = { .eod = "", .bos = "" };

static void test_ends_are_those_that_the_tokenizer_names(void **state)
{
	expect(state, "{\"eos_token\": \"<s>\", \"bos_token\": \"</s>\"}", &none, 0, BPE_NONE, 1);
}

static void test_a_bos_that_the_tokenizer_adds_is_the_vocabularys(void **state)
{
	expect(
		state,
		"{\"eos_token\": {\"content\": \"</s>\"}, \"bos_token\": \"<s>\", \"add_bos_token\": true}",
		&none, 1, 0, BPE_NONE);
}

static void test_what_is_asked_for_wins(void **state)
{
	struct bpe_choice choice = { .eod = "<s>", .bos = "</s>" };
	expect(state, "{\"eos_token\": \"</s>\", \"bos_token\": \"<s>\"}", &choice, 0, 1, BPE_NONE);
}

static void test_without_a_word_the_usual_names_count(void **state)
{
	expect(state, NULL, &none, 1, BPE_NONE, BPE_NONE);
}

static void test_a_name_that_no_token_has_is_refused(void **state)
{
	struct cbtm_error e = { 0 };
	struct bpe *bpe = NULL;
	uint32_t named;
	write(*state, "{\"eos_token\": \"<end>\"}");
	assert_int_not_equal(import_tokenizer(*state, &none, &bpe, &named, &e), 0);
	assert_null(bpe);
	assert_non_null(strstr(e.hint, "--eod"));
}

static void test_a_folder_without_a_tokenizer_has_none(void **state)
{
	struct cbtm_error e = { 0 };
	struct bpe *bpe = NULL;
	uint32_t named;
	assert_int_equal(import_tokenizer(*state, &none, &bpe, &named, &e), 0);
	assert_null(bpe);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ends_are_those_that_the_tokenizer_names),
		TEST(test_a_bos_that_the_tokenizer_adds_is_the_vocabularys),
		TEST(test_what_is_asked_for_wins),
		TEST(test_without_a_word_the_usual_names_count),
		TEST(test_a_name_that_no_token_has_is_refused),
		TEST(test_a_folder_without_a_tokenizer_has_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
