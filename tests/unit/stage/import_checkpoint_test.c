/* SPDX-License-Identifier: MIT */
/* What comes back from an import is in tests/scripts/imported-checkpoints-come-back-the-same. */
#include "base/file.h"
#include "model/checkpoint.h"
#include "model/huggingface.h"
#include "model/huggingface_help.h"
#include "scratch.h"
#include "stage/import_checkpoint.h"
#include "stage/import_help.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum cbtm_error_name import(void **state, uint64_t length, bool force,
                                   struct checkpoint_imported *out, struct cbtm_error *e)
{
	char to[4200];
	snprintf(to, sizeof to, "%s/to", (char *)*state);
	struct checkpoint_import in = { *state, to, "", "", length, force };
	return checkpoint_import(&in, out, e);
}

static struct store *open_imported(void **state, struct dataset **d)
{
	struct cbtm_error e = { 0 };
	struct store *s = NULL;
	if (dataset_open(scratch_path(state, "to/checkpoint"), NULL, d, &e) ||
	    dataset_part(*d, 0, &s, &e))
		fail_msg("%s: %s", e.where, e.what);
	return s;
}

static void test_a_folder_becomes_a_checkpoint_and_its_vocabulary(void **state)
{
	struct cbtm_error e = { 0 };
	struct checkpoint_imported out;
	struct dataset *d = NULL;
	uint64_t v;
	char text[64];
	test_write_checkpoint(*state);
	test_write_tokenizer(*state);
	if (import(state, 5, false, &out, &e))
		fail_msg("%s: %s", e.where, e.what);
	assert_int_equal(out.vocabulary, 257);
	assert_int_equal(out.eod, 0);
	struct store *s = open_imported(state, &d);
	assert_int_equal(checkpoint_length(s, &out.config, &v, &e), 0);
	assert_int_equal(v, 5);
	assert_true(store_get_u64(s, "vocabulary_size", &v) && v == 257);
	assert_true(store_get_u64(s, "bos", &v) && v == 0);
	assert_true(store_get_text(s, "vocabulary", text, sizeof text));
	assert_int_equal(store_row_count(s, "token"), 300);
	assert_int_equal(store_row_count(s, "position.unused"), 2);
	store_close(s);
	dataset_close(d);
}

static void test_a_model_without_a_tokenizer_knows_no_vocabulary(void **state)
{
	struct cbtm_error e = { 0 };
	struct checkpoint_imported out;
	struct dataset *d = NULL;
	test_write_checkpoint(*state);
	assert_int_equal(import(state, 0, false, &out, &e), 0);
	assert_int_equal(out.vocabulary, 0);
	assert_false(file_exists(scratch_path(state, "to/vocabulary/DATASET.json")));
	struct store *s = open_imported(state, &d);
	assert_null(store_get_json(s, "vocabulary"));
	store_close(s);
	dataset_close(d);
}

static void test_other_datasets_are_kept_unless_they_may_be_replaced(void **state)
{
	struct cbtm_error e = { 0 }, same = { 0 }, force = { 0 };
	struct checkpoint_imported out;
	test_write_checkpoint(*state);
	assert_int_equal(import(state, 0, false, &out, &e), 0);
	assert_int_equal(import(state, 0, false, &out, &same), 0);
	assert_int_equal(import(state, 4, false, &out, &e), CBTM_ERR_CREATE);
	assert_int_equal(import(state, 4, true, &out, &force), 0);
}

static void test_a_tokenizer_larger_than_its_model_is_refused(void **state)
{
	struct cbtm_error e = { 0 };
	struct checkpoint_imported out;
	char *folder = test_recorded_model("opt"); /* 17 tokens */
	void *there = folder;
	test_write_tokenizer(folder);
	assert_int_equal(import(&there, 0, false, &out, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.what, "has 257 tokens, its model 17"));
	scratch_remove(&there);
	(void)state;
}

static void test_more_tokens_than_positions_are_refused(void **state)
{
	struct cbtm_error e = { 0 };
	struct checkpoint_imported out;
	test_write_checkpoint(*state);
	assert_int_equal(import(state, 13, false, &out, &e), CBTM_ERR_CONFIG);
	assert_false(file_exists(scratch_path(state, "to")));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_folder_becomes_a_checkpoint_and_its_vocabulary),
		TEST(test_a_model_without_a_tokenizer_knows_no_vocabulary),
		TEST(test_other_datasets_are_kept_unless_they_may_be_replaced),
		TEST(test_a_tokenizer_larger_than_its_model_is_refused),
		TEST(test_more_tokens_than_positions_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
