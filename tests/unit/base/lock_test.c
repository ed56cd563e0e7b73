/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "scratch.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A child that holds the lock until it is killed; returns once it has it. */
static pid_t holder(const char *path)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		struct cbtm_error e = { 0 };
		if (file_lock(path, false, &e) >= 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

static void test_a_taken_lock_names_its_holder(void **state)
{
	struct cbtm_error e = { 0 };
	const char *path = scratch_path(state, "lock");
	char pid[32];
	pid_t child = holder(path);
	assert_int_equal(file_lock(path, false, &e), -1);
	assert_int_equal(e.name, CBTM_ERR_BUSY);
	snprintf(pid, sizeof pid, "pid %ld on ", (long)child);
	assert_non_null(strstr(e.what, pid));
	assert_non_null(strstr(e.what, " since 2"));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void test_a_killed_holder_leaves_no_lock(void **state)
{
	struct cbtm_error e = { 0 };
	const char *path = scratch_path(state, "lock");
	for (int i = 0; i < 3; i++) {
		pid_t child = holder(path);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		int fd = file_lock(path, false, &e);
		assert_true(fd >= 0);
		file_unlock(fd);
	}
	file_unlock(-1);
}

static void test_waiting_ends_when_the_holder_does(void **state)
{
	struct cbtm_error e = { 0 };
	const char *path = scratch_path(state, "lock");
	pid_t child = holder(path), killer = fork();
	if (killer == 0) {
		usleep(150000);
		_exit(kill(child, SIGKILL) != 0);
	}
	int fd = file_lock(path, true, &e);
	assert_true(fd >= 0);
	file_unlock(fd);
	waitpid(child, NULL, 0);
	waitpid(killer, NULL, 0);
}

static void test_a_link_is_no_lock(void **state)
{
	struct cbtm_error e = { 0 };
	const char *path = scratch_path(state, "lock");
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_int_equal(file_lock(path, false, &e), -1);
	assert_int_equal(e.name, CBTM_ERR_CREATE);
}

static void test_proc_is_no_network(void **state)
{
	(void)state;
	assert_null(file_network_type("/proc"));
	assert_null(file_network_type("/no/such/path"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_taken_lock_names_its_holder, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_killed_holder_leaves_no_lock, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_waiting_ends_when_the_holder_does, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_link_is_no_lock, scratch_make, scratch_remove),
		cmocka_unit_test(test_proc_is_no_network),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
