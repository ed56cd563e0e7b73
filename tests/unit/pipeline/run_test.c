/* SPDX-License-Identifier: MIT */
#include "fake.h"
#include "pipeline/run.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int select_stages(void **state, struct run_selection s, size_t *jobs, struct cbtm_error *e)
{
	struct run run;

	memset(e, 0, sizeof *e);
	fake_pipeline(*state, NULL);
	if (!fake_open(*state, NULL, &run, e) && !run_select(&run, &s, e))
		*jobs = run_jobs(&run, false);
	run_close(&run);
	return e->name;
}

static void test_all_jobs_are_counted_by_parts(void **state)
{
	struct cbtm_error e;
	size_t jobs;

	assert_int_equal(select_stages(state, (struct run_selection){ 0 }, &jobs, &e), 0);
	assert_int_equal(jobs, 11);
	assert_int_equal(select_stages(state, (struct run_selection){ .only = "read" }, &jobs, &e), 0);
	assert_int_equal(jobs, 5);
	assert_int_equal(select_stages(state, (struct run_selection){ .from = "read" }, &jobs, &e), 0);
	assert_int_equal(jobs, 11);
}

static void test_a_stage_needs_what_is_left_out(void **state)
{
	struct cbtm_error e;
	size_t jobs;

	assert_int_equal(select_stages(state, (struct run_selection){ .from = "make" }, &jobs, &e),
	                 CBTM_ERR_MISSING_INPUT);
	assert_non_null(strstr(e.what, "of stage make needs it"));
	assert_non_null(strstr(e.hint, "run stage "));
}

static void test_unknown_stages_are_refused_with_the_nearest(void **state)
{
	struct cbtm_error e;
	size_t jobs;

	assert_int_equal(select_stages(state, (struct run_selection){ .force = "grop" }, &jobs, &e),
	                 CBTM_ERR_USAGE);
	assert_non_null(strstr(e.what, "the nearest is group"));
	assert_int_equal(
		select_stages(state, (struct run_selection){ .from = "read", .only = "read" }, &jobs, &e),
		CBTM_ERR_USAGE);
}

static void test_a_noted_dataset_is_recorded_for_all_its_systems(void **state)
{
	struct cbtm_error e = { 0 };
	struct run run;

	fake_pipeline(*state, NULL);
	assert_int_equal(fake_open(*state, NULL, &run, &e), 0);
	assert_int_equal(run_note(&run, run.graph->dataset[0], &e), 0);
	assert_non_null(record_find(&run.record, "one", "pages"));
	assert_non_null(record_find(&run.record, "two", "pages"));
	run_close(&run);
}

static void test_problems_close_the_run(void **state)
{
	struct cbtm_error e = { 0 };
	struct run run;

	fake_pipeline(*state, "read: {}\n");
	assert_int_equal(fake_open(*state, NULL, &run, &e), CBTM_ERR_CONFIG);
	assert_int_equal(run.problems.n, 1);
	assert_non_null(strstr(e.what, "1 problem"));
	run_close(&run);
}

int main(int argc, char **argv)
{
	int status;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_jobs_are_counted_by_parts, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_stage_needs_what_is_left_out, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_unknown_stages_are_refused_with_the_nearest,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_noted_dataset_is_recorded_for_all_its_systems,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_problems_close_the_run, scratch_make, scratch_remove),
	};

	if (fake_is_stage(argc, argv, &status))
		return status;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
