/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "store/dataset.h"
#include "store/sample.h"
#include "store/verify.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static void test_linked_part_is_the_same_under_another_number(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct stat a, b;
	char *from = sample_folder(), *to = sample_folder();
	char *first = sample_path(from, "part-00000.lmdb"),
		 *second = sample_path(to, "part-00003.lmdb");
	sample_ok(sample_write(from, 30, 7, &e), &e);
	sample_ok(dataset_link_part(from, 0, to, 3, &e), &e);
	sample_ok(store_check(to, 3, &e), &e);
	assert_true(dataset_has_part(to, 3, sample_fingerprint(1)));
	assert_int_equal(stat(first, &a) | stat(second, &b), 0);
	assert_true(a.st_ino == b.st_ino);
	/* Again: nothing to do, nothing left over. */
	sample_ok(dataset_link_part(from, 0, to, 3, &e), &e);
	char **names;
	size_t n;
	sample_ok(folder_list(to, &names, &n, &e), &e);
	assert_int_equal(n, 2);
	folder_list_free(names, n);
	free(first);
	free(second);
	sample_folder_free(from);
	sample_folder_free(to);
}

static void test_link_replaces_a_part_of_other_inputs(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	char *from = sample_folder(), *to = sample_folder();
	sample_ok(sample_write(from, 30, 7, &e), &e);
	sample_ok(store_create(to, 0, sample_kind(), sample_fingerprint(2), &w, &e), &e);
	sample_ok(sample_fill(w, 10, 3, &e), &e);
	sample_ok(store_seal(w, &e), &e);
	sample_ok(dataset_link_part(from, 0, to, 0, &e), &e);
	sample_check(to, 30);
	sample_folder_free(from);
	sample_folder_free(to);
}

static void test_missing_part_is_missing_input(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char *folder = sample_folder();
	assert_int_equal(dataset_link_part(folder, 0, folder, 1, &e), CBTM_ERR_MISSING_INPUT);
	sample_folder_free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_linked_part_is_the_same_under_another_number),
		cmocka_unit_test(test_link_replaces_a_part_of_other_inputs),
		cmocka_unit_test(test_missing_part_is_missing_input),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
