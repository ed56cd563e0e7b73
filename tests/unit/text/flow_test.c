/* SPDX-License-Identifier: MIT */
#include "base/signals.h"
#include "scratch.h"
#include "text/flow.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BATCHES = 40, TASKS = 5, ROW = 200000 };

/* Batch i has TASKS rows; row j of it is ROW bytes of the letter (i * TASKS + j) % 26. */
struct work {
	struct store_writer *out;
	unsigned read, fails_at;
	unsigned work_fails_at; /* tasks from number 2 on of this batch fail; 0: none */
	atomic_uint working;
	unsigned number[FLOW_SLOTS];
	char letter[FLOW_SLOTS][TASKS];
	char *row;
	unsigned appended;
	atomic_uint commits;
};

static int read_batch(void *arg, unsigned slot, size_t *tasks, struct cbtm_error *e)
{
	struct work *w = arg;
	if (w->read == w->fails_at)
		return error_set(e, CBTM_ERR_BAD_DATA, "batch", "number %u is damaged", w->read);
	*tasks = w->read < BATCHES ? TASKS : 0;
	w->number[slot] = w->read++;
	return 0;
}

static int work(void *arg, unsigned slot, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct work *w = arg;
	(void)thread;
	if (w->work_fails_at && w->number[slot] == w->work_fails_at && task >= 2)
		return error_set(e, CBTM_ERR_BAD_DATA, "task", "%zu of %u fails", task, w->number[slot]);
	w->working++;
	w->letter[slot][task] = (char)('a' + (w->number[slot] * TASKS + task) % 26);
	w->working--;
	return 0;
}

static int append(void *arg, unsigned slot, uint64_t *bytes, struct cbtm_error *e)
{
	struct work *w = arg;
	assert_int_equal(w->number[slot], w->appended++);
	assert_true(w->out || !w->working);
	for (int i = 0; w->out && i < TASKS; i++) {
		memset(w->row, w->letter[slot][i], ROW);
		if (store_append_row(w->out, "text", w->row, ROW, e))
			return e->name;
	}
	*bytes += TASKS * ROW;
	return 0;
}

static int commit(void *arg, struct cbtm_error *e)
{
	struct work *w = arg;
	w->commits++;
	return store_commit(w->out, &w->appended, sizeof w->appended, e);
}

static int run(void **state, const char *folder, unsigned threads, struct work *w,
               struct cbtm_error *e)
{
	struct pool *pool = pool_new(threads, e);
	struct flow flow = { pool, { NULL }, STEP_ENCODE, w, read_batch, work, append, commit };
	w->row = malloc(ROW);
	if (folder)
		store_create(scratch_path(state, folder), 0, store_kind_find("documents"),
		             (struct digest){ 1, 1 }, &w->out, e);
	if (folder)
		store_use_pool(w->out, pool, e);
	flow.out[0] = w->out;
	int status = flow_run(&flow, e);
	if (w->out && !status)
		store_seal(w->out, e);
	else
		store_leave(w->out);
	pool_free(pool);
	free(w->row);
	return status;
}

static void test_batches_are_appended_in_order_on_any_threads(void **state)
{
	struct digest content[2];
	for (int i = 0; i < 2; i++) {
		struct cbtm_error e = { 0 };
		struct work w = { .fails_at = UINT32_MAX };
		struct store *s;
		const char *folder = i ? "three" : "one";
		assert_int_equal(run(state, folder, i ? 3 : 1, &w, &e), 0);
		assert_int_equal(w.appended, BATCHES);
		/* One whenever so many bytes are appended. */
		assert_int_equal(w.commits,
		                 (uint64_t)BATCHES * TASKS * ROW / (FLOW_COMMIT_BYTES + TASKS * ROW));
		assert_int_equal(store_open(scratch_path(state, folder), 0, NULL, &s, &e), 0);
		assert_int_equal(store_row_count(s, "text"), BATCHES * TASKS);
		content[i] = store_content(s);
		store_close(s);
	}
	assert_true(digest_equal(content[0], content[1]));
}

static void test_an_error_of_reading_comes_after_what_was_read_before(void **state)
{
	struct cbtm_error e = { 0 };
	struct work w = { .fails_at = 7 };
	assert_int_equal(run(state, "a", 2, &w, &e), CBTM_ERR_BAD_DATA);
	assert_int_equal(w.appended, 7);
	assert_string_equal(e.what, "number 7 is damaged");
}

static void test_an_error_of_work_is_that_of_the_lowest_task_and_comes_in_order(void **state)
{
	for (unsigned threads = 1; threads < 5; threads++) {
		struct cbtm_error e = { 0 };
		struct work w = { .fails_at = 9, .work_fails_at = 7 };
		assert_int_equal(run(state, NULL, threads, &w, &e), CBTM_ERR_BAD_DATA);
		assert_int_equal(w.appended, 7);
		assert_string_equal(e.what, "2 of 7 fails");
	}
}

static void test_without_a_store_batches_are_appended_beside_nothing(void **state)
{
	struct cbtm_error e = { 0 };
	struct work w = { .fails_at = UINT32_MAX };
	assert_int_equal(run(state, NULL, 2, &w, &e), 0);
	assert_int_equal(w.appended, BATCHES);
	assert_int_equal(w.commits, 0);
}

static void test_a_stop_commits_what_was_appended(void **state)
{
	struct cbtm_error e = { 0 };
	struct work w = { .fails_at = UINT32_MAX };
	struct store_writer *again;
	const void *cursor;
	size_t n;
	signals_request_stop();
	assert_int_equal(run(state, "a", 2, &w, &e), CBTM_ERR_STOPPED);
	e = (struct cbtm_error){ 0 };
	store_create(scratch_path(state, "a"), 0, store_kind_find("documents"), (struct digest){ 1, 1 },
	             &again, &e);
	assert_int_equal(store_cursor(again, &cursor, &n, &e), 0);
	assert_int_equal(n, sizeof w.appended);
	assert_int_equal(store_rows(again, "text"), TASKS * *(const unsigned *)cursor);
	store_leave(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_batches_are_appended_in_order_on_any_threads,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_an_error_of_reading_comes_after_what_was_read_before,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(
			test_an_error_of_work_is_that_of_the_lowest_task_and_comes_in_order, scratch_make,
			scratch_remove),
		cmocka_unit_test_setup_teardown(test_without_a_store_batches_are_appended_beside_nothing,
		                                scratch_make, scratch_remove),
		/* The last one: a stop stays requested. */
		cmocka_unit_test_setup_teardown(test_a_stop_commits_what_was_appended, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
