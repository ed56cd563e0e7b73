/* SPDX-License-Identifier: MIT */
#include "base/signals.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* In a child, since a stop that was requested stays. */
static int status_of(void (*child)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		child();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void one_signal(void)
{
	struct cbtm_error e = { 0 };
	signals_install();
	if (signals_stop_requested() || signals_check(&e))
		_exit(1);
	raise(SIGTERM);
	if (!signals_stop_requested() || signals_check(&e) != CBTM_ERR_STOPPED)
		_exit(2);
}

static void test_the_first_signal_asks_to_stop(void **state)
{
	(void)state;
	assert_int_equal(status_of(one_signal), 0);
}

static void two_signals(void)
{
	signals_install();
	raise(SIGINT);
	raise(SIGTERM);
}

static void test_the_second_signal_leaves_at_once_resumable(void **state)
{
	(void)state;
	assert_int_equal(status_of(two_signals), 75);
}

static void request(void)
{
	signals_install();
	signals_request_stop();
	if (!signals_stop_requested())
		_exit(1);
}

static void test_a_request_is_as_good_as_a_signal(void **state)
{
	(void)state;
	assert_int_equal(status_of(request), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_signal_asks_to_stop),
		cmocka_unit_test(test_the_second_signal_leaves_at_once_resumable),
		cmocka_unit_test(test_a_request_is_as_good_as_a_signal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
