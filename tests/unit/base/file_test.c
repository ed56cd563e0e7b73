/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "scratch.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void test_what_is_replaced_reads_back(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	const char *path = scratch_path(state, "f");
	uint64_t n = 0;
	assert_false(file_exists(path));
	assert_int_equal(file_replace(path, "one\0two", 7, &e), 0);
	assert_true(file_exists(path));
	assert_int_equal(file_size(path, &n, &e), 0);
	assert_int_equal(n, 7);
	buffer_text(&b, "before:", &e);
	assert_int_equal(file_read(path, 7, &b, &e), 0);
	assert_int_equal(b.n, 14);
	assert_memory_equal(b.data, "before:one\0two", 15);
	buffer_free(&b);
}

static void test_a_file_that_is_there_is_kept_unless_forced(void **state)
{
	struct cbtm_error e = { 0 };
	const char *path = scratch_path(state, "f");
	assert_int_equal(file_keep(path, false, &e), 0);
	assert_int_equal(file_replace(path, "x", 1, &e), 0);
	assert_int_equal(file_keep(path, true, &e), 0);
	assert_int_equal(file_keep(path, false, &e), CBTM_ERR_CREATE);
	assert_string_equal(e.where, path);
	assert_non_null(strstr(e.hint, "--force"));
}

static void test_a_file_over_the_limit_is_refused_and_adds_nothing(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	const char *path = scratch_path(state, "f");
	char *big = calloc(1, 200000);
	file_replace(path, big, 200000, &e);
	buffer_text(&b, "kept", &e);
	assert_int_equal(file_read(path, 199999, &b, &e), CBTM_ERR_BAD_DATA);
	assert_string_equal(b.data, "kept");
	e.name = CBTM_OK;
	assert_int_equal(file_read(path, 200000, &b, &e), 0);
	assert_int_equal(b.n, 200004);
	e.name = CBTM_OK;
	/* A size that fstat does not know: limits count what is read. */
	assert_int_equal(file_read("/proc/self/maps", 10, &b, &e), CBTM_ERR_BAD_DATA);
	e.name = CBTM_OK;
	assert_int_equal(file_read("/proc/self/status", 1 << 20, &b, &e), 0);
	buffer_free(&b);
	free(big);
}

static void test_a_missing_file_is_missing_input(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	uint64_t n;
	assert_int_equal(file_read(scratch_path(state, "no"), 10, &b, &e), CBTM_ERR_MISSING_INPUT);
	assert_non_null(strstr(e.where, "/no"));
	e.name = CBTM_OK;
	assert_int_equal(file_size(scratch_path(state, "no"), &n, &e), CBTM_ERR_MISSING_INPUT);
	e.name = CBTM_OK;
	assert_int_equal(file_read(*state, 10, &b, &e), CBTM_ERR_BAD_DATA); /* a folder */
	buffer_free(&b);
}

static void test_nobody_waits_for_a_pipe(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	char path[512];
	snprintf(path, sizeof path, "%s", scratch_path(state, "pipe"));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(file_read(path, 10, &b, &e), CBTM_ERR_BAD_DATA);
	e.name = CBTM_OK;
	assert_int_equal(file_read("/dev/zero", 10, &b, &e), CBTM_ERR_BAD_DATA);
	assert_int_equal(b.n, 0);
	/* One that the user names is read to its end. */
	e.name = CBTM_OK;
	int fd = open(path, O_RDWR | O_CLOEXEC); /* so that nobody waits to open it */
	assert_true(fd >= 0 && write(fd, "twelve bytes", 12) == 12);
	assert_int_equal(file_read_stream(path, 10, &b, &e), CBTM_ERR_BAD_DATA); /* too many */
	close(fd);
	buffer_free(&b);
}

