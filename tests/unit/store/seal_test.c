/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "store/sample.h"
#include "store/verify.h"
#include "store/writer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROWS = 600, INTERVAL = 100 };

static void test_empty_part_seals(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	struct store *s;
	char *folder = sample_folder();
	sample_ok(store_create(folder, 0, store_kind_find("documents"), sample_fingerprint(1), &w, &e),
	          &e);
	sample_ok(store_seal(w, &e), &e);
	sample_ok(store_check(folder, 0, &e), &e);
	sample_ok(store_open(folder, 0, NULL, &s, &e), &e);
	assert_int_equal(store_row_count(s, "text"), 0);
	assert_int_equal(store_column_count(s), 5);
	store_close(s);
	sample_folder_free(folder);
}

static void test_fingerprint_and_facts_change_the_bytes_rows_do_not_move(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct store *s;
	struct store_writer *w;
	struct digest content[2];
	char *folder = sample_folder();
	for (uint32_t part = 0; part < 2; part++) {
		sample_ok(store_create(folder, part, sample_kind(), sample_fingerprint(part), &w, &e), &e);
		sample_ok(sample_fill(w, 20, 7, &e), &e);
		sample_ok(store_seal(w, &e), &e);
		sample_ok(store_open(folder, part, NULL, &s, &e), &e);
		content[part] = store_content(s);
		store_close(s);
	}
	/* Identity is what is in it, not what it was made from. */
	assert_true(digest_equal(content[0], content[1]));
	sample_folder_free(folder);
}

/* Rows of a fixed and of a variable column, [from, to) of 40000: more than a block of each. */
static void append_some(struct store_writer *w, int column, uint64_t from, uint64_t to)
{
	struct cbtm_error e = { 0 };
	char text[40];
	for (uint64_t row = from; row < to; row++) {
		int n = snprintf(text, sizeof text, "row %llu", (unsigned long long)(row * row * 7919));
		if (column)
			sample_ok(store_append_row(w, "text", text, (uint64_t)n, &e), &e);
		else
			sample_ok(store_append(w, "key", &(uint64_t){ row * 0x9e3779b97f4a7c15 }, 1, &e), &e);
	}
}

/* However rows come and are committed, the file is the same; if blocks lie in another order, they
 * are written anew. */
static void test_the_order_of_appends_changes_no_byte(void **state)
{
	(void)state;
	enum { MANY = 80000 };
	char *folder[4];
	for (int way = 0; way < 4; way++) {
		struct cbtm_error e = { 0 };
		struct store_writer *w;
		folder[way] = sample_folder();
		sample_ok(store_create(folder[way], 0, store_kind_find("documents"), sample_fingerprint(1),
		                       &w, &e),
		          &e);
		uint64_t step = way == 0 ? MANY : way == 1 ? 1777 : 20000;
		for (uint64_t row = 0; way < 3 && row < MANY; row += step)
			for (int column = 0; column < 2; column++) {
				uint64_t end = row + step < MANY ? row + step : MANY;
				append_some(w, way == 2 ? !column : column, row, end);
				/* Else between columns, too: they are never in step then. */
				if (way != 2 || column)
					sample_ok(store_commit(w, NULL, 0, &e), &e);
			}
		for (int column = 1; way == 3 && column >= 0; column--) {
			append_some(w, column, 0, MANY);
			sample_ok(store_commit(w, NULL, 0, &e), &e);
			store_leave(w);
			sample_ok(store_create(folder[way], 0, store_kind_find("documents"),
			                       sample_fingerprint(1), &w, &e),
			          &e);
		}
		sample_ok(store_seal(w, &e), &e);
		sample_ok(store_check(folder[way], 0, &e), &e);
	}
	for (int way = 1; way < 4; way++) {
		sample_same_files(folder[0], folder[way], "part-00000.lmdb");
		sample_same_files(folder[0], folder[way], "part-00000.json");
	}
	for (int way = 0; way < 4; way++)
		sample_folder_free(folder[way]);
}

static void test_a_missing_or_broken_block_is_found(void **state)
{
	(void)state;
	for (int damage = 0; damage < 4; damage++) {
		struct cbtm_error e = { 0 };
		struct store_writer *w;
		MDB_txn *t;
		MDB_val value;
		char *folder = sample_folder();
		sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
		sample_ok(sample_fill(w, 4000, 500, &e), &e);
		const struct partial *p = &w->partial;
		sample_ok(environment_begin(p->env, false, p->path, &t, &e), &e);
		sample_ok(partial_get(p, t, p->blocks, "text", 0, &value, &e), &e);
		size_t n = value.mv_size;
		char *copy = malloc(n);
		memcpy(copy, value.mv_data, n);
		if (damage == 0)
			sample_ok(partial_delete(p, t, p->blocks, "text", 0, &e), &e);
		if (damage == 1)
			copy[16] ^= 1; /* the number of rows */
		if (damage == 2)
			memset(copy + 16, 255, 4);
		if (damage)
			sample_ok(partial_put(p, t, p->blocks, "text", 0, copy, damage == 3 ? 31 : n, &e), &e);
		sample_ok(environment_commit(t, p->path, &e), &e);
		assert_int_equal(store_seal(w, &e), CBTM_ERR_BAD_STORE);
		assert_false(dataset_has_part(folder, 0, sample_fingerprint(1)));
		free(copy);
		sample_folder_free(folder);
	}
}

