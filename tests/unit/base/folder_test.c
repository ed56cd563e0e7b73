/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void test_a_folder_is_made_with_its_parents(void **state)
{
	struct cbtm_error e = { 0 };
	const char *path = scratch_path(state, "a//b/c/");
	assert_int_equal(folder_make(path, &e), 0);
	assert_int_equal(folder_make(path, &e), 0);
	assert_true(file_exists(scratch_path(state, "a/b/c")));
	assert_int_equal(folder_make("/", &e), 0);
	assert_int_equal(folder_make("", &e), CBTM_ERR_CREATE);
}

static void test_a_file_in_the_way_is_an_error(void **state)
{
	struct cbtm_error e = { 0 };
	file_replace(scratch_path(state, "f"), "", 0, &e);
	assert_int_equal(folder_make(scratch_path(state, "f"), &e), CBTM_ERR_CREATE);
	e.name = CBTM_OK;
	assert_int_equal(folder_make(scratch_path(state, "f/g"), &e), CBTM_ERR_CREATE);
}

static void test_names_are_sorted_by_their_bytes(void **state)
{
	struct cbtm_error e = { 0 };
	static const char *const want[] = { ".dot", "10", "9", "B", "a", "\xC3\xA4" };
	static const int order[] = { 3, 0, 5, 2, 4, 1 };
	char **names = NULL;
	size_t n = 0;
	for (int i = 0; i < 6; i++)
		file_replace(scratch_path(state, want[order[i]]), "", 0, &e);
	assert_int_equal(folder_list(*state, &names, &n, &e), 0);
	assert_int_equal(n, 6);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(names[i], want[i]);
	folder_list_free(names, n);
	assert_int_equal(folder_list(scratch_path(state, "no"), &names, &n, &e),
	                 CBTM_ERR_MISSING_INPUT);
}

static void test_removing_takes_all_inside_but_follows_no_link(void **state)
{
	struct cbtm_error e = { 0 };
	char *outside = path_join(*state, "outside", &e), *doomed = path_join(*state, "doomed", &e);
	char *link = path_join(doomed, "link", &e), *deep = path_join(doomed, "x/y/z", &e);
	char *kept = path_join(outside, "kept", &e);
	assert_int_equal(folder_make(outside, &e) || folder_make(deep, &e), 0);
	assert_int_equal(file_replace(kept, "k", 1, &e), 0);
	assert_int_equal(symlink(outside, link), 0);
	for (int i = 0; i < 100; i++) {
		char *f = path_printf(&e, "%s/%d", deep, i);
		assert_int_equal(file_replace(f, "", 0, &e), 0);
		free(f);
	}
	assert_int_equal(folder_remove(doomed, &e), 0);
	assert_false(file_exists(doomed));
	assert_true(file_exists(kept));
	assert_int_equal(folder_remove(doomed, &e), 0);
	assert_int_equal(folder_remove(kept, &e), 0);
	assert_false(file_exists(kept));
	free(outside), free(doomed), free(link), free(deep), free(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_folder_is_made_with_its_parents, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_file_in_the_way_is_an_error, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_names_are_sorted_by_their_bytes, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_removing_takes_all_inside_but_follows_no_link,
		                                scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
