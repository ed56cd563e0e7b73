/* SPDX-License-Identifier: MIT */
#include "store/named.h"
#include "store/sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_part_and_dataset_are_named(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct named_store named;
	struct store *s;
	const struct digest f[] = { sample_fingerprint(1) };
	char *folder = sample_folder(), *part = sample_path(folder, "part-00000.json");
	sample_ok(sample_write(folder, 5, 2, &e), &e);
	sample_ok(named_open(part, &named, &e), &e);
	assert_int_equal(named.n, 1);
	assert_null(named.dataset);
	sample_ok(named_part(&named, 0, &s, &e), &e);
	store_close(s);
	named_close(&named);
	assert_int_equal(named_open(folder, &named, &e), CBTM_ERR_MISSING_INPUT);
	named_close(&named);
	e = (struct cbtm_error){ 0 };
	sample_ok(dataset_seal(folder, sample_kind(), f, 1, &e), &e);
	sample_ok(named_open(folder, &named, &e), &e);
	assert_non_null(named.dataset);
	sample_ok(named_part(&named, 0, &s, &e), &e);
	store_close(s);
	named_close(&named);
	free(part);
	sample_folder_free(folder);
}

static void test_nothing_there_is_missing_input(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct named_store named;
	assert_int_equal(named_open("/nonexistent/part-00000.lmdb", &named, &e),
	                 CBTM_ERR_MISSING_INPUT);
	named_close(&named);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_part_and_dataset_are_named),
		cmocka_unit_test(test_nothing_there_is_missing_input),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
