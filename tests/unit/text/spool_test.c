/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "scratch.h"
#include "text/spool.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_holds(int fd, const char *text)
{
	char got[64] = { 0 };
	assert_int_equal(pread(fd, got, sizeof got, 0), (ssize_t)strlen(text));
	assert_string_equal(got, text);
	close(fd);
}

static void test_a_pipe_is_copied_to_a_file_without_a_name(void **state)
{
	struct cbtm_error e = { 0 };
	char **names = NULL;
	size_t n = 1;
	int ends[2];
	folder_make(scratch_path(state, "t"), &e);
	setenv("TMPDIR", scratch_path(state, "t"), 1);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "one\ntwo\n", 8), 8);
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	int fd = spool_standard_input(&e);
	assert_true(fd >= 0);
	assert_holds(fd, "one\ntwo\n");
	assert_int_equal(folder_list(scratch_path(state, "t"), &names, &n, &e), 0);
	assert_int_equal(n, 0);
	folder_list_free(names, n);
	unsetenv("TMPDIR");
}

static void test_a_file_that_stands_at_its_start_is_used_as_it_is(void **state)
{
	struct cbtm_error e = { 0 };
	char path[400];
	snprintf(path, sizeof path, "%s", scratch_path(state, "a"));
	file_replace(path, "text\n", 5, &e);
	int in = open(path, O_RDONLY);
	dup2(in, STDIN_FILENO);
	close(in);
	setenv("TMPDIR", "/no/such/folder", 1);
	int fd = spool_standard_input(&e);
	assert_true(fd >= 0);
	assert_holds(fd, "text\n");
	/* Half read already: only the rest is meant, and that needs a copy. */
	assert_int_equal(lseek(STDIN_FILENO, 2, SEEK_SET), 2);
	assert_int_equal(spool_standard_input(&e), -1);
	assert_int_not_equal(e.name, 0);
	assert_non_null(strstr(e.hint, "TMPDIR"));
	e = (struct cbtm_error){ 0 };
	setenv("TMPDIR", scratch_path(state, "."), 1);
	assert_int_equal(lseek(STDIN_FILENO, 2, SEEK_SET), 2);
	assert_holds(spool_standard_input(&e), "xt\n");
	unsetenv("TMPDIR");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_pipe_is_copied_to_a_file_without_a_name,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_file_that_stands_at_its_start_is_used_as_it_is,
		                                scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
