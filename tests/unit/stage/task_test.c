/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "fake.h"
#include "scratch.h"
#include "stage/task.h"
#include "store/dataset.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct stage_command c;
	struct stage_session s;
	struct stage_outcome outcome;
	struct cbtm_error e;
	char *argv[16];
	char path[4200], input[4200];
};

static void open_session(struct fixture *f, void **state, const char *part)
{
	int argc = 0;

	memset(f, 0, sizeof *f);
	fake_pipeline(*state, NULL);
	snprintf(f->path, sizeof f->path, "--pages=%s/pages", (const char *)*state);
	snprintf(f->input, sizeof f->input, "--input=%s/a.txt", (const char *)*state);
	f->argv[argc++] = (char *)"program";
	f->argv[argc++] = f->path;
	f->argv[argc++] = f->input;
	if (part) {
		f->argv[argc++] = (char *)"--task=pages";
		f->argv[argc++] = (char *)part;
	}
	assert_int_equal(stage_command_parse(&fake_read, argc, f->argv, &f->c, &f->e), 0);
	f->s = (struct stage_session){ .command = &f->c, .k = 1 };
}

static void close_session(struct fixture *f)
{
	stage_session_end(&f->s);
	stage_command_free(&f->c);
}

static void test_a_task_seals_and_is_skipped_the_next_time(void **state)
{
	struct dataset *d;
	struct fixture f;

	for (int i = 0; i < 2; i++) {
		open_session(&f, state, NULL);
		assert_int_equal(stage_task_do(&f.s, &fake_read.tasks[0], 0, &f.outcome, &f.e), 0);
		assert_int_equal(f.outcome.skipped, i);
		assert_string_equal(f.outcome.path, f.path + strlen("--pages="));
		assert_int_equal(dataset_open(f.outcome.path, NULL, &d, &f.e), 0);
		assert_int_equal(dataset_parts(d), 1);
		dataset_close(d);
		close_session(&f);
	}
}

static void test_a_changed_source_is_made_again(void **state)
{
	struct fixture f;

	open_session(&f, state, NULL);
	assert_int_equal(stage_task_do(&f.s, &fake_read.tasks[0], 0, &f.outcome, &f.e), 0);
	close_session(&f);
	open_session(&f, state, NULL);
	fake_file(*state, "a.txt", "other");
	assert_int_equal(stage_task_do(&f.s, &fake_read.tasks[0], 0, &f.outcome, &f.e), 0);
	assert_false(f.outcome.skipped);
	close_session(&f);
}

static void test_a_part_that_is_not_there_is_refused(void **state)
{
	struct fixture f;

	open_session(&f, state, "--part=1");
	assert_int_equal(stage_task_do(&f.s, &fake_read.tasks[0], 0, &f.outcome, &f.e), CBTM_ERR_USAGE);
	assert_string_equal(f.e.where, "--part");
	close_session(&f);
}

static void test_a_part_that_another_process_writes_is_busy(void **state)
{
	struct store_writer *other;
	struct fixture f;

	open_session(&f, state, NULL);
	assert_int_equal(store_create(f.path + strlen("--pages="), 0, store_kind_find("results"),
	                              digest_bytes("x", 1), &other, &f.e),
	                 0);
	assert_int_equal(stage_task_do(&f.s, &fake_read.tasks[0], 0, &f.outcome, &f.e), CBTM_ERR_BUSY);
	store_leave(other);
	close_session(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_task_seals_and_is_skipped_the_next_time,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_changed_source_is_made_again, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_part_that_is_not_there_is_refused, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_part_that_another_process_writes_is_busy,
		                                scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
