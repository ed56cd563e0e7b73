/* SPDX-License-Identifier: MIT */
#include "scratch.h"
#include "store/split.h"
#include "store/tokens.h"
#include "text/encoding.h"
#include "text/little.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 150 }; /* more than are encoded at once */

/* Row i is "row " and i letters; the vocabulary is that of a little corpus. */
struct fixture {
	struct dataset *vocabulary;
	struct bpe *bpe;
	char content[DIGEST_HEX], *text;
	size_t start[ROWS + 1];
	uint64_t key[ROWS];
	uint8_t split[ROWS];
	struct cbtm_error e;
};

static void begin(struct fixture *f, void **state)
{
	char *in = strdup(scratch_path(state, "in"));
	memset(f, 0, sizeof *f);
	little_corpus_write(in);
	assert_int_equal(
		little_documents(in, scratch_path(state, "o"), 1 << 30, 2, &little_rules, &f->e), 0);
	assert_int_equal(little_tokens(scratch_path(state, "o"), 2, &f->e), 0);
	f->vocabulary = little_open(scratch_path(state, "o"), "vocabulary");
	assert_int_equal(bpe_open(f->vocabulary, &f->bpe, f->content, &f->e), 0);
	f->text = malloc((size_t)ROWS * (ROWS + 4));
	for (size_t i = 0; i < ROWS; i++) {
		f->start[i + 1] = f->start[i] + 4 + i;
		memcpy(f->text + f->start[i], "row ", 4);
		memset(f->text + f->start[i] + 4, 'a' + (int)i % 7, i);
		f->key[i] = 1000 + i;
		f->split[i] = (uint8_t)(i % SPLIT_COUNT);
	}
	free(in);
}

static void end(struct fixture *f)
{
	free(f->text);
	bpe_free(f->bpe);
	dataset_close(f->vocabulary);
}

static struct store_writer *create(void **state, struct fixture *f)
{
	struct store_writer *w;
	assert_int_equal(store_create(scratch_path(state, "tokens"), 0, store_kind_find("tokens"),
	                              (struct digest){ 3, 4 }, &w, &f->e),
	                 0);
	return w;
}

/* Rows [from, to) by one thread, then its commit. */
static void add(struct fixture *f, struct encoding *c, size_t from, size_t to)
{
	struct bpe_ids ids = { 0 };
	uint64_t n[ROWS];
	assert_int_equal(encoding_ids(c, from % 2, f->text, f->start + from, to - from, &ids, n, &f->e),
	                 0);
	assert_int_equal(encoding_append(c, f->key + from, f->split + from, ids.v, n, to - from, &f->e),
	                 0);
	assert_int_equal(encoding_commit(c, &f->e), 0);
	bpe_ids_free(&ids);
}

static void test_rows_and_counts_go_on_behind_a_commit(void **state)
{
	struct fixture f;
	struct encoding *c;
	struct bpe_encoder *alone;
	struct tokens_reader *r;
	struct store *s;
	uint64_t tokens[SPLIT_COUNT] = { 0 };
	begin(&f, state);
	struct store_writer *w = create(state, &f);
	assert_int_equal(encoding_new(f.bpe, f.content, 2, w, &c, &f.e), 0);
	assert_int_equal(encoding_rows(c), 0);
	assert_int_equal(encoding_id_bytes(c), 2);
	add(&f, c, 0, 70);
	encoding_free(c);
	store_leave(w);
	w = create(state, &f);
	assert_int_equal(encoding_open(f.vocabulary, NULL, 2, w, &c, &f.e), 0);
	assert_int_equal(encoding_rows(c), 70);
	add(&f, c, 70, ROWS);
	assert_int_equal(encoding_finish(c, &f.e), 0);
	encoding_free(c);
	assert_int_equal(store_seal(w, &f.e), 0);

	assert_int_equal(store_open(scratch_path(state, "tokens"), 0, NULL, &s, &f.e), 0);
	assert_int_equal(tokens_open(s, &r, &f.e), 0);
	alone = bpe_encoder_new(f.bpe, &f.e);
	for (size_t i = 0; i < ROWS; i++) {
		struct bpe_ids ids = { 0 };
		const uint32_t *got;
		uint64_t n;
		assert_int_equal(tokens_read(r, i, &got, &n, &f.e), 0);
		bpe_encode(alone, f.text + f.start[i], f.start[i + 1] - f.start[i], &ids, &f.e);
		assert_int_equal(n, ids.n);
		assert_memory_equal(got, ids.v, n * sizeof *got);
		tokens[i % SPLIT_COUNT] += n;
		bpe_ids_free(&ids);
	}
	for (int i = 0; i < SPLIT_COUNT; i++) {
		char name[32];
		uint64_t fact;
		snprintf(name, sizeof name, "tokens.%s", split_names[i]);
		assert_true(store_get_u64(s, name, &fact));
		assert_int_equal(fact, tokens[i]);
	}
	bpe_encoder_free(alone);
	tokens_close(r);
	store_close(s);
	end(&f);
}

static void test_a_cursor_of_another_size_is_refused(void **state)
{
	struct fixture f;
	struct encoding *c;
	begin(&f, state);
	struct store_writer *w = create(state, &f);
	assert_int_equal(store_commit(w, "x", 1, &f.e), 0);
	store_leave(w);
	w = create(state, &f);
	assert_int_equal(encoding_new(f.bpe, f.content, 1, w, &c, &f.e), CBTM_ERR_BAD_STORE);
	encoding_free(c);
	store_leave(w);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rows_and_counts_go_on_behind_a_commit, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_cursor_of_another_size_is_refused, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
