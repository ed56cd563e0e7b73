/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "store/sample.h"
#include "store/verify.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_rows_read_back(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char *folder = sample_folder();
	sample_ok(sample_write(folder, 3000, 250, &e), &e);
	sample_check(folder, 3000);
	sample_ok(store_check(folder, 0, &e), &e);
	sample_folder_free(folder);
}

static void test_bytes_do_not_depend_on_commits(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	const uint64_t intervals[] = { 1, 7, 100, 100000 };
	char *first = sample_folder();
	sample_ok(sample_write(first, 2000, 333, &e), &e);
	for (size_t i = 0; i < sizeof intervals / sizeof intervals[0]; i++) {
		char *folder = sample_folder();
		sample_ok(sample_write(folder, 2000, intervals[i], &e), &e);
		sample_same_files(first, folder, "part-00000.lmdb");
		sample_same_files(first, folder, "part-00000.json");
		sample_folder_free(folder);
	}
	sample_folder_free(first);
}

static void test_goes_on_behind_the_last_commit(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char *whole = sample_folder(), *cut = sample_folder();
	sample_ok(sample_write(whole, 1500, 100, &e), &e);
	for (uint64_t rows = 110; rows < 1500; rows += 170) {
		struct store_writer *w;
		sample_ok(store_create(cut, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
		sample_ok(sample_fill(w, rows, 37, &e), &e);
		store_leave(w);
	}
	sample_ok(sample_write(cut, 1500, 64, &e), &e);
	sample_same_files(whole, cut, "part-00000.lmdb");
	sample_same_files(whole, cut, "part-00000.json");
	sample_folder_free(whole);
	sample_folder_free(cut);
}

static void test_nothing_but_the_part_is_left(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char *folder = sample_folder();
	char **names;
	size_t n;
	sample_ok(sample_write(folder, 10, 3, &e), &e);
	sample_ok(folder_list(folder, &names, &n, &e), &e);
	assert_int_equal(n, 2);
	assert_string_equal(names[0], "part-00000.json");
	assert_string_equal(names[1], "part-00000.lmdb");
	folder_list_free(names, n);
	sample_folder_free(folder);
}

static void test_second_writer_is_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 }, busy = { 0 };
	struct store_writer *w, *second;
	char *folder = sample_folder();
	sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
	assert_int_equal(store_create(folder, 0, sample_kind(), sample_fingerprint(1), &second, &busy),
	                 CBTM_ERR_BUSY);
	assert_null(second);
	store_leave(w);
	sample_ok(sample_write(folder, 5, 1, &e), &e);
	sample_folder_free(folder);
}

static void test_sealed_part_is_not_written_again(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	char *folder = sample_folder();
	sample_ok(sample_write(folder, 5, 1, &e), &e);
	sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
	assert_null(w);
	/* Another fingerprint begins anew; the old part stands until the new one is sealed. */
	sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(2), &w, &e), &e);
	assert_non_null(w);
	sample_check(folder, 5);
	sample_ok(sample_fill(w, 8, 3, &e), &e);
	sample_ok(store_seal(w, &e), &e);
	sample_check(folder, 8);
	sample_folder_free(folder);
}

static void test_partial_of_another_fingerprint_is_discarded(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	char *folder = sample_folder();
	sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(2), &w, &e), &e);
	sample_ok(sample_fill(w, 50, 10, &e), &e);
	sample_ok(store_commit(w, NULL, 0, &e), &e);
	store_leave(w);
	sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
	assert_int_equal(store_rows(w, "text"), 0);
	store_leave(w);
	sample_folder_free(folder);
}

static void test_columns_that_do_not_fit_are_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 }, bad = { 0 };
	struct store_writer *w;
	const uint64_t value = 1;
	char *folder = sample_folder();
	sample_ok(store_create(folder, 0, store_kind_find("vectors"), sample_fingerprint(1), &w, &e),
	          &e);
	assert_int_equal(store_append(w, "vector", &value, 1, &bad), CBTM_ERR_INTERNAL);
	bad = (struct cbtm_error){ 0 };
	assert_int_equal(store_add_column(w, "other", STORE_U8, STORE_FIXED, 1, &bad),
	                 CBTM_ERR_INTERNAL);
	store_leave(w);
	sample_ok(store_create(folder, 1, store_kind_find("vectors"), sample_fingerprint(1), &w, &e),
	          &e);
	bad = (struct cbtm_error){ 0 };
	assert_int_equal(store_add_column(w, "key", STORE_U64, STORE_FIXED, 2, &bad),
	                 CBTM_ERR_INTERNAL);
	bad = (struct cbtm_error){ 0 };
	assert_int_equal(store_add_column(w, "vector", STORE_F32, STORE_FIXED, UINT64_MAX / 2, &bad),
	                 CBTM_ERR_BAD_DATA);
	sample_ok(store_add_column(w, "vector", STORE_F32, STORE_FIXED, 2, &e), &e);
	sample_ok(store_add_column(w, "vector", STORE_F32, STORE_FIXED, 2, &e), &e);
	sample_ok(store_append(w, "vector", &value, 1, &e), &e);
	bad = (struct cbtm_error){ 0 };
	assert_int_not_equal(store_set_json(w, "fact", "{\"open\": ", &bad), 0);
	sample_ok(store_seal(w, &e), &e);
	sample_folder_free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_read_back),
		cmocka_unit_test(test_bytes_do_not_depend_on_commits),
		cmocka_unit_test(test_goes_on_behind_the_last_commit),
		cmocka_unit_test(test_nothing_but_the_part_is_left),
		cmocka_unit_test(test_second_writer_is_refused),
		cmocka_unit_test(test_sealed_part_is_not_written_again),
		cmocka_unit_test(test_partial_of_another_fingerprint_is_discarded),
		cmocka_unit_test(test_columns_that_do_not_fit_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
