/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "base/json.h"
#include "scratch.h"
#include "text/bpe.h"
#include "text/recorded.h"
#include "text/utf8.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Writes a vocabulary as Hugging Face does; `more` goes into vocab.json behind the tokens. */
static void write_files(void **state, const struct bpe *b, const char *more)
{
	struct cbtm_error e = { 0 };
	struct buffer spelt[1024], vocab = { 0 }, merges = { 0 };
	memset(spelt, 0, sizeof spelt);
	json_put_open(&vocab, '{', &e);
	for (uint32_t i = 0; i < b->size; i++) {
		for (uint32_t j = 0; j < b->symbol[i].n; j++) {
			char c[4];
			unsigned n = utf8_put(bpe_byte_point((unsigned char)b->symbol[i].bytes[j]), c);
			buffer_add(&spelt[i], c, n, &e);
		}
		json_put_key(&vocab, spelt[i].data, &e);
		json_put_u64(&vocab, i, &e);
	}
	buffer_printf(&vocab, &e, "%s}", more);
	buffer_text(&merges, "#version: 0.2\n", &e);
	for (uint32_t i = 0; i < b->merges; i++)
		buffer_printf(&merges, &e, "%s %s\n", spelt[b->merge[i][0]].data,
		              spelt[b->merge[i][1]].data);
	file_replace(scratch_path(state, "vocab.json"), vocab.data, vocab.n, &e);
	file_replace(scratch_path(state, "merges.txt"), merges.data, merges.n, &e);
	assert_int_equal(e.name, 0);
	for (uint32_t i = 0; i < b->size; i++)
		buffer_free(&spelt[i]);
	buffer_free(&vocab);
	buffer_free(&merges);
}

static int import(void **state, const char *eod, const char *bos, struct bpe **b,
                  struct cbtm_error *e)
{
	char *vocab = strdup(scratch_path(state, "vocab.json"));
	int status = bpe_import(vocab, scratch_path(state, "merges.txt"),
	                        &(struct bpe_choice){ .eod = eod, .bos = bos }, b, e);
	free(vocab);
	return status;
}

static void test_import_gives_the_same_vocabulary(void **state)
{
	struct cbtm_error e = { 0 };
	struct bpe *b = recorded_vocabulary(), *c;
	write_files(state, b, "");
	assert_int_equal(import(state, "", "", &c, &e), 0);
	assert_int_equal(c->size, b->size);
	assert_int_equal(c->eod, b->eod);
	assert_int_equal(c->merges, b->merges);
	assert_memory_equal(c->merge, b->merge, b->merges * sizeof *b->merge);
	for (uint32_t i = 0; i < b->size; i++) {
		assert_int_equal(c->symbol[i].special, b->symbol[i].special);
		assert_int_equal(c->symbol[i].n, b->symbol[i].n);
		assert_memory_equal(c->symbol[i].bytes, b->symbol[i].bytes, b->symbol[i].n);
	}
	assert_int_equal(strncmp(c->source_digest.data, "xxh3-128:", 9), 0);
	bpe_free(b);
	bpe_free(c);
}

static void test_what_no_merge_makes_is_special(void **state)
{
	struct cbtm_error e = { 0 };
	struct bpe *b = recorded_vocabulary(), *c;
	write_files(state, b, ", \"<pad>\": 600, \"</s>\": 602");
	assert_int_equal(import(state, "</s>", "<pad>", &c, &e), 0);
	assert_int_equal(c->size, 603);
	assert_int_equal(c->eod, 602);
	assert_int_equal(c->bos, 600);
	assert_true(c->symbol[601].special); /* a hole */
	assert_int_equal(c->symbol[601].n, 0);
	bpe_free(b);
	bpe_free(c);
}

static void refused(void **state, const char *name, const char *text, const char *where,
                    const char *what)
{
	struct cbtm_error e = { 0 };
	struct bpe *c;
	file_replace(scratch_path(state, name), text, strlen(text), &e);
	assert_int_not_equal(import(state, "", "", &c, &e), 0);
	assert_null(c);
	assert_non_null(strstr(e.where, where));
	assert_non_null(strstr(e.what, what));
}

static void test_broken_files_are_refused_with_their_line(void **state)
{
	struct bpe *b = recorded_vocabulary();
	write_files(state, b, "");
	refused(state, "merges.txt", "#version: 0.2\na\n", "merges.txt:2", "not two tokens");
	refused(state, "merges.txt", "a b c\n", "merges.txt:1", "not two tokens");
	refused(state, "merges.txt", "! !\n", "merges.txt:1", "no token \"!!\", which");
	refused(state, "vocab.json", "{\"a\": -1}", "vocab.json", "id of \"a\"");
	refused(state, "vocab.json", "{\"a\": 4000000000}", "vocab.json", "id of \"a\"");
	refused(state, "vocab.json", "{\"a\": 1, \"b\": 1}", "vocab.json", "of another token");
	refused(state, "vocab.json", "[]", "vocab.json", "not an object");
	refused(state, "vocab.json", "{", "vocab.json", "");
	bpe_free(b);
}

static void test_a_missing_file_is_missing_input(void **state)
{
	struct cbtm_error e = { 0 };
	struct bpe *c;
	assert_int_equal(import(state, "", "", &c, &e), CBTM_ERR_MISSING_INPUT);
	assert_non_null(strstr(e.where, "vocab.json"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_import_gives_the_same_vocabulary, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_what_no_merge_makes_is_special, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_broken_files_are_refused_with_their_line, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_missing_file_is_missing_input, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
