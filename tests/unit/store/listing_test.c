/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "store/listing.h"
#include "store/sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_reads_back_what_was_written(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct listed_rows rows[] = { { "a", 3 }, { "b", UINT64_MAX } };
	struct listed_part parts[] = { { { 1, 2 }, { 3, 4 }, 2, rows },
		                           { { 5, 6 }, { 7, 8 }, 0, NULL } };
	struct listing l = { .kind = "tokens",
		                 .version = 1,
		                 .n = 2,
		                 .fingerprint = { 9, 9 },
		                 .parts = parts },
				   got;
	char *folder = sample_folder();
	struct arena *a = arena_new(&e);
	uint64_t n;
	sample_ok(listing_write(folder, &l, &e), &e);
	sample_ok(listing_read(folder, a, &got, &e), &e);
	assert_string_equal(got.kind, "tokens");
	assert_int_equal(got.n, 2);
	assert_true(digest_equal(got.fingerprint, l.fingerprint));
	assert_true(digest_equal(got.content, l.content));
	assert_true(digest_equal(got.parts[1].content, parts[1].content));
	assert_true(listing_rows(&got.parts[0], "b", &n) && n == UINT64_MAX);
	assert_false(listing_rows(&got.parts[0], "c", &n));
	assert_false(listing_rows(&got.parts[1], "a", &n));
	arena_free(a);
	sample_folder_free(folder);
}

static void test_content_follows_the_order_of_parts(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct listed_part parts[] = { { { 1, 2 }, { 3, 4 }, 0, NULL },
		                           { { 1, 2 }, { 7, 8 }, 0, NULL } };
	struct listing l = { .kind = "tokens", .version = 1, .n = 2, .parts = parts };
	char *folder = sample_folder();
	sample_ok(listing_write(folder, &l, &e), &e);
	struct digest first = l.content;
	struct listed_part swap = parts[0];
	parts[0] = parts[1];
	parts[1] = swap;
	sample_ok(listing_write(folder, &l, &e), &e);
	assert_false(digest_equal(first, l.content));
	sample_folder_free(folder);
}

static void test_missing_folder_and_missing_list_are_told_apart(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct listing l;
	struct arena *a = arena_new(&e);
	char *folder = sample_folder();
	assert_int_equal(listing_read(folder, a, &l, &e), CBTM_ERR_MISSING_INPUT);
	assert_non_null(strstr(e.what, "DATASET.json is missing"));
	e = (struct cbtm_error){ 0 };
	assert_int_equal(listing_read("/nonexistent", a, &l, &e), CBTM_ERR_MISSING_INPUT);
	assert_non_null(strstr(e.what, "does not exist"));
	arena_free(a);
	sample_folder_free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_back_what_was_written),
		cmocka_unit_test(test_content_follows_the_order_of_parts),
		cmocka_unit_test(test_missing_folder_and_missing_list_are_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
