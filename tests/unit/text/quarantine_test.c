/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "scratch.h"
#include "text/quarantine.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_lines_are_kept_with_place_and_reason(void **state)
{
	struct cbtm_error e = { 0 }, why = { 0 };
	struct quarantine *q;
	struct buffer b = { 0 };
	char path[400];
	snprintf(path, sizeof path, "%s", scratch_path(state, "q.jsonl"));
	error_set(&why, CBTM_ERR_BAD_JSON, "in:3:17", "is not valid JSON: \"x\"");
	assert_int_equal(quarantine_open(path, &q, &e), 0);
	assert_int_equal(quarantine_add(q, &why, "{\"a\": ", 6, &e), 0);
	assert_int_equal(quarantine_add(q, &why, "\xff\x00!", 3, &e), 0);
	assert_false(file_exists(path));
	assert_int_equal(quarantine_publish(q, &e), 0);
	quarantine_close(q);
	assert_int_equal(file_read(path, 1 << 20, &b, &e), 0);
	assert_string_equal(
		b.data, "{\"where\":\"in:3:17\",\"error\":\"is not valid JSON: "
				"\\\"x\\\"\",\"line\":\"{\\\"a\\\": \"}\n"
				"{\"where\":\"in:3:17\",\"error\":\"is not valid JSON: \\\"x\\\"\",\"line\":"
				"{\"base64\":\"/wAh\"}}\n");
	buffer_free(&b);
}

static void test_without_a_bad_line_there_is_no_file(void **state)
{
	struct cbtm_error e = { 0 };
	struct quarantine *q;
	char path[400];
	snprintf(path, sizeof path, "%s", scratch_path(state, "q.jsonl"));
	file_replace(path, "an older one", 12, &e);
	assert_int_equal(quarantine_open(path, &q, &e), 0);
	assert_int_equal(quarantine_publish(q, &e), 0);
	quarantine_close(q);
	assert_false(file_exists(path));
	assert_false(file_exists(scratch_path(state, "q.jsonl.partial")));
}

static void test_what_is_not_published_leaves_nothing(void **state)
{
	struct cbtm_error e = { 0 }, why = { 0 };
	struct quarantine *q;
	char path[400];
	snprintf(path, sizeof path, "%s", scratch_path(state, "q.jsonl"));
	error_set(&why, CBTM_ERR_BAD_JSON, "in:1:0", "is bad");
	assert_int_equal(quarantine_open(path, &q, &e), 0);
	assert_int_equal(quarantine_add(q, &why, "x", 1, &e), 0);
	quarantine_close(q);
	assert_false(file_exists(path));
	assert_false(file_exists(scratch_path(state, "q.jsonl.partial")));
	assert_int_not_equal(quarantine_open(scratch_path(state, "no/such/folder"), &q, &e), 0);
	assert_null(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines_are_kept_with_place_and_reason, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_without_a_bad_line_there_is_no_file, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_what_is_not_published_leaves_nothing, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
