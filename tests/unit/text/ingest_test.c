/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "scratch.h"
#include "text/little.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void put(void **state, const char *name, const char *text)
{
	struct cbtm_error e = { 0 };
	assert_int_equal(file_replace(scratch_path(state, name), text, strlen(text), &e), 0);
}

/* Ingests the file "in" into the folder `out`. */
static int ingest(void **state, const char *out, uint64_t part_bytes, unsigned threads,
                  uint64_t bad_lines, struct cbtm_error *e)
{
	struct reading_rules rules = little_rules;
	char *in = strdup(scratch_path(state, "in"));
	rules.bad_lines = bad_lines;
	rules.bad_input = bad_lines ? BAD_INPUT_SKIP : BAD_INPUT_ABORT;
	int status = little_documents(in, scratch_path(state, out), part_bytes, threads, &rules, e);
	free(in);
	return status;
}

static uint64_t fact(void **state, const char *folder, const char *name)
{
	struct cbtm_error e = { 0 };
	struct dataset *d = little_open(scratch_path(state, folder), "documents");
	uint64_t sum = 0;
	assert_int_equal(dataset_sum(d, name, &sum, &e), 0);
	dataset_close(d);
	return sum;
}

/* All texts and ids, one behind the other. */
static char *content(void **state, const char *folder)
{
	struct cbtm_error e = { 0 };
	struct dataset *d = little_open(scratch_path(state, folder), "documents");
	struct buffer out = { 0 };
	for (uint32_t part = 0; part < dataset_parts(d); part++) {
		struct store *s;
		struct store_reader *text, *id, *split;
		const void *data;
		uint64_t n;
		uint8_t which;
		assert_int_equal(dataset_part(d, part, &s, &e), 0);
		store_reader_open(s, "text", &text, &e);
		store_reader_open(s, "id", &id, &e);
		store_reader_open(s, "split", &split, &e);
		for (uint64_t row = 0; row < store_row_count(s, "key"); row++) {
			store_read_row(id, row, &data, &n, &e);
			buffer_add(&out, data, n, &e);
			store_read_rows(split, row, 1, &which, &e);
			buffer_printf(&out, &e, " %d ", which);
			store_read_row(text, row, &data, &n, &e);
			buffer_add(&out, data, n, &e);
			buffer_text(&out, "\n", &e);
		}
		store_reader_close(text);
		store_reader_close(id);
		store_reader_close(split);
		store_close(s);
	}
	assert_int_equal(e.name, 0);
	dataset_close(d);
	return out.data;
}

static void test_parts_and_threads_change_no_document(void **state)
{
	struct cbtm_error e = { 0 };
	little_corpus_write(scratch_path(state, "in"));
	assert_int_equal(ingest(state, "one", 1 << 30, 1, 0, &e), 0);
	assert_int_equal(ingest(state, "many", 5000, 3, 0, &e), 0);
	char *one = content(state, "one"), *many = content(state, "many");
	assert_string_equal(one, many);
	assert_int_equal(fact(state, "one", "documents"), LITTLE_DOCUMENTS);
	assert_int_equal(fact(state, "many", "documents"), LITTLE_DOCUMENTS);
	assert_int_equal(fact(state, "one", "bytes"), fact(state, "many", "bytes"));
	assert_int_equal(fact(state, "one", "documents.seed") + fact(state, "one", "documents.branch") +
	                     fact(state, "one", "documents.valid") +
	                     fact(state, "one", "documents.test"),
	                 LITTLE_DOCUMENTS);
	free(one);
	free(many);
}

static void test_a_second_run_goes_on_behind_what_is_committed(void **state)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	struct pool *pool = pool_new(2, &e);
	little_corpus_write(scratch_path(state, "in"));
	assert_int_equal(ingest(state, "whole", 1 << 30, 2, 0, &e), 0);
	/* A part that holds the first rows of another, shorter reading of the same file. */
	struct source *s = little_plan(scratch_path(state, "in"), 1 << 30);
	s->part[0].to = 9000;
	const char *dir = scratch_path(state, "cut/documents");
	store_create(dir, 0, store_kind_find("documents"), (struct digest){ 7, 0 }, &w, &e);
	struct ingest in = { .source = s, .rules = &little_rules, .pool = pool, .out = w };
	assert_int_equal(ingest_part(&in, &e), 0);
	assert_in_range(store_rows(w, "key"), 1, LITTLE_DOCUMENTS - 1);
	store_leave(w);
	source_free(s);
	pool_free(pool);
	assert_int_equal(ingest(state, "cut", 1 << 30, 2, 0, &e), 0);
	struct dataset *a = little_open(scratch_path(state, "whole"), "documents");
	struct dataset *b = little_open(scratch_path(state, "cut"), "documents");
	assert_true(digest_equal(dataset_content(a), dataset_content(b)));
	dataset_close(a);
	dataset_close(b);
}

/* Part 0 of the corpus, cut at byte `to`, in one pass into `out` and out/tokens with the
 * vocabulary of "apart"; what is not wanted is left out. Sealed if it is whole. */
