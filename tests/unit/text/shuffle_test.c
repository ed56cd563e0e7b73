/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"
#include "base/file.h"
#include "base/random.h"
#include "scratch.h"
#include "text/shuffle.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RECORDS = 3000 };

/* Records of 0 to 400 bytes that begin with their index; every 10th has its neighbour's number. */
static void add_all(struct shuffle *s, struct cbtm_error *e)
{
	struct random_key key = random_key(4, RANDOM_TEST);
	for (uint64_t i = 0; i < RECORDS; i++) {
		uint32_t record[101] = { (uint32_t)i };
		uint64_t number = random_u64(key, i - (i % 10 == 9), 0);
		size_t n = 4 + 4 * random_below(key, i, 1, 100);
		assert_int_equal(shuffle_add(s, number, record, n, e), 0);
	}
}

/* The order as text. */
static char *order(const char *folder, uint64_t expected, uint64_t memory)
{
	struct cbtm_error e = { 0 };
	struct buffer out = { 0 };
	struct shuffle *s;
	const void *record;
	size_t n;
	assert_int_equal(shuffle_new(folder, expected, memory, &s, &e), 0);
	add_all(s, &e);
	while (!shuffle_next(s, &record, &n, &e) && record)
		buffer_printf(&out, &e, "%u:%zu ", *(const uint32_t *)record, n);
	assert_int_equal(e.name, 0);
	shuffle_free(s);
	return out.data;
}

static void test_the_order_does_not_depend_on_memory(void **state)
{
	char *all = order(scratch_path(state, "."), 1, 1 << 20);
	static const uint64_t expected[] = { 2, 4, 64, 512, 1 << 20 };
	for (size_t i = 0; i < 5; i++) {
		char *other = order(scratch_path(state, "."), expected[i], 1);
		assert_string_equal(other, all);
		free(other);
	}
	free(all);
}

static void test_numbers_rise_and_equal_ones_keep_their_order(void **state)
{
	struct cbtm_error e = { 0 };
	struct random_key key = random_key(4, RANDOM_TEST);
	struct shuffle *s;
	const void *record;
	uint64_t last = 0, moved = 0, i = 0;
	size_t n;
	shuffle_new(scratch_path(state, "."), 8, 1, &s, &e);
	add_all(s, &e);
	for (uint32_t before = 0; !shuffle_next(s, &record, &n, &e) && record; i++) {
		uint32_t index = *(const uint32_t *)record;
		uint64_t number = random_u64(key, index - (index % 10 == 9), 0);
		assert_true(number >= last);
		if (number == last)
			assert_true(index > before);
		moved += index != i;
		last = number;
		before = index;
	}
	assert_int_equal(i, RECORDS);
	assert_true(moved > RECORDS * 9 / 10);
	shuffle_free(s);
}

static void test_no_file_is_left_and_none_is_no_record(void **state)
{
	struct cbtm_error e = { 0 };
	struct shuffle *s;
	const void *record = "";
	char **names;
	size_t n;
	assert_int_equal(folder_make(scratch_path(state, "t"), &e), 0);
	free(order(scratch_path(state, "t"), 512, 1));
	shuffle_new(scratch_path(state, "t"), 0, 1, &s, &e);
	assert_int_equal(shuffle_next(s, &record, &n, &e), 0);
	assert_null(record);
	shuffle_free(s);
	assert_int_equal(folder_list(scratch_path(state, "t"), &names, &n, &e), 0);
	assert_int_equal(n, 0);
	folder_list_free(names, n);
}

static void test_a_missing_folder_is_an_error(void **state)
{
	struct cbtm_error e = { 0 };
	struct shuffle *s;
	static char record[1 << 17];
	assert_int_equal(shuffle_new(scratch_path(state, "nowhere"), 2, 1, &s, &e), 0);
	assert_int_not_equal(shuffle_add(s, 1, record, sizeof record, &e), 0);
	assert_non_null(strstr(e.where, "nowhere"));
	shuffle_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_order_does_not_depend_on_memory, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_numbers_rise_and_equal_ones_keep_their_order,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_no_file_is_left_and_none_is_no_record, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_missing_folder_is_an_error, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
