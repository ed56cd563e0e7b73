/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "store/part.h"
#include "store/sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct part_files files_of(const char *folder, struct arena *a)
{
	struct cbtm_error e = { 0 };
	struct part_files f;
	sample_ok(part_files(folder, 7, a, &f, &e), &e);
	return f;
}

static void test_names_of_files(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct arena *a = arena_new(&e);
	struct part_files f = files_of("some/where", a);
	assert_string_equal(f.store, "some/where/part-00007.lmdb");
	assert_string_equal(f.manifest, "some/where/part-00007.json");
	assert_string_equal(f.dataset, "some/where/DATASET.json");
	assert_int_equal(part_files("x", PART_MAX, a, &f, &e), CBTM_ERR_USAGE);
	arena_free(a);
}

static void test_paths_name_parts(void **state)
{
	(void)state;
	char folder[64];
	uint32_t part;
	assert_true(part_of_path("a/b/part-00012.lmdb", folder, sizeof folder, &part));
	assert_string_equal(folder, "a/b");
	assert_int_equal(part, 12);
	assert_true(part_of_path("part-99999.json", folder, sizeof folder, &part));
	assert_string_equal(folder, ".");
	assert_int_equal(part, 99999);
	assert_true(part_of_path("/part-00000.lmdb", folder, sizeof folder, &part));
	assert_string_equal(folder, "/");
	const char *const others[] = {
		"a/part-0012.lmdb", "part-00001.lmdb.partial", "part-00001", "DATASET.json", "", "a/b",
		"xpart-00001.lmdb"
	};
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_false(part_of_path(others[i], folder, sizeof folder, &part));
	assert_false(part_of_path("a/long/folder/part-00012.lmdb", folder, 6, &part));
}

static void test_lock_keeps_others_out_and_leaves_nothing(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct arena *a = arena_new(&e);
	char *folder = sample_folder();
	struct part_files f = files_of(folder, a);
	int lock = part_guard(&f, &e);
	assert_true(lock >= 0);
	assert_int_equal(part_guard(&f, &e), -1);
	assert_int_equal(e.name, CBTM_ERR_BUSY);
	part_unguard(&f, lock);
	part_unguard(&f, -1);
	assert_false(file_exists(f.lock));
	e = (struct cbtm_error){ 0 };
	lock = part_guard(&f, &e);
	assert_true(lock >= 0);
	part_unguard(&f, lock);
	arena_free(a);
	sample_folder_free(folder);
}

static void test_only_this_boot_or_a_clean_end_is_trusted(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct arena *a = arena_new(&e);
	char *folder = sample_folder();
	struct part_files f = files_of(folder, a);
	assert_false(part_state_is_good(&f));
	sample_ok(part_state_write(&f, &e), &e);
	assert_true(part_state_is_good(&f));
	sample_ok(file_replace(f.state, "another boot\n", 13, &e), &e);
	assert_false(part_state_is_good(&f));
	sample_ok(file_replace(f.state, "", 0, &e), &e);
	assert_false(part_state_is_good(&f));
	sample_ok(part_state_clean(&f, &e), &e);
	assert_true(part_state_is_good(&f));
	arena_free(a);
	sample_folder_free(folder);
}

static void test_cleaning_takes_only_what_is_its_own(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct arena *a = arena_new(&e);
	char *folder = sample_folder();
	struct part_files f = files_of(folder, a);
	char *mine = sample_path(folder, "part-00007.json.0123.tmp");
	char *others = sample_path(folder, "part-00008.json.0123.tmp");
	const char *const made[] = { f.store, f.manifest, f.partial, f.state, f.sealing, mine, others };
	for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
		sample_ok(file_replace(made[i], "x", 1, &e), &e);
	sample_ok(part_clean_temporaries(&f, &e), &e);
	assert_false(file_exists(mine));
	assert_true(file_exists(others));
	sample_ok(part_clean(&f, false, &e), &e);
	assert_true(!file_exists(f.sealing) && file_exists(f.partial));
	sample_ok(part_clean(&f, true, &e), &e);
	assert_true(!file_exists(f.partial) && !file_exists(f.state));
	assert_true(file_exists(f.store) && file_exists(f.manifest));
	sample_ok(part_unpublish(&f, &e), &e);
	assert_true(file_exists(f.store) && !file_exists(f.manifest));
	free(mine);
	free(others);
	arena_free(a);
	sample_folder_free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_of_files),
		cmocka_unit_test(test_paths_name_parts),
		cmocka_unit_test(test_lock_keeps_others_out_and_leaves_nothing),
		cmocka_unit_test(test_only_this_boot_or_a_clean_end_is_trusted),
		cmocka_unit_test(test_cleaning_takes_only_what_is_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