static void ingest_both(void **state, const char *out, uint64_t to, bool documents, bool tokens)
{
	struct cbtm_error e = { 0 };
	struct digest fingerprint = { 7, 0 };
	struct pool *pool = pool_new(2, &e);
	struct dataset *v = little_open(scratch_path(state, "apart"), "vocabulary");
	struct source *s = little_plan(scratch_path(state, "in"), 1 << 30);
	struct store_writer *w, *t = NULL;
	struct encoding *encoding = NULL;
	char content[DIGEST_HEX];
	struct bpe *bpe;
	s->part[0].to = to;
	const char *dir = scratch_path(state, documents ? out : "nowhere");
	store_create(dir, 0, store_kind_find("documents"), fingerprint, &w, &e);
	assert_int_equal(bpe_open(v, &bpe, content, &e), 0);
	if (tokens) {
		char *folder = path_join(scratch_path(state, out), "tokens", &e);
		store_create(folder, 0, store_kind_find("tokens"), fingerprint, &t, &e);
		assert_int_equal(encoding_new(bpe, content, 2, t, &encoding, &e), 0);
		free(folder);
	}
	struct ingest in = {
		.source = s, .rules = &little_rules, .pool = pool, .out = w, .tokens = encoding
	};
	assert_int_equal(ingest_part(&in, &e), 0);
	encoding_free(encoding);
	if (to == UINT64_MAX) {
		assert_int_equal(store_seal(w, &e), 0);
		assert_int_equal(t ? store_seal(t, &e) : 0, 0);
	} else {
		store_leave(w);
		store_leave(t);
	}
	bpe_free(bpe);
	source_free(s);
	dataset_close(v);
	pool_free(pool);
}

static struct digest part_content(void **state, const char *dir)
{
	struct cbtm_error e = { 0 };
	struct store *s;
	assert_int_equal(store_open(scratch_path(state, dir), 0, NULL, &s, &e), 0);
	struct digest d = store_content(s);
	store_close(s);
	return d;
}

static void test_one_pass_makes_tokens_too_wherever_both_stood(void **state)
{
	/* Bytes of the corpus after which documents and tokens were left before. */
	static const uint64_t left[][2] = { { 0, 0 },       { 9000, 9000 }, { 9000, 4000 },
		                                { 4000, 9000 }, { 0, 9000 },    { 9000, 0 } };
	struct cbtm_error e = { 0 };
	little_corpus_write(scratch_path(state, "in"));
	assert_int_equal(ingest(state, "apart", 1 << 30, 2, 0, &e), 0);
	assert_int_equal(little_tokens(scratch_path(state, "apart"), 2, &e), 0);
	for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
		char out[16], tokens[32];
		snprintf(out, sizeof out, "both%zu", i);
		snprintf(tokens, sizeof tokens, "%s/tokens", out);
		if (left[i][0])
			ingest_both(state, out, left[i][0], true, false);
		if (left[i][1])
			ingest_both(state, out, left[i][1], false, true);
		ingest_both(state, out, UINT64_MAX, true, true);
		assert_true(digest_equal(part_content(state, out), part_content(state, "apart/documents")));
		assert_true(digest_equal(part_content(state, tokens), part_content(state, "apart/tokens")));
	}
}

static void test_a_bad_line_is_named_or_left_out_and_counted(void **state)
{
	struct cbtm_error e = { 0 };
	put(state, "in",
	    "{\"text\": \"one\"}\n\n{\"text\": \n{\"text\": \"two\"}\n{\"txt\": \"three\"}\n");
	assert_int_equal(ingest(state, "a", 1 << 30, 1, 0, &e), CBTM_ERR_BAD_JSON);
	assert_non_null(strstr(e.where, "in:3:17"));
	e = (struct cbtm_error){ 0 };
	assert_int_equal(ingest(state, "a", 1 << 30, 1, 1, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.where, "in:5:43"));
	e = (struct cbtm_error){ 0 };
	assert_int_equal(ingest(state, "a", 1 << 30, 1, 2, &e), 0);
	assert_int_equal(fact(state, "a", "documents"), 2);
	assert_int_equal(fact(state, "a", "bad_lines"), 2);
}

static void test_invalid_utf8_is_named_or_repaired_and_counted(void **state)
{
	struct cbtm_error e = { 0 };
	put(state, "in", "{\"id\": 1, \"text\": \"a\xff\"}\n{\"id\": 2, \"text\": \"\\ud800\"}\n");
	assert_int_equal(ingest(state, "a", 1 << 30, 1, 0, &e), CBTM_ERR_BAD_UTF8);
	assert_non_null(strstr(e.where, "in:1"));
	e = (struct cbtm_error){ 0 };
	assert_int_equal(ingest(state, "a", 1 << 30, 1, 2, &e), 0);
	assert_int_equal(fact(state, "a", "documents"), 2);
	assert_int_equal(fact(state, "a", "repaired"), 2);
	char *text = content(state, "a");
	assert_non_null(strstr(text, "a\ufffd\n"));
	free(text);
}

static void test_repeated_ids_are_counted(void **state)
{
	struct cbtm_error e = { 0 };
	put(state, "in",
	    "{\"text\": \"a\"}\n{\"text\": \"a\"}\n{\"text\": \"b\", \"id\": 1}\n"
	    "{\"text\": \"c\", \"id\": \"1\"}\n{\"text\": \"c\", \"id\": 2}\n");
	assert_int_equal(ingest(state, "a", 1 << 30, 1, 0, &e), 0);
	assert_int_equal(fact(state, "a", "repeated_ids"), 2);
	assert_int_equal(fact(state, "a", "documents"), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_parts_and_threads_change_no_document, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_second_run_goes_on_behind_what_is_committed,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_one_pass_makes_tokens_too_wherever_both_stood,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_bad_line_is_named_or_left_out_and_counted,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_invalid_utf8_is_named_or_repaired_and_counted,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_repeated_ids_are_counted, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
