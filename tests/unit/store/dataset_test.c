/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "store/dataset.h"
#include "store/sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct store_kind *vectors(void)
{
	return store_kind_find("vectors");
}

static void write_part(const char *folder, uint32_t part, uint64_t rows, uint64_t fingerprint)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	sample_ok(store_create(folder, part, vectors(), sample_fingerprint(fingerprint), &w, &e), &e);
	sample_ok(store_add_column(w, "vector", STORE_F32, STORE_FIXED, 2, &e), &e);
	for (uint64_t i = 0; i < rows; i++) {
		const float v[2] = { (float)i, (float)part };
		sample_ok(store_append(w, "key", &i, 1, &e), &e);
		sample_ok(store_append(w, "vector", v, 1, &e), &e);
	}
	sample_ok(store_set_u64(w, "zero_vectors", part + 1, &e), &e);
	sample_ok(store_seal(w, &e), &e);
}

static char *two_parts(struct digest fingerprints[2])
{
	struct cbtm_error e = { 0 };
	char *folder = sample_folder();
	fingerprints[0] = sample_fingerprint(10);
	fingerprints[1] = sample_fingerprint(11);
	write_part(folder, 0, 5, 10);
	write_part(folder, 1, 7, 11);
	sample_ok(dataset_seal(folder, vectors(), fingerprints, 2, &e), &e);
	return folder;
}

static void test_sealed_dataset_lists_its_parts(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct digest f[2];
	struct dataset *d;
	struct store *s;
	uint64_t n;
	char *folder = two_parts(f);
	sample_ok(dataset_open(folder, vectors(), &d, &e), &e);
	assert_int_equal(dataset_parts(d), 2);
	assert_string_equal(dataset_kind(d), "vectors");
	assert_true(digest_equal(dataset_part_fingerprint(d, 1), f[1]));
	assert_true(digest_equal(dataset_fingerprint(d), dataset_fingerprint_of(f, 2)));
	sample_ok(dataset_rows(d, "vector", &n, &e), &e);
	assert_int_equal(n, 12);
	sample_ok(dataset_sum(d, "zero_vectors", &n, &e), &e);
	assert_int_equal(n, 3);
	sample_ok(dataset_part(d, 1, &s, &e), &e);
	assert_int_equal(store_row_count(s, "key"), 7);
	store_close(s);
	dataset_close(d);
	assert_true(dataset_is_complete(folder, dataset_fingerprint_of(f, 2)));
	assert_false(dataset_is_complete(folder, f[0]));
	sample_folder_free(folder);
}

static void test_unfinished_dataset_is_missing_input(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct dataset *d;
	const struct digest f[2] = { sample_fingerprint(10), sample_fingerprint(11) };
	char *folder = sample_folder();
	write_part(folder, 0, 5, 10);
	assert_int_equal(dataset_open(folder, NULL, &d, &e), CBTM_ERR_MISSING_INPUT);
	assert_null(d);
	assert_true(dataset_has_part(folder, 0, f[0]));
	assert_false(dataset_has_part(folder, 0, f[1]));
	assert_false(dataset_has_part(folder, 1, f[1]));
	e = (struct cbtm_error){ 0 };
	assert_int_equal(dataset_seal(folder, vectors(), f, 2, &e), CBTM_ERR_MISSING_INPUT);
	sample_folder_free(folder);
}

static void test_replaced_part_is_not_the_datasets(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct digest f[2];
	struct dataset *d;
	struct store *s;
	char *folder = two_parts(f);
	sample_ok(dataset_open(folder, vectors(), &d, &e), &e);
	write_part(folder, 1, 8, 12);
	assert_int_equal(dataset_part(d, 1, &s, &e), CBTM_ERR_BAD_STORE);
	assert_null(s);
	dataset_close(d);
	/* Nor is the folder a complete dataset any longer. */
	assert_false(dataset_is_complete(folder, dataset_fingerprint_of(f, 2)));
	sample_folder_free(folder);
}

static void test_wrong_kind_and_damage_are_named(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct digest f[2];
	struct dataset *d;
	struct buffer text = { 0 };
	char *folder = two_parts(f), *path = sample_path(folder, "DATASET.json");
	assert_int_equal(dataset_open(folder, store_kind_find("tokens"), &d, &e), CBTM_ERR_BAD_STORE);
	assert_non_null(strstr(e.what, "holds 'vectors', but 'tokens'"));
	e = (struct cbtm_error){ 0 };
	sample_ok(file_read(path, 1 << 20, &text, &e), &e);
	for (size_t i = 0; i < text.n; i++) {
		text.data[i] ^= 4;
		sample_ok(file_replace(path, text.data, text.n, &e), &e);
		text.data[i] ^= 4;
		assert_int_equal(dataset_open(folder, NULL, &d, &e), CBTM_ERR_BAD_STORE);
		e = (struct cbtm_error){ 0 };
	}
	buffer_free(&text);
	free(path);
	sample_folder_free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sealed_dataset_lists_its_parts),
		cmocka_unit_test(test_unfinished_dataset_is_missing_input),
		cmocka_unit_test(test_replaced_part_is_not_the_datasets),
		cmocka_unit_test(test_wrong_kind_and_damage_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