#ifdef CBTM_FAULT
/* Failpoints count passages, and children go on counting where the parent stands: before these
 * tests and in them, only children write. */
/* sample_write in a process of its own under CBTM_FAIL; its wait status. */
static int write_under(const char *folder, const char *rules, uint64_t interval)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		struct cbtm_error e = { 0 };
		setenv("CBTM_FAIL", rules, 1);
		_exit(sample_write(folder, ROWS, interval, &e) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static char *undisturbed(void)
{
	char *folder = sample_folder();
	assert_int_equal(write_under(folder, "", INTERVAL), 0);
	return folder;
}

static void assert_same(const char *a, const char *b)
{
	struct cbtm_error e = { 0 };
	char **names;
	size_t n;
	sample_same_files(a, b, "part-00000.lmdb");
	sample_same_files(a, b, "part-00000.json");
	sample_ok(folder_list(b, &names, &n, &e), &e);
	assert_int_equal(n, 2); /* nothing is left over */
	folder_list_free(names, n);
}

static const char *const points[] = { "store.commit",      "store.seal.copy", "store.seal.sync",
	                                  "store.seal.rename", "store.manifest",  "store.seal.clean" };
enum { POINTS = sizeof points / sizeof points[0] };

/* Every passage of every failpoint, then again at every point during what follows. */
static void test_killed_anywhere_ends_with_the_same_bytes(void **state)
{
	(void)state;
	char *whole = undisturbed(), rule[64];
	int kills = 0;
	for (int i = 0; i < POINTS; i++)
		for (unsigned n = 1;; n++) {
			char *folder = sample_folder();
			snprintf(rule, sizeof rule, "%s:%u:kill", points[i], n);
			int status = write_under(folder, rule, INTERVAL);
			if (WIFSIGNALED(status)) {
				kills++;
				/* In recovery too. */
				snprintf(rule, sizeof rule, "%s:1:kill", points[(i + n) % POINTS]);
				write_under(folder, rule, 77);
				assert_int_equal(write_under(folder, "", 33), 0);
			}
			assert_same(whole, folder);
			sample_folder_free(folder);
			if (!WIFSIGNALED(status))
				break;
		}
	assert_true(kills >= POINTS + ROWS / INTERVAL - 1);
	sample_folder_free(whole);
}

static void test_killed_between_commits_loses_only_what_is_uncommitted(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	const void *cursor;
	size_t n;
	uint64_t row;
	char *folder = sample_folder(), rule[64];
	snprintf(rule, sizeof rule, "store.append:%d:kill", 4 * 350 + 2);
	assert_true(WIFSIGNALED(write_under(folder, rule, INTERVAL)));
	sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
	sample_ok(store_cursor(w, &cursor, &n, &e), &e);
	assert_int_equal(n, 8);
	memcpy(&row, cursor, 8);
	assert_int_equal(row, 300);
	assert_int_equal(store_rows(w, "text"), 300);
	assert_int_equal(store_rows(w, "three"), 300);
	store_leave(w);
	sample_folder_free(folder);
}

static void test_full_disk_is_one_clear_error_and_nothing_is_lost(void **state)
{
	(void)state;
	char *whole = undisturbed(), rule[64];
	for (int i = 0; i < POINTS; i++) {
		char *folder = sample_folder();
		snprintf(rule, sizeof rule, "%s:1:enospc", points[i]);
		int status = write_under(folder, rule, INTERVAL);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
		assert_int_equal(dataset_has_part(folder, 0, sample_fingerprint(1)), i == POINTS - 1);
		assert_int_equal(write_under(folder, "", INTERVAL), 0);
		assert_same(whole, folder);
		sample_folder_free(folder);
	}
	sample_folder_free(whole);
}

/* A writer that is killed at random times, with other intervals each time. */
static void test_killed_at_random_times_ends_with_the_same_bytes(void **state)
{
	(void)state;
	char *whole = undisturbed();
	for (unsigned trial = 0; trial < 20; trial++) {
		char *folder = sample_folder();
		for (unsigned again = 0; again < 1 + trial % 5; again++) {
			pid_t pid = fork();
			struct cbtm_error e = { 0 };
			if (pid == 0)
				_exit(sample_write(folder, ROWS, 1 + (trial * 31 + again * 7) % 150, &e) ? 1 : 0);
			usleep((trial * 1777 + again * 911) % 12000);
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
		assert_int_equal(write_under(folder, "", 50), 0);
		assert_same(whole, folder);
		sample_folder_free(folder);
	}
	sample_folder_free(whole);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef CBTM_FAULT
		cmocka_unit_test(test_killed_anywhere_ends_with_the_same_bytes),
		cmocka_unit_test(test_killed_between_commits_loses_only_what_is_uncommitted),
		cmocka_unit_test(test_full_disk_is_one_clear_error_and_nothing_is_lost),
		cmocka_unit_test(test_killed_at_random_times_ends_with_the_same_bytes),
#endif
		cmocka_unit_test(test_empty_part_seals),
		cmocka_unit_test(test_the_order_of_appends_changes_no_byte),
		cmocka_unit_test(test_a_missing_or_broken_block_is_found),
		cmocka_unit_test(test_fingerprint_and_facts_change_the_bytes_rows_do_not_move),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
