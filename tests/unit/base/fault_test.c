/* SPDX-License-Identifier: MIT */
/* The failpoints themselves, compiled in here whatever configure was told. */
#ifndef CBTM_FAULT
#define CBTM_FAULT
#endif
#include "base/fault.c"
#include "base/file.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>

#include <cmocka.h>

/* The status of a child that passes "a.b" three times and "a.bc" once under CBTM_FAIL=rules. */
static int passages(const char *rules, const char *list, enum cbtm_error_name *third)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		struct cbtm_error e = { 0 };
		setenv("CBTM_FAIL", rules, 1);
		if (list)
			setenv("CBTM_FAIL_LIST", list, 1);
		if (fault_point("a.b", &e) || fault_point("a.b", &e) || fault_point("a.bc", &e))
			_exit(200);
		fault_point("a.b", &e);
		if (signals_stop_requested())
			_exit(201);
		exit(e.name);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	*third = WIFEXITED(status) ? (enum cbtm_error_name)WEXITSTATUS(status) : CBTM_OK;
	return status;
}

static void test_the_named_passage_acts_and_no_other(void **state)
{
	(void)state;
	enum cbtm_error_name got;
	passages("a.b:3:enospc", NULL, &got);
	assert_int_equal(got, CBTM_ERR_DISK_FULL);
	passages("a.b:3:eio", NULL, &got);
	assert_int_equal(got, CBTM_ERR_IO);
	passages("x:1:kill,a.b:9:kill,a.b:3:eio,a.bc:2:kill", NULL, &got);
	assert_int_equal(got, CBTM_ERR_IO);
	passages("a.b:3:stop", NULL, &got);
	assert_int_equal(got, 201);
	assert_true(WIFSIGNALED(passages("a.b:3:kill", NULL, &got)));
	passages("a.bc:1:eio", NULL, &got);
	assert_int_equal(got, 200);
}

static void test_rules_that_mean_nothing_do_nothing(void **state)
{
	(void)state;
	static const char *const rules[] = { "",        ",",        "a.b",         "a.b:",
		                                 "a.b:3",   "a.b:3:",   "a.b::kill",   "a.b:x:kill",
		                                 ":3:kill", "a:3:kill", "a.b:3:dance", "a.b:-3:kill" };
	enum cbtm_error_name got;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		passages(rules[i], NULL, &got);
		assert_int_equal(got, CBTM_OK);
	}
}

static void test_the_list_counts_passages(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	enum cbtm_error_name got;
	passages("", scratch_path(state, "list"), &got);
	assert_int_equal(file_read(scratch_path(state, "list"), 1000, &b, &e), 0);
	assert_string_equal(b.data, "a.bc 1\na.b 3\n");
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_named_passage_acts_and_no_other),
		cmocka_unit_test(test_rules_that_mean_nothing_do_nothing),
		cmocka_unit_test_setup_teardown(test_the_list_counts_passages, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
