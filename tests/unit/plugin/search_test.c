/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "plugin/search.h"
#include "scratch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *folder_of(void **state, const char *name)
{
	struct cbtm_error e = { 0 };
	char *path = strdup(scratch_path(state, name));
	assert_int_equal(folder_make(path, &e), 0);
	return path;
}

static void touch(const char *folder, const char *name)
{
	struct cbtm_error e = { 0 };
	char *path = path_join(folder, name, &e);
	assert_int_equal(file_replace(path, "x", 1, &e), 0);
	free(path);
}

static void test_folders_come_in_the_documented_order(void **state)
{
	char *a = folder_of(state, "a"), *b = folder_of(state, "b"), *c = folder_of(state, "c");
	char option[2048];
	struct plugin_folders f;
	struct cbtm_error e = { 0 };
	snprintf(option, sizeof option, "%s:%s", a, a);
	setenv("CBTM_PLUGIN_PATH", b, 1);
	struct plugin_search search = { option, c };
	assert_int_equal(plugin_folders_make(&search, &f, &e), 0);
	assert_true(f.n >= 4);
	assert_string_equal(f.folder[0], a);
	assert_string_equal(f.folder[1], b);
	assert_string_equal(f.folder[2], c);
	assert_non_null(strstr(f.folder[3], "/plugins"));
	size_t all = f.n;
	char *built_in = strdup(f.folder[3]);
	plugin_folders_free(&f);
	/* An empty element puts the built-in folders there; none comes twice. */
	snprintf(option, sizeof option, "%s::%s", a, c);
	assert_int_equal(plugin_folders_make(&search, &f, &e), 0);
	assert_int_equal(f.n, all);
	assert_string_equal(f.folder[1], built_in);
	plugin_folders_free(&f);
	unsetenv("CBTM_PLUGIN_PATH");
	free(built_in), free(a), free(b), free(c);
}

static void test_names_are_never_paths(void **state)
{
	(void)state;
	struct plugin_folders none = { 0 };
	const char *bad[] = { "", "a/b", "../a", "A", "a.so", "a b", "caf\xC3\xA9", "a\n" };
	assert_true(plugin_name_is_valid("tfidf-svd"));
	assert_true(plugin_name_is_valid("2"));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct cbtm_error e = { 0 };
		assert_false(plugin_name_is_valid(bad[i]));
		assert_null(plugin_locate(&none, "embed", bad[i], &e));
		assert_int_equal(e.name, CBTM_ERR_PLUGIN);
	}
}

static void test_the_kinds_folder_comes_first(void **state)
{
	char *a = folder_of(state, "first"), *kind = folder_of(state, "first/embed");
	struct plugin_folders f = { &a, 1 };
	struct cbtm_error e = { 0 };
	touch(a, "one.so");
	char *path = plugin_locate(&f, "embed", "one", &e);
	assert_non_null(path);
	assert_non_null(strstr(path, "first/one.so"));
	free(path);
	touch(kind, "one.so");
	path = plugin_locate(&f, "embed", "one", &e);
	assert_non_null(strstr(path, "first/embed/one.so"));
	free(path), free(kind), free(a);
}

static void test_a_missing_plugin_lists_the_folders(void **state)
{
	char *a = folder_of(state, "empty-one"), *b = folder_of(state, "empty-two");
	char *both[] = { a, b };
	struct plugin_folders f = { both, 2 };
	struct cbtm_error e = { 0 };
	assert_null(plugin_locate(&f, "embed", "absent", &e));
	assert_int_equal(e.name, CBTM_ERR_PLUGIN);
	assert_non_null(strstr(e.what, a));
	assert_non_null(strstr(e.what, b));
	assert_string_equal(e.where, "absent");
	free(a), free(b);
}

static void test_what_everybody_may_write_is_refused(void **state)
{
	char *a = folder_of(state, "open"), *kind = folder_of(state, "open/embed");
	struct plugin_folders f = { &a, 1 };
	touch(kind, "one.so");
	char *file = path_join(kind, "one.so", &(struct cbtm_error){ 0 });
	const char *targets[] = { file, kind, a };
	for (size_t i = 0; i < 3; i++) {
		struct cbtm_error e = { 0 };
		assert_int_equal(chmod(targets[i], 0777), 0);
		assert_null(plugin_locate(&f, "embed", "one", &e));
		assert_int_equal(e.name, CBTM_ERR_PLUGIN);
		assert_string_equal(e.where, targets[i]);
		assert_int_equal(chmod(targets[i], 0755), 0);
	}
	struct cbtm_error e = { 0 };
	char *path = plugin_locate(&f, "embed", "one", &e);
	assert_non_null(path);
	free(path), free(file), free(kind), free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folders_come_in_the_documented_order),
		cmocka_unit_test(test_names_are_never_paths),
		cmocka_unit_test(test_the_kinds_folder_comes_first),
		cmocka_unit_test(test_a_missing_plugin_lists_the_folders),
		cmocka_unit_test(test_what_everybody_may_write_is_refused),
	};
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
