/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "fake.h"
#include "pipeline/local.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct run run;
	struct local_setting setting;
	struct local_report report;
	struct cbtm_error e;
	char bin[4200];
	size_t completed;
};

static int on_complete(void *arg, struct graph_dataset *d, struct cbtm_error *e)
{
	(void)d, (void)e;
	++*(size_t *)arg;
	return 0;
}

static void execute(struct fixture *f, void **state, const char *const *set)
{
	memset(f, 0, sizeof *f);
	snprintf(f->bin, sizeof f->bin, "%s/bin", (const char *)*state);
	if (!file_exists(f->bin)) {
		fake_pipeline(*state, NULL);
		fake_programs(f->bin);
	}
	f->setting = (struct local_setting){ f->bin, 3, 2, true, false, { 0 }, false };
	if (fake_open(*state, set, &f->run, &f->e) || workspace_lock(&f->run.workspace, &f->e) ||
	    local_run(f->run.graph, &f->run.workspace, &f->setting, on_complete, &f->completed,
	              &f->report, &f->e))
		fail_msg("%s: %s", f->e.where, f->e.what);
}

static void test_everything_is_made_and_then_nothing(void **state)
{
	struct fixture f;

	execute(&f, state, NULL);
	assert_int_equal(f.report.jobs, 11);
	assert_int_equal(f.report.done, 11);
	assert_int_equal(f.report.failed, 0);
	assert_int_equal(f.completed, f.run.graph->n);
	assert_false(file_exists(f.run.workspace.state));
	run_close(&f.run);
	execute(&f, state, NULL);
	assert_int_equal(f.report.jobs, 0);
	run_close(&f.run);
}

static void test_a_failed_job_leaves_the_others_running(void **state)
{
	const char *const fail[] = { "make.fail=1", "group.k=4", NULL }, *const mended[] = {
		"group.k=4", NULL
	};
	struct fixture f;

	execute(&f, state, fail);
	assert_int_equal(f.report.failed, 1);
	assert_int_equal(f.report.failure, CBTM_ERR_BAD_DATA); /* by the exit status */
	assert_string_equal(f.report.failures, "thing 1 of two");
	assert_int_equal(f.report.done, f.report.jobs - 2); /* and the total of two waits for it */
	run_close(&f.run);
	execute(&f, state, mended);
	assert_int_equal(f.report.jobs, 2);
	assert_int_equal(f.report.done, 2);
	run_close(&f.run);
}

static void test_a_dataset_that_was_not_sealed_is_sealed(void **state)
{
	static const char *const lost[] = { "work/runs/fake/two/total/DATASET.json",
		                                "work/runs/fake/two/copies/DATASET.json" };
	struct cbtm_error e = { 0 };
	struct fixture f;

	execute(&f, state, NULL);
	workspace_link(&f.run.workspace, f.run.graph, &f.e);
	run_close(&f.run);
	for (size_t i = 0; i < 2; i++) {
		assert_true(file_exists(scratch_path(state, lost[i])));
		assert_int_equal(folder_remove(scratch_path(state, lost[i]), &e), 0);
	}
	execute(&f, state, NULL);
	assert_int_equal(f.report.jobs, 2);
	assert_int_equal(f.report.done, 2);
	for (size_t i = 0; i < 2; i++)
		assert_true(file_exists(scratch_path(state, lost[i])));
	run_close(&f.run);
}

static void test_a_new_file_makes_one_part_and_links_the_others(void **state)
{
	struct fixture f;

	execute(&f, state, NULL);
	run_close(&f.run);
	fake_file(*state, "c.txt", "third\n");
	fake_file(*state, "pipeline.yaml",
	          "name: fake\nread: {input: [a.txt, c.txt, b.txt]}\ngroup: {k: 1}\n");
	execute(&f, state, NULL);
	assert_int_equal(f.report.linked, 2);
	assert_int_equal(f.report.done, f.report.jobs);
	run_close(&f.run);
}

/* Whether the log of a job says that it was started so. */
static bool was_started_with(const struct fixture *f, const char *job, const char *words)
{
	struct cbtm_error e = { 0 };
	struct buffer text = { 0 };
	char path[4200];
	snprintf(path, sizeof path, "%s/%s.log", f->run.workspace.logs, job);
	if (file_read(path, 1 << 20, &text, &e))
		fail_msg("%s: %s", e.where, e.what);
	bool found = strstr(text.data, words) != NULL;
	buffer_free(&text);
	return found;
}

/* Two threads, three at a time, four things: the last has both threads. */
static void test_the_last_ones_share_all_threads(void **state)
{
	const char *const three[] = { "group.k=3", NULL };
	struct fixture f;

	execute(&f, state, three);
	assert_true(was_started_with(&f, "two.thing-cluster-0", "--threads=1 "));
	assert_true(was_started_with(&f, "two.thing-cluster-1", "--threads=1 "));
	assert_true(was_started_with(&f, "two.thing-cluster-2", "--threads=2 "));
	run_close(&f.run);
}

int main(int argc, char **argv)
{
	int status;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_everything_is_made_and_then_nothing, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_failed_job_leaves_the_others_running, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_dataset_that_was_not_sealed_is_sealed, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_new_file_makes_one_part_and_links_the_others,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_the_last_ones_share_all_threads, scratch_make,
		                                scratch_remove),
	};

	if (fake_is_stage(argc, argv, &status))
		return status;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
