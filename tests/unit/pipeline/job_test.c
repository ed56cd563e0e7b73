/* SPDX-License-Identifier: MIT */
#include "fake.h"
#include "pipeline/job.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct graph_dataset *find(const struct run *run, const char *name)
{
	for (size_t i = 0; i < run->graph->n; i++)
		if (run->graph->dataset[i]->k > 1 && !strcmp(run->graph->dataset[i]->name, name))
			return run->graph->dataset[i];
	return NULL;
}

/* The job's command line as a person would type it. */
static void print(const struct run *run, const struct graph_dataset *d, uint32_t part,
                  struct buffer *out)
{
	struct job_setting setting = { "/bin dir", 3, "log", NULL };
	struct cbtm_error e = { 0 };
	char **argv;

	buffer_clear(out);
	assert_int_equal(job_arguments(run->graph, d, part, &setting, run->graph->arena, &argv, &e), 0);
	assert_int_equal(job_print(argv, out, &e), 0);
}

static void test_a_job_says_what_differs_from_the_defaults(void **state)
{
	const char *const set[] = { "group.k=3", "make.weight=0.75", NULL };
	struct buffer out = { 0 };
	struct cbtm_error e = { 0 };
	struct run run;

	fake_pipeline(*state, NULL);
	assert_int_equal(fake_open(*state, set, &run, &e), 0);
	print(&run, find(&run, "thing 2"), 0, &out);
	assert_int_equal(strncmp(out.data, "'/bin dir/cbtm-make' --task=thing --cluster=2 ", 46), 0);
	assert_non_null(strstr(out.data, " --clusters=3 "));
	assert_non_null(strstr(out.data, " --weight=0.75 "));
	assert_null(strstr(out.data, "--steps")); /* of the other task, and the default */
	assert_non_null(strstr(out.data, " --threads=3 "));
	assert_non_null(strstr(out.data, " --log=log "));
	print(&run, find(&run, "total"), 0, &out);
	assert_null(strstr(out.data, "--weight"));
	assert_null(strstr(out.data, "--cluster="));
	assert_non_null(strstr(out.data, " --thing="));
	buffer_free(&out);
	run_close(&run);
}

static void test_what_a_program_demands_is_said(void **state)
{
	struct buffer out = { 0 };
	struct cbtm_error e = { 0 };
	struct run run;

	fake_pipeline(*state, NULL);
	assert_int_equal(fake_open(*state, NULL, &run, &e), 0);
	print(&run, find(&run, "copies"), 1, &out);
	assert_non_null(strstr(out.data, " --task=copies --part=1 "));
	assert_non_null(strstr(out.data, "/a.txt --input="));
	assert_null(strstr(out.data, "--letters-size"));
	buffer_free(&out);
	run_close(&run);
}

static void test_words_are_quoted_for_a_shell(void **state)
{
	char *const argv[] = { (char *)"a", (char *)"it's", (char *)"", NULL };
	struct buffer out = { 0 };
	struct cbtm_error e = { 0 };

	(void)state;
	assert_int_equal(job_print(argv, &out, &e), 0);
	assert_string_equal(out.data, "a 'it'\\''s' ''");
	buffer_free(&out);
}

static void test_logs_have_names_of_their_own(void **state)
{
	struct cbtm_error e = { 0 };
	struct run run;

	fake_pipeline(*state, NULL);
	assert_int_equal(fake_open(*state, NULL, &run, &e), 0);
	assert_string_equal(job_name(run.graph, find(&run, "thing 1"), 0, run.graph->arena, &e),
	                    "two.thing-cluster-1");
	assert_string_equal(job_name(run.graph, find(&run, "copies"), 1, run.graph->arena, &e),
	                    "two.copies-part-1");
	assert_string_equal(job_name(run.graph, run.graph->dataset[0], 1, run.graph->arena, &e),
	                    "pages-part-1"); /* all systems share it */
	run_close(&run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_job_says_what_differs_from_the_defaults,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_what_a_program_demands_is_said, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_words_are_quoted_for_a_shell, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_logs_have_names_of_their_own, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
