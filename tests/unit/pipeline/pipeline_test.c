/* SPDX-License-Identifier: MIT */
#include "fake.h"
#include "pipeline/pipeline.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The problems of a pipeline's text; NULL: none. */
static const char *problems_of(void **state, const char *text)
{
	static char said[16384];
	struct run run;
	struct cbtm_error e = { 0 };

	fake_pipeline(*state, text);
	fake_open(*state, NULL, &run, &e);
	snprintf(said, sizeof said, "%s", run.problems.n ? run.problems.text.data : "");
	assert_int_equal(e.name != 0, run.problems.n != 0);
	run_close(&run);
	return *said ? said : NULL;
}

static void test_each_system_has_its_options(void **state)
{
	struct run run;
	struct cbtm_error e = { 0 };
	const char *const set[] = { "group.k=5", NULL };

	fake_pipeline(*state, NULL);
	assert_int_equal(fake_open(*state, set, &run, &e), 0);
	assert_string_equal(run.pipeline->name, "fake");
	assert_int_equal(run.pipeline->systems, 2);
	assert_string_equal(run.pipeline->system[0].name, "one");
	assert_int_equal(run.pipeline->system[0].k, 1); /* its own `set` wins over --set */
	assert_int_equal(run.pipeline->system[1].k, 5);
	assert_non_null(strstr(run.pipeline->work, "/work"));
	run_close(&run);
}

static void test_everything_wrong_is_told_at_once(void **state)
{
	const char *said = problems_of(state, "wrok: x\n"
	                                      "raed: {}\n"
	                                      "read: {input: [a.txt], letters: {sise: 3, size: 101}}\n"
	                                      "group: {k: four}\n"
	                                      "make: 3\n"
	                                      "systems: [{name: one, set: {make.wait: 1}}]\n");

	assert_non_null(said);
	assert_non_null(strstr(said, "pipeline.yaml:1:1: wrok: unknown key; the nearest is work\n"));
	assert_non_null(strstr(said, ":2:1: raed: unknown key; the nearest is read\n"));
	assert_non_null(strstr(said, ":3:34: read.letters.sise: unknown key; the nearest is "
	                             "read.letters.size\n"));
	assert_non_null(strstr(said, ":3:43: read.letters.size: must be a count, 1 to 100"));
	assert_non_null(strstr(said, ":4:9: group.k: must be a count"));
	assert_non_null(strstr(said, ":5:1: make: must be a section"));
	assert_non_null(strstr(said, ":6:29: make.wait: unknown key"));
}

static void test_a_section_is_no_value_and_a_value_no_section(void **state)
{
	const char *said = problems_of(state, "read: {input: [a.txt], letters: 3}\n"
	                                      "group: {k: {a: 1}}\n");

	assert_non_null(strstr(said, "read.letters: is a section with the keys size"));
	assert_non_null(strstr(said, "group.k.a: unknown key"));
}

static void test_missing_keys_and_inputs_are_told(void **state)
{
	assert_non_null(strstr(problems_of(state, "read: {letters: {size: 3}}\n"),
	                       ":1:1: read.input: is missing: files"));
	assert_non_null(
		strstr(problems_of(state, "read: {input: [none.txt]}\n"), ":1:8: read.input: "));
	assert_non_null(strstr(problems_of(state, "read: {input: [a.txt], table: none.json}\n"),
	                       "read.table: there is no file "));
}

static void test_checks_between_keys_name_the_key(void **state)
{
	assert_non_null(strstr(problems_of(state, "read: {input: [a.txt]}\ngroup: {k: 20}\n"
	                                          "make: {weight: 1}\n"),
	                       ":3:8: make.weight: times k must be at most 10\n"));
}

static void test_defaults_make_a_pipeline(void **state)
{
	assert_null(problems_of(state, "read: {input: [a.txt]}\n"));
	assert_null(problems_of(state, "read: {input: a.txt}\ngroup:\nmake: {}\nsystems:\n"));
	assert_non_null(strstr(problems_of(state, "- a\n"), "must be a map"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_system_has_its_options, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_everything_wrong_is_told_at_once, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_section_is_no_value_and_a_value_no_section,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_missing_keys_and_inputs_are_told, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_checks_between_keys_name_the_key, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_defaults_make_a_pipeline, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
