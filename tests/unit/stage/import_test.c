/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "model/checkpoint.h"
#include "model/huggingface_help.h"
#include "scratch.h"
#include "stage/import.h"
#include "stage/import_checkpoint.h"
#include "stage/import_help.h"
#include "stage/inputs.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const struct cbtm_stage stage_train;
static const struct stage_input input = { "vocabulary", READS_ALL, NULL };
static char vocabulary[4200], out[4200]; /* in each test's folder */

static int set_up(void **state)
{
	if (scratch_make(state))
		return -1;
	snprintf(vocabulary, sizeof vocabulary, "%s/vocabulary", (char *)*state);
	snprintf(out, sizeof out, "%s/seed", (char *)*state);
	return 0;
}

/* Imports FOLDER with the vocabulary DIR into TO. */
static enum cbtm_error_name import(void **state, const char *dir, uint64_t length, const char *to,
                                   struct cbtm_error *e)
{
	struct stage_place place = { &input, &dir, 1 };
	struct digest fingerprint = { 5, 6 };
	struct stage_run run = { .stage = &stage_train, .task = &stage_train.tasks[0] };
	const struct store_kind *kind = store_kind_find("checkpoint");
	if (stage_inputs_open(&stage_train, &place, 1, NULL, &run.inputs, e) ||
	    store_create(to, 0, kind, fingerprint, &run.out, e))
		return e->name;
	if (stage_import_seed(&run, *state, length, e))
		store_leave(run.out);
	else if (!store_seal(run.out, e))
		dataset_seal(to, kind, &fingerprint, 1, e);
	stage_inputs_close(run.inputs);
	return e->name;
}

static void test_an_imported_seed_has_the_facts_of_a_trained_one(void **state)
{
	struct cbtm_error e = { 0 };
	struct model_config c;
	struct dataset *d = NULL;
	struct store *s = NULL;
	uint64_t v;
	test_write_checkpoint(*state);
	test_write_tokenizer(*state);
	test_write_vocabulary(vocabulary, 0);
	if (import(state, vocabulary, 8, out, &e) || dataset_open(out, NULL, &d, &e) ||
	    dataset_part(d, 0, &s, &e) ||
	    model_config_parse(store_get_json(s, "model"), "seed", &c, &e) ||
	    checkpoint_length(s, &c, &v, &e))
		fail_msg("%s: %s", e.where, e.what);
	assert_int_equal(v, 8);
	assert_int_equal(c.length, 12);
	static const char *const facts[] = { "vocabulary_size", "eod", "step", "tokens", "batch" };
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
		assert_int_equal(checkpoint_fact(s, facts[i], &v, &e), 0);
	assert_int_equal(store_row_count(s, "token"), 300);
	store_close(s);
	dataset_close(d);
}

static void test_another_vocabulary_is_refused(void **state)
{
	struct cbtm_error e = { 0 };
	test_write_checkpoint(*state);
	test_write_tokenizer(*state);
	test_write_vocabulary(vocabulary, 1);
	assert_int_equal(import(state, vocabulary, 0, out, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.what, "the id 1 is"));
	assert_non_null(strstr(e.hint, "tokenize.vocabulary"));
}

static void test_more_tokens_than_positions_are_refused(void **state)
{
	struct cbtm_error e = { 0 };
	test_write_checkpoint(*state);
	test_write_vocabulary(vocabulary, 0);
	assert_int_equal(import(state, vocabulary, 13, out, &e), CBTM_ERR_CONFIG);
	assert_string_equal(e.where, "train.seed.length");
}

static void test_more_tokens_than_the_model_has_are_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	void *there = test_recorded_model("opt");
	test_write_vocabulary(vocabulary, 0);
	assert_int_equal(import(&there, vocabulary, 0, out, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.what, "a vocabulary of 257, the model's has 17"));
	scratch_remove(&there);
}

/* Imports *state by way of a dataset made by checkpoint_import, with the vocabulary DIR. */
static enum cbtm_error_name import_again(void **state, const char *dir, const char *to,
                                         struct cbtm_error *e)
{
	char between[4200], checkpoint[4300];
	void *there = checkpoint;
	struct checkpoint_imported imported;
	snprintf(between, sizeof between, "%s/imported", (char *)*state);
	snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint", between);
	struct checkpoint_import in = { *state, between, "", "", 0, false };
	if (checkpoint_import(&in, &imported, e))
		return e->name;
	return import(&there, dir, 8, to, e);
}

static void test_a_checkpoint_of_ours_is_a_seed_like_the_files(void **state)
{
	struct cbtm_error e = { 0 };
	struct dataset *d[2];
	struct store *s[2];
	struct store_column_info column[2];
	uint64_t bos;
	char theirs[4300], other[4200];
	const char *const made[] = { out, other };
	snprintf(theirs, sizeof theirs, "%s/imported/vocabulary", (char *)*state);
	snprintf(other, sizeof other, "%s/other", (char *)*state);
	test_write_checkpoint(*state);
	test_write_tokenizer(*state);
	if (import_again(state, theirs, out, &e) || import(state, theirs, 8, other, &e))
		fail_msg("%s: %s", e.where, e.what);
	for (int i = 0; i < 2; i++)
		if (dataset_open(made[i], NULL, &d[i], &e) || dataset_part(d[i], 0, &s[i], &e))
			fail_msg("%s: %s", e.where, e.what);
	assert_int_equal(store_column_count(s[0]), store_column_count(s[1]));
	for (size_t i = 0; i < store_column_count(s[0]); i++) {
		for (int j = 0; j < 2; j++)
			assert_int_equal(store_column_at(s[j], i, &column[j], &e), 0);
		assert_string_equal(column[0].name, column[1].name);
		assert_true(digest_equal(column[0].content, column[1].content));
	}
	assert_true(store_get_u64(s[0], "bos", &bos) && bos == 0);
	for (int i = 0; i < 2; i++) {
		store_close(s[i]);
		dataset_close(d[i]);
	}
}

static void test_a_checkpoint_of_another_vocabulary_is_refused(void **state)
{
	struct cbtm_error e = { 0 };
	test_write_checkpoint(*state);
	test_write_tokenizer(*state);
	test_write_vocabulary(vocabulary, 1);
	assert_int_equal(import_again(state, vocabulary, out, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.hint, "tokenize.vocabulary"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, scratch_remove)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_imported_seed_has_the_facts_of_a_trained_one),
		TEST(test_another_vocabulary_is_refused),
		TEST(test_more_tokens_than_positions_are_refused),
		TEST(test_more_tokens_than_the_model_has_are_refused),
		TEST(test_a_checkpoint_of_ours_is_a_seed_like_the_files),
		TEST(test_a_checkpoint_of_another_vocabulary_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
