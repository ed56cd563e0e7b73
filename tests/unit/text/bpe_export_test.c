/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "scratch.h"
#include "text/bpe_export.h"
#include "text/recorded.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The recorded vocabulary with more symbols, of which the last is EOD. */
static struct bpe *vocabulary(const struct bpe_symbol *more, uint32_t n, const char *bos)
{
	struct bpe *b = recorded_vocabulary(), *made;
	struct bpe_symbol *symbol = calloc(b->size + n, sizeof *symbol);
	struct bpe_choice choice = { .eod = "<end>", .bos = bos, .prefix_space = true };
	struct cbtm_error e = { 0 };
	memcpy(symbol, b->symbol, b->size * sizeof *symbol);
	if (n)
		memcpy(symbol + b->size, more, n * sizeof *symbol);
	bpe_make(symbol, b->size + n, (const uint32_t(*)[2])b->merge, b->merges, &choice, "here", &made,
	         &e);
	assert_string_equal(e.what, "");
	free(symbol);
	bpe_free(b);
	return made;
}

static const struct bpe_symbol odd[] = {
	{ "never", 5, true, 0 },
	{ NULL, 0, true, 0 }, /* a hole */
	{ "\"\\\n\xc3\xa9 x", 7, false, BPE_ADDED | BPE_LSTRIP | BPE_RSTRIP },
	{ "word", 4, false, BPE_ADDED | BPE_SINGLE_WORD | BPE_NORMALIZED },
	{ "<end>", 5, true, BPE_ADDED },
};
enum { ODD = sizeof odd / sizeof *odd };

static void read_file(void **state, const char *name, struct buffer *b)
{
	struct cbtm_error e = { 0 };
	buffer_clear(b);
	assert_int_equal(file_read(scratch_path(state, name), 1 << 24, b, &e), 0);
}

static void test_what_is_written_is_read_back_the_same(void **state)
{
	struct cbtm_error e = { 0 };
	struct bpe *b = vocabulary(odd, ODD, "<end>"), *c;
	struct bpe_choice choice = { .eod = "<end>", .bos = "" };
	char *folder = strdup(scratch_path(state, "a/b"));
	assert_int_equal(bpe_export(b, folder, false, &e), 0);
	assert_int_equal(
		bpe_import_tokenizer(scratch_path(state, "a/b/tokenizer.json"), &choice, &c, &e), 0);
	assert_int_equal(c->size, b->size);
	assert_int_equal(c->bos, b->bos); /* the post-processor tells it */
	assert_true(c->prefix_space);
	for (uint32_t i = 0; i < b->size; i++) {
		assert_int_equal(c->symbol[i].n, b->symbol[i].n);
		assert_int_equal(c->symbol[i].added, b->symbol[i].added);
		assert_int_equal(c->symbol[i].special, b->symbol[i].special);
	}
	assert_memory_equal(c->merge, b->merge, b->merges * sizeof *b->merge);
	bpe_free(b);
	bpe_free(c);
	free(folder);
}

static void test_the_same_vocabulary_gives_the_same_bytes(void **state)
{
	static const char *const name[] = { "tokenizer.json", "vocab.json", "merges.txt",
		                                "tokenizer_config.json" };
	struct cbtm_error e = { 0 };
	struct bpe *b = vocabulary(odd, ODD, "");
	struct buffer first = { 0 }, second = { 0 };
	char *one = strdup(scratch_path(state, "one"));
	assert_int_equal(bpe_export(b, one, false, &e), 0);
	assert_int_equal(bpe_export(b, scratch_path(state, "two"), false, &e), 0);
	for (int i = 0; i < 4; i++) {
		char path[64];
		snprintf(path, sizeof path, "one/%s", name[i]);
		read_file(state, path, &first);
		snprintf(path, sizeof path, "two/%s", name[i]);
		read_file(state, path, &second);
		assert_int_equal(first.n, second.n);
		assert_memory_equal(first.data, second.data, first.n);
	}
	buffer_free(&first);
	buffer_free(&second);
	bpe_free(b);
	free(one);
}

static void test_files_that_are_there_are_kept_unless_forced(void **state)
{
	struct cbtm_error e = { 0 };
	struct bpe *b = vocabulary(odd, ODD, "");
	struct buffer text = { 0 };
	char *folder = strdup(scratch_path(state, ""));
	file_replace(scratch_path(state, "merges.txt"), "mine", 4, &e);
	assert_int_equal(bpe_export(b, folder, false, &e), CBTM_ERR_CREATE);
	assert_non_null(strstr(e.where, "merges.txt"));
	assert_false(file_exists(scratch_path(state, "vocab.json")));
	e = (struct cbtm_error){ 0 };
	assert_int_equal(bpe_export(b, folder, true, &e), 0);
	read_file(state, "merges.txt", &text);
	assert_int_equal(strncmp(text.data, "#version: 0.2\n", 14), 0);
	assert_false(file_exists(scratch_path(state, "merges.txt.partial")));
	buffer_free(&text);
	bpe_free(b);
	free(folder);
}

static void test_names_that_json_cannot_tell_are_refused(void **state)
{
	/* No UTF-8; the name of a byte. */
	static const struct bpe_symbol bad[][2] = {
		{ { "x\xff", 2, true, BPE_ADDED }, { "<end>", 5, true, BPE_ADDED } },
		{ { "!", 1, true, 0 }, { "<end>", 5, true, BPE_ADDED } },
	};
	for (int i = 0; i < 2; i++) {
		struct cbtm_error e = { 0 };
		struct bpe *b = vocabulary(bad[i], 2, "");
		assert_int_equal(bpe_export(b, scratch_path(state, "x"), false, &e), CBTM_ERR_BAD_DATA);
		assert_false(file_exists(scratch_path(state, "x/tokenizer.json")));
		assert_false(file_exists(scratch_path(state, "x/tokenizer.json.partial")));
		bpe_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_written_is_read_back_the_same, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_the_same_vocabulary_gives_the_same_bytes, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_files_that_are_there_are_kept_unless_forced,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_names_that_json_cannot_tell_are_refused, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
