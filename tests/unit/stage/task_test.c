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

/* A stage whose pages make their copies along, with letters that need no page. */
static int make_pages(struct stage_run *r, struct cbtm_error *e)
{
	if (r->along)
		store_append_row(r->along->out, "results", "along", 5, e);
	return store_append_row(r->out, "results", "page", 4, e);
}

static int make_letters(struct stage_run *r, struct cbtm_error *e)
{
	return store_append_row(r->out, "results", "alone", 5, e);
}

static void run_together(void **state, const char *const *words, struct cbtm_error *e)
{
	struct stage_task tasks[4];
	struct cbtm_stage stage = fake_read;
	struct stage_command c;
	struct stage_session s = { .command = &c, .k = 1 };
	char text[8][4200], *argv[9] = { (char *)"program" };
	int argc = 1;

	memcpy(tasks, fake_read.tasks, sizeof tasks);
	tasks[0].run = make_pages;
	tasks[1].run = tasks[2].run = make_letters;
	tasks[1].reads[0].dataset = NULL;
	stage.tasks = tasks;
	stage.together[0] = "pages";
	stage.together[1] = "copies";
	snprintf(text[0], sizeof text[0], "--input=%s/a.txt", (const char *)*state);
	argv[argc++] = text[0];
	for (; words[argc - 2]; argc++) {
		snprintf(text[argc], sizeof text[0], "--%s=%s/%s", words[argc - 2], (const char *)*state,
		         words[argc - 2]);
		argv[argc] = text[argc];
	}
	assert_int_equal(stage_command_parse(&stage, argc, argv, &c, e), 0);
	for (int i = 0; i < 3; i++) {
		struct stage_outcome outcome;
		int order[] = { 1, 0, 2 };
		const struct stage_folder *f = stage_command_folder(&c, tasks[order[i]].name);
		if (f->dirs.n)
			assert_int_equal(stage_task_do(&s, &tasks[order[i]], 0, &outcome, e), 0);
	}
	stage_session_end(&s);
	stage_command_free(&c);
}

static const char *first_row(void **state, const char *name)
{
	static char text[16];
	struct cbtm_error e = { 0 };
	struct store_reader *r;
	struct store *s;
	const void *data;
	uint64_t n;

	assert_int_equal(store_open(scratch_path(state, name), 0, NULL, &s, &e), 0);
	assert_int_equal(store_reader_open(s, "results", &r, &e), 0);
	assert_int_equal(store_read_row(r, 0, &data, &n, &e), 0);
	snprintf(text, sizeof text, "%.*s", (int)n, (const char *)data);
	store_reader_close(r);
	store_close(s);
	return text;
}

static void test_a_part_is_made_along_where_its_folders_are_given(void **state)
{
	struct cbtm_error e = { 0 };
	fake_pipeline(*state, NULL);
	run_together(state, (const char *const[]){ "letters", "pages", "copies", NULL }, &e);
	assert_string_equal(first_row(state, "pages"), "page");
	assert_string_equal(first_row(state, "copies"), "along");
}

static void test_what_was_not_made_along_is_made_by_its_own_task(void **state)
{
	struct cbtm_error e = { 0 };
	fake_pipeline(*state, NULL);
	run_together(state, (const char *const[]){ "pages", NULL }, &e);
	run_together(state, (const char *const[]){ "letters", "pages", "copies", NULL }, &e);
	assert_string_equal(first_row(state, "copies"), "alone");
}

static void count(void *what)
{
	++*(int *)what;
}

static void test_what_is_kept_is_found_by_its_fingerprint_and_forgotten_once(void **state)
{
	struct fixture f;
	int first = 0, second = 0;

	open_session(&f, state, NULL);
	struct stage_run run = { .kept = &f.s.kept, .fingerprint = digest_bytes("a", 1) };
	assert_null(stage_kept(&run, run.fingerprint));
	stage_keep(&run, &first, count);
	assert_ptr_equal(stage_kept(&run, digest_bytes("a", 1)), &first);
	assert_null(stage_kept(&run, digest_bytes("b", 1)));
	run.fingerprint = digest_bytes("b", 1);
	stage_keep(&run, &second, count);
	assert_int_equal(first, 1);
	assert_null(stage_kept(&run, digest_bytes("a", 1)));
	assert_ptr_equal(stage_kept(&run, digest_bytes("b", 1)), &second);
	close_session(&f);
	assert_int_equal(first, 1);
	assert_int_equal(second, 1);
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
		cmocka_unit_test_setup_teardown(
			test_what_is_kept_is_found_by_its_fingerprint_and_forgotten_once, scratch_make,
			scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_part_is_made_along_where_its_folders_are_given,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_what_was_not_made_along_is_made_by_its_own_task,
		                                scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
