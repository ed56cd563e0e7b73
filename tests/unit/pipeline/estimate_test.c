/* SPDX-License-Identifier: MIT */
#include "base/room.h"
#include "fake.h"
#include "pipeline/estimate.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct stage_task task = { .name = "expert" };
static const struct pipeline_system one = { .name = "one" };
static const struct graph_dataset datasets[2] = {
	{ .task = &task, .system = &one, .name = "expert 0", .systems = 1, .parts = 1 },
	{ .task = &task, .system = &one, .name = "expert 1", .systems = 1, .parts = 1 }
};

static void test_stages_that_are_not_known_are_not_guessed(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer out = { 0 };
	struct estimate t;
	struct run run;

	fake_pipeline(*state, NULL);
	if (fake_open(*state, NULL, &run, &e) || estimate_make(&run, 2, &t, &e) ||
	    estimate_print(&t, true, &out, &e) || estimate_check(&t, *state, false, false, &e))
		fail_msg("%s: %s", e.where, e.what);
	assert_int_equal(t.n, 0);
	assert_int_equal(out.n, 0);
	estimate_free(&t);
	buffer_free(&out);
	run_close(&run);
}

static void test_clusters_that_take_the_same_are_one_line(void **state)
{
	struct estimate_row rows[2] = { { &datasets[0], { 2000000, 0, 50000000, true, 0 }, false },
		                            { &datasets[1], { 2000000, 0, 50000000, true, 0 }, false } };
	struct estimate t = { .row = rows,
		                  .n = 2,
		                  .disk = 4000000,
		                  .memory = 100000000,
		                  .largest = &datasets[0],
		                  .at_once = 2,
		                  .exact_text = true };
	struct cbtm_error e = { 0 };
	struct buffer out = { 0 };

	(void)state;
	assert_int_equal(estimate_print(&t, true, &out, &e), 0);
	assert_string_equal(out.data,
	                    "expected (~: by measured ratios; else by counts and settings):\n"
	                    "  expert 0    2.00 MB on disk  ~ 50.0 MB in memory  one  each of 2\n"
	                    "in all about 4.00 MB of disk, and 100 MB of memory (expert, 2 at once)\n");
	buffer_clear(&out);
	t.spared = 3000000;
	assert_int_equal(estimate_print(&t, false, &out, &e), 0);
	assert_string_equal(
		out.data, "in all about 4.00 MB of disk (1.00 MB if earlier runs are taken over), and "
				  "100 MB of memory (expert, 2 at once)\n");
	buffer_free(&out);
}

static void test_less_room_than_needed_is_refused_with_the_numbers(void **state)
{
	struct estimate t = { .largest = &datasets[0], .at_once = 1, .disk = 1000000000000000000 };
	struct cbtm_error e = { 0 };

	assert_int_equal(estimate_check(&t, *state, false, false, &e), CBTM_ERR_DISK_FULL);
	assert_non_null(strstr(e.what, "TB of disk, and "));
	assert_non_null(strstr(e.hint, "--anyway"));
	e = (struct cbtm_error){ 0 };
	assert_int_equal(estimate_check(&t, *state, true, false, &e), 0);
	assert_int_equal(estimate_check(&t, *state, false, true, &e), 0);
	t.spared = t.disk - 1; /* it may do without */
	assert_int_equal(estimate_check(&t, *state, false, false, &e), 0);
	t.disk = 0;
	t.memory = UINT64_MAX - 1;
	assert_int_equal(estimate_check(&t, *state, true, false, &e), CBTM_ERR_MEMORY);
	assert_string_equal(e.where, "expert");
	e = (struct cbtm_error){ 0 };
	assert_int_equal(estimate_check(&t, *state, false, true, &e), 0);
	t.memory = 1;
	assert_int_equal(estimate_check(&t, *state, false, false, &e), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_stages_that_are_not_known_are_not_guessed),
		TEST(test_clusters_that_take_the_same_are_one_line),
		TEST(test_less_room_than_needed_is_refused_with_the_numbers),
	};
	int status;

	if (fake_is_stage(argc, argv, &status))
		return status;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
