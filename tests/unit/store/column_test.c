/* SPDX-License-Identifier: MIT */
#include "store/column.h"
#include "store/sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_names_of_types_and_shapes_read_back(void **state)
{
	(void)state;
	enum store_type t;
	enum store_shape s;
	const size_t sizes[] = { 1, 2, 4, 8, 4, 8, 2 };
	for (int i = STORE_U8; i <= STORE_BF16; i++) {
		const char *name = store_type_name((enum store_type)i);
		assert_true(store_type_find(name, strlen(name), &t) && (int)t == i);
		assert_int_equal(store_type_size(t), sizes[i]);
	}
	for (int i = STORE_FIXED; i <= STORE_TENSOR; i++) {
		const char *name = store_shape_name((enum store_shape)i);
		assert_true(store_shape_find(name, strlen(name), &s) && (int)s == i);
	}
	assert_false(store_type_find("f16", 3, &t));
	assert_false(store_type_find("f322", 4, &t));
	assert_false(store_shape_find("", 0, &s));
}

static void test_names_that_would_confuse_are_refused(void **state)
{
	(void)state;
	char longest[STORE_NAME_MAX + 2];
	memset(longest, 'n', sizeof longest);
	longest[STORE_NAME_MAX + 1] = 0;
	const char *const bad[] = { "", ".crc", "a/b", "a b", "store", "\xC3\xA9", longest };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct cbtm_error e = { 0 };
		assert_int_equal(column_check_name(bad[i], &e), CBTM_ERR_USAGE);
	}
	struct cbtm_error e = { 0 };
	longest[STORE_NAME_MAX] = 0;
	sample_ok(column_check_name(longest, &e), &e);
	sample_ok(column_check_name("layer.0.W_q-bias", &e), &e);
}

static void test_sizes_that_overflow_are_refused(void **state)
{
	(void)state;
	uint64_t bytes;
	assert_true(column_row_bytes(STORE_F64, 1 << 27, &bytes) && bytes == 1u << 30);
	assert_false(column_row_bytes(STORE_F64, (1 << 27) + 1, &bytes));
	assert_false(column_row_bytes(STORE_F64, (uint64_t)1 << 61, &bytes));
	assert_false(column_row_bytes(STORE_U16, UINT64_MAX, &bytes));
}

static void test_borders_follow_from_rows(void **state)
{
	(void)state;
	assert_int_equal(column_block_rows(STORE_FIXED, 8), 32768);
	assert_int_equal(column_block_rows(STORE_FIXED, 100000), 2);
	assert_int_equal(column_block_rows(STORE_FIXED, 1 << 20), 1);
	assert_int_equal(column_block_rows(STORE_TENSOR, 1 << 20), 64);
	assert_false(column_block_is_full(0, 0, 1 << 30));
	assert_false(column_block_is_full(1, 100, STORE_BLOCK_BYTES - 100 - 8));
	assert_true(column_block_is_full(1, 100, STORE_BLOCK_BYTES - 100 - 7));
}

static struct digest digest_of(uint64_t width, const char *first, const char *second)
{
	struct cbtm_error e = { 0 };
	struct digest_stream *s = column_digest_begin("text", STORE_U8, STORE_FIXED, width, &e);
	assert_non_null(s);
	column_digest_block(s, 1, digest_bytes(first, strlen(first)));
	column_digest_block(s, 2, digest_bytes(second, strlen(second)));
	return column_digest_end(s, 3);
}

static void test_digest_is_of_description_blocks_and_rows(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct digest d = digest_of(1, "a", "bc"), none;
	assert_true(digest_equal(d, digest_of(1, "a", "bc")));
	assert_false(digest_equal(d, digest_of(2, "a", "bc")));
	assert_false(digest_equal(d, digest_of(1, "a", "bd")));
	assert_false(digest_equal(d, digest_of(1, "bc", "a")));
	/* As doc/store-format.md builds it, of pieces. */
	struct digest_stream *s = digest_begin(&e);
	const char *const texts[] = { "text", "u8", "fixed" };
	const uint64_t numbers[] = { 0, 0 };
	for (int i = 0; i < 3; i++)
		digest_text(s, texts[i]);
	for (int i = 0; i < 2; i++)
		digest_u64(s, numbers[i]);
	none = digest_now(s);
	digest_end(s);
	s = column_digest_begin("text", STORE_U8, STORE_FIXED, 0, &e);
	assert_true(digest_equal(column_digest_end(s, 0), none));
}

static void test_lengths_are_checked(void **state)
{
	(void)state;
	/* "ab" "c" and "a" "bc": the same elements in other rows. */
	const unsigned char one[] = { 'a', 'b', 'c', 2, 0, 0, 0, 1, 0, 0, 0 };
	const unsigned char two[] = { 'a', 'b', 'c', 1, 0, 0, 0, 2, 0, 0, 0 };
	assert_false(digest_equal(digest_bytes(one, sizeof one), digest_bytes(two, sizeof two)));
	assert_true(column_lengths_fit(STORE_U8, 2, one, sizeof one));
	assert_false(column_lengths_fit(STORE_U16, 2, one, sizeof one));
	assert_false(column_lengths_fit(STORE_U8, 3, one, sizeof one));
	assert_int_equal(column_length_at(two, sizeof two, 2, 1), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_of_types_and_shapes_read_back),
		cmocka_unit_test(test_names_that_would_confuse_are_refused),
		cmocka_unit_test(test_sizes_that_overflow_are_refused),
		cmocka_unit_test(test_borders_follow_from_rows),
		cmocka_unit_test(test_digest_is_of_description_blocks_and_rows),
		cmocka_unit_test(test_lengths_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
