/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "scratch.h"
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void work(uint64_t total, const char *unit)
{
	progress_start("reading", total, unit);
	for (uint64_t i = 0; i <= 100; i++)
		progress_set(i, i % 10 ? NULL : "loss 3.21");
	progress_finish();
	progress_finish();
	progress_set(7, NULL); /* after the end: nothing */
}

static void test_elsewhere_there_are_plain_lines_and_events(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 }, l = { 0 };
	char *out = path_join(*state, "stderr", &e), *log = path_join(*state, "log.jsonl", &e);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(open(out, O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
		log_open("prog", log, LOG_INFO, false, &e);
		work(100, "documents");
		work(0, "B");
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	assert_int_equal(file_read(out, 10000, &b, &e), 0);
	assert_int_equal(file_read(log, 10000, &l, &e), 0);
	assert_ptr_equal(strstr(b.data, "prog: reading: 100% (100 of 100 documents, "), b.data);
	assert_non_null(strstr(b.data, "prog: reading: 100 B ("));
	assert_non_null(strstr(b.data, "loss 3.21\n"));
	assert_null(strchr(b.data, '\r'));
	assert_non_null(strstr(l.data, "\"event\":\"progress\",\"title\":\"reading\",\"done\":100,"
	                               "\"total\":100,\"unit\":\"documents\",\"seconds\":0"));
	buffer_free(&b), buffer_free(&l);
	free(out), free(log);
}

static void test_a_terminal_gets_a_bar_below_the_messages(void **state)
{
	(void)state;
	char text[20000] = "";
	size_t n = 0;
	ssize_t got;
	int terminal;
	struct winsize size = { .ws_row = 24, .ws_col = 60 };
	pid_t pid = forkpty(&terminal, NULL, NULL, &size);
	if (pid < 0)
		skip();
	if (pid == 0) {
		progress_start("training", 1000, "steps");
		for (int i = 1; i <= 5; i++) {
			usleep(120000);
			progress_set(100 * (uint64_t)i, NULL);
			if (i == 3)
				log_message(LOG_INFO, "a message");
		}
		progress_finish();
		_exit(0);
	}
	while (n < sizeof text - 1 && (got = read(terminal, text + n, sizeof text - 1 - n)) > 0)
		n += (size_t)got;
	waitpid(pid, NULL, 0);
	close(terminal);
	assert_non_null(strstr(text, "training [####................]  20%"));
	assert_non_null(strstr(text, "\r\033[Kcbtm: a message\r\ntraining ["));
	assert_non_null(strstr(text, "\r\033[Kcbtm: training:  50% (500 of 1.00K steps, "));
	for (char *bar = strstr(text, "training ["); bar; bar = strstr(bar + 1, "training ["))
		assert_true(strcspn(bar, "\r\n") < 60);
}

static void test_the_clock_never_goes_back(void **state)
{
	(void)state;
	double last = clock_seconds();
	for (int i = 0; i < 10000; i++) {
		double now = clock_seconds();
		assert_true(now >= last);
		last = now;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_elsewhere_there_are_plain_lines_and_events,
		                                scratch_make, scratch_remove),
		cmocka_unit_test(test_a_terminal_gets_a_bar_below_the_messages),
		cmocka_unit_test(test_the_clock_never_goes_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
