/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "fake.h"
#include "pipeline/workspace.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

static void open_run(void **state, const char *const *set, struct run *run)
{
	struct cbtm_error e = { 0 };

	if (fake_open(*state, set, run, &e) || workspace_lock(&run->workspace, &e) ||
	    workspace_link(&run->workspace, run->graph, &e))
		fail_msg("%s: %s", e.where, e.what);
}

static void test_a_second_driver_is_refused_by_name(void **state)
{
	struct workspace other;
	struct cbtm_error e = { 0 };
	struct run run;

	fake_pipeline(*state, NULL);
	open_run(state, NULL, &run);
	other = run.workspace;
	assert_true(workspace_is_busy(&other));
	assert_int_equal(workspace_lock(&other, &e), CBTM_ERR_BUSY);
	assert_non_null(strstr(e.what, "pid "));
	workspace_unlock(&run.workspace);
	assert_false(workspace_is_busy(&other));
	run_close(&run);
}

static void test_links_lead_to_datasets_and_old_ones_go(void **state)
{
	const char *const set[] = { "group.k=3", NULL };
	char target[4200] = "";
	struct run run;

	fake_pipeline(*state, NULL);
	open_run(state, set, &run);
	assert_true(readlink(scratch_path(state, "work/runs/fake/two/thing-cluster-2"), target,
	                     sizeof target - 1) > 0);
	assert_int_equal(strncmp(target, "../../../thing/", 15), 0);
	run_close(&run);
	open_run(state, NULL, &run);
	assert_int_not_equal(access(scratch_path(state, "work/runs/fake/one"), F_OK), -1);
	assert_int_equal(readlink(scratch_path(state, "work/runs/fake/two/thing-cluster-2"), target,
	                          sizeof target - 1),
	                 -1);
	run_close(&run);
}

static int note(void *arg, const char *folder, struct cbtm_error *e)
{
	(void)e;
	snprintf(arg, 4200, "%s", folder);
	return 0;
}

static void test_only_unnamed_folders_of_datasets_are_offered(void **state)
{
	struct cbtm_error e = { 0 };
	char found[4200] = "";
	struct run run;

	fake_pipeline(*state, NULL);
	open_run(state, NULL, &run);
	for (size_t i = 0; i < run.graph->n; i++)
		assert_int_equal(folder_make(run.graph->dataset[i]->dir, &e), 0);
	assert_int_equal(folder_make(scratch_path(state, "work/mine/0123456789abcdef"), &e), 0);
	assert_int_equal(folder_make(scratch_path(state, "work/letters/notes"), &e), 0);
	assert_int_equal(workspace_unnamed(&run.workspace, note, found, &e), 0);
	assert_string_equal(found, "");
	assert_int_equal(folder_make(scratch_path(state, "work/letters/0123456789abcdef"), &e), 0);
	assert_int_equal(workspace_unnamed(&run.workspace, note, found, &e), 0);
	assert_non_null(strstr(found, "work/letters/0123456789abcdef"));
	run_close(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_second_driver_is_refused_by_name, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_links_lead_to_datasets_and_old_ones_go, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_only_unnamed_folders_of_datasets_are_offered,
		                                scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
