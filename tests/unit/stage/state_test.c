/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "scratch.h"
#include "stage/state.h"
#include <stdlib.h>
#include <string.h>

static struct store_writer *start(const char *dir)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w = NULL;
	assert_int_equal(store_create(dir, 0, store_kind_find("state"), digest_bytes("s", 1), &w, &e),
	                 0);
	assert_non_null(w);
	return w;
}

static void test_arrays_come_back_bit_for_bit(void **state)
{
	struct cbtm_error e = { 0 };
	struct cbtm_state_writer writer = { start(scratch_path(state, "a")) };
	size_t n = 3000000, rows, columns; /* 24 MB: several commits */
	double *large = malloc(n * sizeof *large);
	float odd[6] = { 1, -0.0f, 3e-40f, 4, 5, 6 };
	for (size_t i = 0; i < n; i++)
		large[i] = (double)i / 7;
	assert_int_equal(state_put(&writer, "large", large, n / 3, 3, "f64", &e), 0);
	assert_int_equal(state_put(&writer, "odd", odd, 2, 3, "f32", &e), 0);
	assert_int_equal(state_put(&writer, "empty", odd, 0, 1, "u8", &e), 0);
	assert_int_equal(store_seal(writer.out, &e), 0);
	struct store *s = NULL;
	struct cbtm_state_reader *r = NULL;
	const void *data;
	assert_int_equal(store_open(scratch_path(state, "a"), 0, NULL, &s, &e), 0);
	assert_int_equal(state_reader_open(s, &r, &e), 0);
	assert_int_equal(state_get(r, "large", "f64", &data, &rows, &columns, &e), 0);
	assert_true(rows == n / 3 && columns == 3 && !memcmp(data, large, n * sizeof *large));
	assert_int_equal(state_get(r, "odd", "f32", &data, &rows, &columns, &e), 0);
	assert_true(rows == 2 && columns == 3 && !memcmp(data, odd, sizeof odd));
	assert_int_equal(state_get(r, "empty", "u8", &data, &rows, &columns, &e), 0);
	assert_int_equal(rows, 0);
	assert_int_equal(state_get(r, "odd", "f64", &data, &rows, &columns, &e), CBTM_ERR_BAD_STORE);
	struct cbtm_error absent = { 0 };
	assert_int_equal(state_get(r, "absent", "u8", &data, &rows, &columns, &absent),
	                 CBTM_ERR_BAD_STORE);
	state_reader_close(r);
	state_reader_close(NULL);
	store_close(s);
	free(large);
}

static void test_a_resumed_state_is_not_written_twice(void **state)
{
	struct cbtm_error e = { 0 };
	float x[4] = { 1, 2, 3, 4 };
	struct cbtm_state_writer writer = { start(scratch_path(state, "b")) };
	assert_int_equal(state_put(&writer, "x", x, 4, 1, "f32", &e), 0);
	store_leave(writer.out); /* as a kill would */
	writer.out = start(scratch_path(state, "b"));
	assert_int_equal(state_put(&writer, "x", x, 4, 1, "f32", &e), 0);
	assert_int_equal(store_rows(writer.out, "state.x"), 4);
	store_leave(writer.out);
}

static void test_names_and_types_are_checked(void **state)
{
	struct cbtm_state_writer writer = { start(scratch_path(state, "c")) };
	float x = 1;
	const char *const bad[][2] = {
		{ "", "f32" }, { "Upper", "f32" }, { "a.b", "f32" }, { "x", "f16" }
	};
	for (size_t i = 0; i < 4; i++) {
		struct cbtm_error e = { 0 };
		assert_int_equal(state_put(&writer, bad[i][0], &x, 1, 1, bad[i][1], &e), CBTM_ERR_PLUGIN);
	}
	struct cbtm_error e = { 0 };
	assert_int_equal(state_put(&writer, "x", &x, 1, 0, "f32", &e), CBTM_ERR_PLUGIN);
	store_leave(writer.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arrays_come_back_bit_for_bit),
		cmocka_unit_test(test_a_resumed_state_is_not_written_twice),
		cmocka_unit_test(test_names_and_types_are_checked),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
