/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_sizes_that_overflow_are_refused(void **state)
{
	(void)state;
	size_t r = 7;
	assert_false(size_add(SIZE_MAX, 1, &r));
	assert_false(size_mul(SIZE_MAX / 2, 3, &r));
	assert_false(size_align(SIZE_MAX - 3, 64, &r));
	assert_true(size_align(65, 64, &r));
	assert_int_equal(r, 128);
	assert_true(size_align(0, 64, &r));
	assert_int_equal(r, 0);
}

static void test_an_allocation_that_cannot_be_names_what_for(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	assert_null(mem_zeroed(SIZE_MAX / 2, 3, "rows", &e));
	assert_int_equal(e.name, CBTM_ERR_MEMORY);
	assert_non_null(strstr(e.what, "for rows"));
	e.name = CBTM_OK;
	assert_null(mem_aligned(SIZE_MAX - 8, 1, "rows", &e));
	assert_int_equal(e.name, CBTM_ERR_MEMORY);
	e.name = CBTM_OK;
	assert_null(mem_copy("", SIZE_MAX, &e));
	assert_int_equal(e.name, CBTM_ERR_MEMORY);
}

static void test_nothing_is_still_a_pointer(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	void *p = mem_zeroed(0, 8, "x", &e), *q = mem_aligned(0, 8, "x", &e);
	char *c = mem_copy(NULL, 0, &e);
	assert_non_null(p);
	assert_non_null(q);
	assert_string_equal(c, "");
	free(p), free(q), free(c);
}

static void test_aligned_memory_is_aligned_and_zeroed_memory_is_zero(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	for (size_t n = 1; n < 300; n += 7) {
		char *p = mem_aligned(n, 3, "x", &e), *z = mem_zeroed(n, 3, "x", &e);
		assert_int_equal((uintptr_t)p % 64, 0);
		for (size_t i = 0; i < 3 * n; i++)
			assert_int_equal(z[i], 0);
		memset(p, 1, 3 * n);
		free(p), free(z);
	}
}

static void test_an_array_grows_by_doubling_and_keeps_its_elements(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	uint64_t *a = NULL;
	size_t cap = 0, grown = 0;
	for (size_t i = 0; i < 10000; i++) {
		size_t before = cap;
		assert_int_equal(array_reserve(&a, &cap, i + 1, sizeof *a, &e), 0);
		grown += cap != before;
		a[i] = i;
	}
	assert_true(grown < 16);
	for (size_t i = 0; i < 10000; i++)
		assert_int_equal(a[i], i);
	uint64_t *same = a;
	assert_int_equal(array_reserve(&a, &cap, SIZE_MAX / 4, sizeof *a, &e), CBTM_ERR_MEMORY);
	assert_ptr_equal(a, same);
	assert_int_equal(a[9999], 9999);
	free(a);
}

static void test_memory_is_taken_and_given_back_with_a_kept_heap(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char *p[40];
	mem_keep_heap(8 << 20);
	for (size_t i = 0; i < 40; i++) {
		p[i] = mem_zeroed(1 << 19, 1, "x", &e);
		assert_non_null(p[i]);
		assert_int_equal(p[i][(1 << 19) - 1], 0);
		memset(p[i], 1, 1 << 19);
	}
	for (size_t i = 0; i < 40; i++)
		free(p[i]);
	for (size_t i = 0; i < 40; i++) {
		char *z = mem_zeroed(1 << 19, 1, "x", &e);
		assert_int_equal(z[i], 0);
		free(z);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes_that_overflow_are_refused),
		cmocka_unit_test(test_an_allocation_that_cannot_be_names_what_for),
		cmocka_unit_test(test_nothing_is_still_a_pointer),
		cmocka_unit_test(test_aligned_memory_is_aligned_and_zeroed_memory_is_zero),
		cmocka_unit_test(test_an_array_grows_by_doubling_and_keeps_its_elements),
		/* The last one: it is for the whole process. */
		cmocka_unit_test(test_memory_is_taken_and_given_back_with_a_kept_heap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
