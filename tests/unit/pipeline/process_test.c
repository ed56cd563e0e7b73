/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "fake.h"
#include "pipeline/process.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

static int finish(struct process *p)
{
	int status = -1;

	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	return status;
}

static void test_each_attempt_is_appended_with_its_command(void **state)
{
	char *argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)"echo one; echo two >&2; cat; exit 3",
		             NULL };
	struct buffer tail = { 0 };
	struct cbtm_error e = { 0 };
	struct process p;
	char log[4200], text[64];

	snprintf(log, sizeof log, "%s", scratch_path(state, "log"));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(process_start(argv, NULL, log, &p, &e), 0);
		process_ending(finish(&p), text, sizeof text);
		assert_string_equal(text, "ended with status 3");
	}
	assert_int_equal(process_tail(&p, 20, "> ", &tail, &e), 0);
	assert_string_equal(tail.data, "> one\n> two\n");
	buffer_clear(&tail);
	assert_int_equal(process_tail(&p, 1, "", &tail, &e), 0);
	assert_string_equal(tail.data, "two\n");
	buffer_free(&tail);
	const char *whole = fake_read_file(*state, "log");
	assert_int_equal(strncmp(whole, "--- ", 4), 0);
	assert_non_null(strstr(whole, "/bin/sh -c 'echo one;"));
	assert_non_null(strstr(strstr(whole, "two\n"), "--- "));
}

static void test_a_program_that_is_not_there_says_so(void **state)
{
	char *argv[] = { (char *)"/no/such/program", NULL };
	struct cbtm_error e = { 0 };
	struct process p;
	char log[4200];

	snprintf(log, sizeof log, "%s", scratch_path(state, "log"));
	assert_int_equal(process_start(argv, NULL, log, &p, &e), 0);
	assert_int_not_equal(finish(&p), 0);
	assert_non_null(strstr(fake_read_file(*state, "log"), "cannot be started"));
}

static void test_a_killed_process_is_named_by_its_signal(void **state)
{
	char *argv[] = { (char *)"/bin/sleep", (char *)"100", NULL };
	struct cbtm_error e = { 0 };
	struct process p;
	char log[4200], text[64];

	snprintf(log, sizeof log, "%s", scratch_path(state, "log"));
	assert_int_equal(process_start(argv, NULL, log, &p, &e), 0);
	kill(p.pid, SIGKILL);
	process_ending(finish(&p), text, sizeof text);
	assert_non_null(strstr(text, "was killed by signal 9"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_attempt_is_appended_with_its_command,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_program_that_is_not_there_says_so, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_killed_process_is_named_by_its_signal, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
