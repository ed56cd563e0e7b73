/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "fake.h"
#include "pipeline/driver.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int drive(void **state, const char *const *set, struct cbtm_error *e)
{
	struct local_setting setting = { NULL, 2, 2, true, false, { 0 }, false };
	char bin[4200];
	struct run run;

	memset(e, 0, sizeof *e);
	snprintf(bin, sizeof bin, "%s/bin", (const char *)*state);
	setting.bin = bin;
	if (!file_exists(bin)) {
		fake_pipeline(*state, NULL);
		fake_programs(bin);
	}
	if (!fake_open(*state, set, &run, e))
		driver_run(&run, &setting, e);
	run_close(&run);
	return e->name;
}

static void test_a_run_leaves_links_logs_and_a_record(void **state)
{
	struct cbtm_error e;

	assert_int_equal(drive(state, NULL, &e), 0);
	assert_true(file_exists(scratch_path(state, "work/runs/fake/two/total/DATASET.json")));
	assert_true(file_exists(scratch_path(state, "work/runs/fake/logs/two.thing-cluster-1.log")));
	assert_non_null(
		strstr(fake_read_file(*state, "work/runs/fake/record.json"), "\"group.k\":\"2\""));
}

static void test_a_failure_is_counted_and_keeps_its_status(void **state)
{
	const char *const fail[] = { "make.fail=1", NULL };
	struct cbtm_error e;

	assert_int_equal(drive(state, fail, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.what, "9 of 11 tasks done, 1 failed: thing 1 of two, 1 not started"));
	assert_non_null(strstr(e.hint, "logs"));
	assert_int_equal(drive(state, NULL, &e), 0);
}

static void test_a_run_that_was_lost_is_recorded_by_the_next(void **state)
{
	struct cbtm_error e;

	assert_int_equal(drive(state, NULL, &e), 0);
	assert_int_equal(folder_remove(scratch_path(state, "work/runs/fake/record.json"), &e), 0);
	assert_int_equal(drive(state, NULL, &e), 0);
	assert_true(file_exists(scratch_path(state, "work/runs/fake/record.json")));
}

int main(int argc, char **argv)
{
	int status;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_run_leaves_links_logs_and_a_record, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_failure_is_counted_and_keeps_its_status,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_run_that_was_lost_is_recorded_by_the_next,
		                                scratch_make, scratch_remove),
	};

	if (fake_is_stage(argc, argv, &status))
		return status;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
