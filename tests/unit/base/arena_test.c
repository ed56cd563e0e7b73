/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_pieces_are_zeroed_aligned_and_apart(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct arena *a = arena_new(&e);
	unsigned char *pieces[500];
	size_t sizes[500];
	for (size_t i = 0; i < 500; i++) {
		sizes[i] = i * i % 3001;
		pieces[i] = arena_take(a, sizes[i], &e);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % 16, 0);
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(pieces[i][j], 0);
		memset(pieces[i], (int)i & 255, sizes[i]);
	}
	for (size_t i = 0; i < 500; i++)
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(pieces[i][j], i & 255);
	arena_free(a);
}

static void test_strings_end(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct arena *a = arena_new(&e);
	assert_string_equal(arena_string(a, "abcdef", 3, &e), "abc");
	assert_string_equal(arena_string(a, NULL, 0, &e), "");
	assert_string_equal(arena_printf(a, &e, "%s-%d", "x", 42), "x-42");
	arena_free(a);
	arena_free(NULL);
}

static void test_a_piece_too_large_is_an_error(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct arena *a = arena_new(&e);
	assert_null(arena_take(a, SIZE_MAX - 4, &e));
	assert_int_equal(e.name, CBTM_ERR_MEMORY);
	e.name = CBTM_OK;
	assert_null(arena_take(a, SIZE_MAX - 40, &e));
	assert_int_equal(e.name, CBTM_ERR_MEMORY);
	e.name = CBTM_OK;
	assert_null(arena_string(a, "", SIZE_MAX, &e));
	assert_non_null(arena_take(a, 1, &e));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_are_zeroed_aligned_and_apart),
		cmocka_unit_test(test_strings_end),
		cmocka_unit_test(test_a_piece_too_large_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
