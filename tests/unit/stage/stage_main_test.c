/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "fake.h"
#include "scratch.h"
#include "stage/stage.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CALL(stage, ...) fake_call(*state, stage, (const char *const[]){ __VA_ARGS__, NULL })
/* One path each: scratch_path has one buffer. */
static const char *at(void **state, int i, const char *name)
{
	static char path[4][4200];

	snprintf(path[i], sizeof path[i], "%s/%s", (const char *)*state, name);
	return path[i];
}

static int read_all(void **state)
{
	fake_pipeline(*state, NULL);
	fake_file(*state, "c.txt", "third\n");
	const char *a = at(state, 0, "a.txt");
	char b[4200], c[4200], d[4200];
	snprintf(b, sizeof b, "%s", at(state, 1, "pages"));
	snprintf(c, sizeof c, "%s", at(state, 2, "letters"));
	snprintf(d, sizeof d, "%s", at(state, 3, "copies"));
	return CALL(&fake_read, "--input", a, "--pages", b, "--letters", c, "--copies", d, "--threads",
	            "1");
}

static void test_all_tasks_are_done_in_order_then_skipped(void **state)
{
	char line[4300];

	assert_int_equal(read_all(state), 0);
	snprintf(line, sizeof line, "cbtm-read: pages done in 0.");
	assert_non_null(strstr(fake_read_file(*state, "out"), line));
	assert_non_null(strstr(fake_read_file(*state, "out"), "cbtm-read: copies done in 0."));
	assert_true(file_exists(at(state, 0, "copies/DATASET.json")));
	assert_int_equal(read_all(state), 0);
	assert_non_null(strstr(fake_read_file(*state, "out"), "cbtm-read: copies skipped in 0."));
	assert_null(strstr(fake_read_file(*state, "out"), "done in"));
}

static void test_clusters_are_folders_that_the_next_task_reads(void **state)
{
	assert_int_equal(read_all(state), 0);
	assert_int_equal(CALL(&fake_make, "--letters", at(state, 0, "letters"), "--groups",
	                      at(state, 1, "letters"), "--thing", at(state, 2, "thing"), "--total",
	                      at(state, 3, "total"), "--clusters", "3"),
	                 0);
	assert_true(file_exists(at(state, 0, "thing/cluster-002/DATASET.json")));
	assert_true(file_exists(at(state, 0, "total/DATASET.json")));
}

static void test_a_failure_says_why_and_gives_its_status(void **state)
{
	assert_int_equal(read_all(state), 0);
	assert_int_equal(CALL(&fake_make, "--letters", at(state, 0, "letters"), "--thing",
	                      at(state, 2, "thing"), "--total", at(state, 3, "total"), "--fail", "0"),
	                 65);
	assert_non_null(strstr(fake_read_file(*state, "out"), "fails because it was told to"));
	assert_non_null(strstr(fake_read_file(*state, "out"), "cbtm-make: thing failed in 0."));
	assert_false(file_exists(at(state, 0, "thing/cluster-000/DATASET.json")));
}

static void test_a_part_alone_leaves_the_dataset_open(void **state)
{
	fake_pipeline(*state, NULL);
	assert_int_equal(CALL(&fake_read, "--input", at(state, 0, "a.txt"), "--input",
	                      at(state, 1, "b.txt"), "--pages", at(state, 2, "pages"), "--task",
	                      "pages", "--part", "1"),
	                 0);
	assert_true(file_exists(at(state, 0, "pages/part-00001.json")));
	assert_false(file_exists(at(state, 0, "pages/DATASET.json")));
	assert_int_equal(CALL(&fake_read, "--input", at(state, 0, "a.txt"), "--pages",
	                      at(state, 2, "pages"), "--task", "pages", "--part", "1"),
	                 64);
}

static void test_checks_between_options_come_before_any_work(void **state)
{
	assert_int_equal(read_all(state), 0);
	assert_int_equal(CALL(&fake_make, "--letters", at(state, 0, "letters"), "--groups",
	                      at(state, 1, "letters"), "--thing", at(state, 2, "thing"), "--total",
	                      at(state, 3, "total"), "--weight", "1", "--clusters", "11"),
	                 78);
	assert_false(file_exists(at(state, 0, "thing")));
}

/* By hand what nobody reads is done where its folder is given, and there are clusters. */
static void test_what_is_for_people_is_done_where_it_is_asked_for(void **state)
{
	struct cbtm_stage read = fake_read;
	struct stage_task tasks[3] = { fake_read.tasks[0], fake_read.tasks[1], { 0 } };

	read.tasks = tasks;
	read.for_people = "letters";
	fake_pipeline(*state, NULL);
	for (int given = 0; given < 2; given++)
		for (int clusters = 1; clusters < 3; clusters++) {
			const char *words[] = { "--input",
				                    at(state, 0, "a.txt"),
				                    "--pages",
				                    at(state, 1, "pages"),
				                    "--clusters",
				                    clusters == 1 ? "1" : "2",
				                    given ? "--letters" : NULL,
				                    at(state, 2, "letters"),
				                    NULL };
			assert_int_equal(fake_call(*state, &read, words), 0);
			assert_int_equal(file_exists(at(state, 3, "letters")), given && clusters > 1);
		}
	assert_int_equal(CALL(&read, "--pages", at(state, 1, "pages"), "--letters",
	                      at(state, 2, "named"), "--task", "letters", "--input",
	                      at(state, 0, "a.txt")),
	                 0);
	assert_true(file_exists(at(state, 3, "named/DATASET.json")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_tasks_are_done_in_order_then_skipped, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_clusters_are_folders_that_the_next_task_reads,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_failure_says_why_and_gives_its_status, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_part_alone_leaves_the_dataset_open, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_checks_between_options_come_before_any_work,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_what_is_for_people_is_done_where_it_is_asked_for,
		                                scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
