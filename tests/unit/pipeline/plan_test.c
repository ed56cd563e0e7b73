/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "fake.h"
#include "pipeline/driver.h"
#include "pipeline/plan.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void make_all(void **state)
{
	struct local_setting setting = { NULL, 2, 2, true, false, { 0 }, false };
	struct cbtm_error e = { 0 };
	char bin[4200];
	struct run run;

	snprintf(bin, sizeof bin, "%s/bin", (const char *)*state);
	setting.bin = bin;
	fake_pipeline(*state, NULL);
	fake_programs(bin);
	if (fake_open(*state, NULL, &run, &e) || driver_run(&run, &setting, &e))
		fail_msg("%s: %s", e.where, e.what);
	run_close(&run);
}

typedef int printing(struct run *run, struct buffer *out, struct cbtm_error *e);
static void expect(void **state, printing *print, const char *setting, const char *expected)
{
	const char *const set[] = { setting, NULL };
	struct cbtm_error e = { 0 };
	struct buffer out = { 0 };
	struct run run;

	if (fake_open(*state, set, &run, &e) || print(&run, &out, &e))
		fail_msg("%s: %s", e.where, e.what);
	assert_string_equal(out.data, expected);
	buffer_free(&out);
	run_close(&run);
}

static void test_after_a_run_nothing_is_to_do(void **state)
{
	make_all(state);
	expect(state, plan_print, NULL, "fake: nothing to do: all 11 tasks are done\n");
	expect(state, plan_print, "read.loud=true", "fake: nothing to do: all 11 tasks are done\n");
}

static void test_a_changed_key_is_named_and_only_its_dependants_run(void **state)
{
	make_all(state);
	expect(state, plan_print, "make.steps=[3]",
	       "fake: 2 of 11 tasks are to run\n"
	       "  total  one  make.steps [1,2] -> [3]\n"
	       "  total  two  make.steps [1,2] -> [3]\n");
	expect(state, plan_print, "group.k=3",
	       "fake: 5 of 12 tasks are to run\n"
	       "  groups     two  group.k 2 -> 3\n"
	       "  thing 0-1  two  input groups changed\n"
	       "  thing 2    two  never run\n"
	       "  total      two  inputs thing, groups changed, input thing added\n");
}

static void test_status_shows_every_system(void **state)
{
	make_all(state);
	expect(state, plan_status, "make.steps=[3]",
	       "one:\n"
	       "  pages    fresh\n"
	       "  letters  fresh\n"
	       "  thing 0  fresh\n"
	       "  total    stale: make.steps [1,2] -> [3]\n"
	       "\n"
	       "two:\n"
	       "  pages      fresh\n"
	       "  letters    fresh\n"
	       "  copies     fresh\n"
	       "  groups     fresh\n"
	       "  thing 0-1  fresh\n"
	       "  total      stale: make.steps [1,2] -> [3]\n"
	       "\n"
	       "fake: 2 of 11 tasks are to run\n");
}

static void test_commands_are_what_a_person_would_type(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer out = { 0 };
	struct run run;
	size_t lines = 0;

	fake_pipeline(*state, NULL);
	assert_int_equal(fake_open(*state, NULL, &run, &e), 0);
	assert_int_equal(plan_commands(&run, "/bin", 2, &out, &e), 0);
	for (const char *c = out.data; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 9); /* one a dataset */
	assert_int_equal(strncmp(out.data, "/bin/cbtm-read --task=pages --clusters=1 ", 41), 0);
	buffer_free(&out);
	run_close(&run);
}

int main(int argc, char **argv)
{
	int status;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_after_a_run_nothing_is_to_do, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_changed_key_is_named_and_only_its_dependants_run,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_status_shows_every_system, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_commands_are_what_a_person_would_type, scratch_make,
		                                scratch_remove),
	};

	if (fake_is_stage(argc, argv, &status))
		return status;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
