/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "model/safetensors.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int give(void *arg, const struct safetensor_source *t, float *out, struct cbtm_error *e)
{
	const float *from = arg;
	if (!from)
		return error_set(e, CBTM_ERR_BAD_STORE, t->name, "no numbers");
	memcpy(out, from, t->shape[0] * (t->rank > 1 ? t->shape[1] : 1) * sizeof *out);
	return 0;
}

static float numbers[] = { 1, -2, 0.25f, 3e38f, -0.0f, 1e-45f };

static void test_what_is_written_reads_back(void **state)
{
	struct cbtm_error e = { 0 };
	struct safetensor_source t[] = { { "z.matrix", 2, { 2, 3 }, give, numbers },
		                             { "a.vector", 1, { 2, 0 }, give, numbers } };
	struct safetensors *s;
	float v[6];
	if (safetensors_write(scratch_path(state, "model.safetensors"), t, 2, &e) ||
	    safetensors_open(*state, &s, &e))
		fail_msg("%s: %s", e.where, e.what);
	const struct safetensor *matrix = safetensors_find(s, "z.matrix");
	assert_int_equal(matrix->rank, 2);
	assert_int_equal(matrix->shape[0], 2);
	assert_int_equal(matrix->offset % 8, 0);
	assert_int_equal(safetensors_read(s, matrix, 0, 6, v, &e), 0);
	assert_memory_equal(v, numbers, sizeof numbers);
	assert_int_equal(safetensors_find(s, "a.vector")->rank, 1);
	safetensors_close(s);
}

static void test_the_same_numbers_give_the_same_bytes(void **state)
{
	struct cbtm_error e = { 0 };
	struct safetensor_source t = { "a", 1, { 6, 0 }, give, numbers };
	struct buffer first = { 0 }, second = { 0 };
	for (int i = 0; i < 2; i++) {
		assert_int_equal(safetensors_write(scratch_path(state, "x"), &t, 1, &e), 0);
		assert_int_equal(file_read(scratch_path(state, "x"), 1 << 20, i ? &second : &first, &e), 0);
	}
	assert_int_equal(first.n, second.n);
	assert_memory_equal(first.data, second.data, first.n);
	buffer_free(&first);
	buffer_free(&second);
}

static void test_a_failed_write_leaves_what_was_there(void **state)
{
	struct cbtm_error e = { 0 };
	struct safetensor_source good = { "a", 1, { 6, 0 }, give, numbers };
	struct safetensor_source bad[] = { good, { "b", 1, { 6, 0 }, give, NULL } };
	struct buffer before = { 0 }, after = { 0 };
	char **name;
	size_t n;
	assert_int_equal(safetensors_write(scratch_path(state, "x"), &good, 1, &e), 0);
	assert_int_equal(file_read(scratch_path(state, "x"), 1 << 20, &before, &e), 0);
	assert_int_equal(safetensors_write(scratch_path(state, "x"), bad, 2, &e), CBTM_ERR_BAD_STORE);
	e = (struct cbtm_error){ 0 };
	assert_int_equal(file_read(scratch_path(state, "x"), 1 << 20, &after, &e), 0);
	assert_int_equal(before.n, after.n);
	assert_memory_equal(before.data, after.data, before.n);
	assert_int_equal(folder_list(*state, &name, &n, &e), 0);
	assert_int_equal(n, 1);
	folder_list_free(name, n);
	buffer_free(&before);
	buffer_free(&after);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_written_reads_back),
		TEST(test_the_same_numbers_give_the_same_bytes),
		TEST(test_a_failed_write_leaves_what_was_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
