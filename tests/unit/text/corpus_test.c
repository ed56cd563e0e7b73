/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "scratch.h"
#include "store/split.h"
#include "store/tokens.h"
#include "text/corpus.h"
#include "text/little.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct bpe_training training = { .size = 300, .choice = { .eod = "", .bos = "" } };

static void make(void **state, const char *out, uint64_t part_bytes, unsigned threads)
{
	struct cbtm_error e = { 0 };
	char *in = strdup(scratch_path(state, "in"));
	little_corpus_write(in);
	assert_int_equal(
		little_documents(in, scratch_path(state, out), part_bytes, threads, &little_rules, &e), 0);
	assert_int_equal(little_tokens(scratch_path(state, out), threads, &e), 0);
	free(in);
}

static void test_parts_and_threads_change_no_id(void **state)
{
	make(state, "one", 1 << 30, 1);
	make(state, "two", 1 << 30, 2);
	make(state, "many", 4000, 3);
	struct dataset *a = little_open(scratch_path(state, "one"), "tokens");
	struct dataset *b = little_open(scratch_path(state, "two"), "tokens");
	struct dataset *c = little_open(scratch_path(state, "one"), "vocabulary");
	struct dataset *d = little_open(scratch_path(state, "many"), "vocabulary");
	struct dataset *f = little_open(scratch_path(state, "many"), "tokens");
	assert_true(digest_equal(dataset_content(a), dataset_content(b)));
	assert_true(digest_equal(dataset_content(c), dataset_content(d)));
	for (int i = 0; i < SPLIT_COUNT; i++) {
		struct cbtm_error e = { 0 };
		uint64_t one, many;
		char name[32];
		snprintf(name, sizeof name, "tokens.%s", split_names[i]);
		assert_int_equal(dataset_sum(a, name, &one, &e), 0);
		assert_int_equal(dataset_sum(f, name, &many, &e), 0);
		assert_int_equal(one, many);
		assert_true(one > 0);
	}
	dataset_close(a);
	dataset_close(b);
	dataset_close(c);
	dataset_close(d);
	dataset_close(f);
}

static void test_ids_decode_to_the_text(void **state)
{
	struct cbtm_error e = { 0 };
	struct store *documents, *tokens;
	struct store_reader *text;
	struct tokens_reader *ids;
	struct bpe *b;
	make(state, "one", 1 << 30, 2);
	struct dataset *v = little_open(scratch_path(state, "one"), "vocabulary");
	store_open(scratch_path(state, "one/documents"), 0, NULL, &documents, &e);
	store_open(scratch_path(state, "one/tokens"), 0, NULL, &tokens, &e);
	assert_int_equal(bpe_open(v, &b, NULL, &e), 0);
	store_reader_open(documents, "text", &text, &e);
	tokens_open(tokens, &ids, &e);
	for (uint64_t row = 0; row < LITTLE_DOCUMENTS; row++) {
		struct buffer back = { 0 };
		const uint32_t *id;
		const void *data;
		uint64_t n, bytes;
		assert_int_equal(tokens_read(ids, row, &id, &n, &e), 0);
		assert_int_equal(store_read_row(text, row, &data, &bytes, &e), 0);
		assert_int_equal(bpe_decode(b, id, n, &back, &e), 0);
		assert_int_equal(back.n, bytes);
		if (bytes)
			assert_memory_equal(back.data, data, bytes);
		buffer_free(&back);
	}
	store_reader_close(text);
	tokens_close(ids);
	store_close(documents);
	store_close(tokens);
	dataset_close(v);
	bpe_free(b);
}

static void test_the_vocabulary_sees_train_documents_only(void **state)
{
	struct cbtm_error e = { 0 };
	struct reading_rules rules = little_rules;
	struct bpe *b;
	rules.document.split_field = "s";
	static const char lines[] = "{\"text\": \"abab\", \"s\": \"train\"}\n"
								"{\"text\": \"xyxyxyxy xyxyxyxy\", \"s\": \"test\"}\n"
								"{\"text\": \"xyxyxyxy xyxyxyxy\", \"s\": \"valid\"}\n";
	char *in = strdup(scratch_path(state, "in"));
	file_replace(in, lines, sizeof lines - 1, &e);
	assert_int_equal(little_documents(in, scratch_path(state, "o"), 1 << 30, 1, &rules, &e), 0);
	struct dataset *d = little_open(scratch_path(state, "o"), "documents");
	assert_int_equal(corpus_vocabulary(d, &training, NULL, &b, &e), 0);
	assert_int_equal(b->merges, 2);
	assert_memory_equal(b->symbol[257].bytes, "ab", 2);
	dataset_close(d);
	bpe_free(b);
	free(in);
}

static void test_no_train_document_is_an_empty_corpus(void **state)
{
	struct cbtm_error e = { 0 };
	struct reading_rules rules = little_rules;
	struct bpe *b;
	rules.document.split_field = "s";
	static const char line[] = "{\"text\": \"abab\", \"s\": \"test\"}\n";
	char *in = strdup(scratch_path(state, "in"));
	file_replace(in, line, sizeof line - 1, &e);
	assert_int_equal(little_documents(in, scratch_path(state, "o"), 1 << 30, 1, &rules, &e), 0);
	struct dataset *d = little_open(scratch_path(state, "o"), "documents");
	assert_int_equal(corpus_vocabulary(d, &training, NULL, &b, &e), CBTM_ERR_EMPTY_CORPUS);
	assert_null(b);
	dataset_close(d);
	free(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_parts_and_threads_change_no_id, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_ids_decode_to_the_text, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_the_vocabulary_sees_train_documents_only, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_no_train_document_is_an_empty_corpus, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