static void test_replacing_keeps_the_mode_and_leaves_no_other_file(void **state)
{
	struct cbtm_error e = { 0 };
	struct stat st;
	char **names;
	size_t n;
	const char *path = scratch_path(state, "f");
	file_replace(path, "a", 1, &e);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(file_replace(path, "b", 1, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(folder_list(*state, &names, &n, &e), 0);
	assert_int_equal(n, 1);
	folder_list_free(names, n);
}

static void test_a_replacement_that_fails_leaves_the_old_file(void **state)
{
	struct cbtm_error e = { 0 };
	char **names;
	size_t n;
	char *path = path_join(*state, "folder", &e), *inside = path_join(path, "x", &e);
	/* A folder with something in it cannot be replaced by a file. */
	assert_int_equal(folder_make(inside, &e), 0);
	assert_int_not_equal(file_replace(path, "b", 1, &e), 0);
	assert_true(file_exists(inside));
	assert_int_equal(folder_list(*state, &names, &n, &e), 0);
	assert_int_equal(n, 1);
	folder_list_free(names, n);
	e.name = CBTM_OK;
	assert_int_equal(file_replace("/no/such/folder/f", "b", 1, &e), CBTM_ERR_MISSING_INPUT);
	free(path), free(inside);
}

static void test_publishing_moves_files_and_folders(void **state)
{
	struct cbtm_error e = { 0 };
	char *a = path_join(*state, "a", &e), *b = path_join(*state, "b", &e);
	file_replace(a, "1", 1, &e);
	assert_int_equal(file_publish(a, b, &e), 0);
	assert_false(file_exists(a));
	assert_true(file_exists(b));
	assert_int_equal(file_publish(a, b, &e), CBTM_ERR_MISSING_INPUT);
	assert_true(file_exists(b));
	e.name = CBTM_OK;
	folder_remove(b, &e);
	folder_make(a, &e);
	assert_int_equal(file_publish(a, b, &e), 0);
	assert_true(file_exists(b));
	assert_int_equal(file_sync_folder(b, &e), 0);
	assert_int_equal(file_sync_folder(a, &e), CBTM_ERR_MISSING_INPUT);
	free(a), free(b);
}

static void test_publishing_works_in_the_current_folder(void **state)
{
	struct cbtm_error e = { 0 };
	char before[4096];
	assert_non_null(getcwd(before, sizeof before));
	assert_int_equal(chdir(*state), 0);
	assert_int_equal(file_replace("f", "x", 1, &e), 0);
	assert_int_equal(file_publish("f", "g", &e), 0);
	assert_int_equal(file_publish("./g", "./h", &e), 0);
	assert_true(file_exists("h"));
	assert_int_equal(chdir(before), 0);
}

static void test_reading_exactly_says_where_a_file_ends_early(void **state)
{
	struct cbtm_error e = { 0 };
	char bytes[8];
	const char *path = scratch_path(state, "f");
	file_replace(path, "0123456789", 10, &e);
	int fd = open(path, O_RDONLY);
	assert_int_equal(file_read_exact(fd, bytes, 4, 6, path, &e), 0);
	assert_memory_equal(bytes, "6789", 4);
	assert_int_equal(file_read_exact(fd, bytes, 5, 6, path, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.what, "ends at byte 10, 1 bytes early"));
	close(fd);
}

static void test_a_failed_write_is_named(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	int fd = open("/dev/full", O_WRONLY);
	if (fd < 0)
		skip();
	assert_int_equal(file_write_all(fd, "x", 1, "/dev/full", &e), CBTM_ERR_DISK_FULL);
	assert_int_equal(e.sys_errno, ENOSPC);
	close(fd);
}

static void test_paths_join_with_one_slash(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	static const char *const rows[][3] = {
		{ "a", "b", "a/b" },
		{ "a/", "b", "a/b" },
		{ "/", "b", "/b" },
		{ "", "b", "b" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *p = path_join(rows[i][0], rows[i][1], &e);
		assert_string_equal(p, rows[i][2]);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_is_replaced_reads_back, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_file_that_is_there_is_kept_unless_forced,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_file_over_the_limit_is_refused_and_adds_nothing,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_missing_file_is_missing_input, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_nobody_waits_for_a_pipe, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_replacing_keeps_the_mode_and_leaves_no_other_file,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_replacement_that_fails_leaves_the_old_file,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_publishing_moves_files_and_folders, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_publishing_works_in_the_current_folder, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_reading_exactly_says_where_a_file_ends_early,
		                                scratch_make, scratch_remove),
		cmocka_unit_test(test_a_failed_write_is_named),
		cmocka_unit_test(test_paths_join_with_one_slash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
