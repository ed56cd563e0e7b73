/* SPDX-License-Identifier: MIT */
#include "store/sample.h"
#include "store/writer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { WIDTH = 1 << 18, TENSORS = 5, ROWS = 16 }; /* 5 x 16 MiB: more than may stay open */

static void fill(float *row, int tensor, int i)
{
	for (int j = 0; j < WIDTH; j += 64)
		row[j] = (float)(tensor * 1000 + i * 10 + j);
}

static struct store_writer *tensors(const char *folder, int from, int rows, int every)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	float *row = calloc(WIDTH, sizeof *row);
	char name[8];
	sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
	for (int i = from; i < rows; i++) {
		for (int t = 0; t < TENSORS; t++) {
			snprintf(name, sizeof name, "w%d", t);
			fill(row, t, i);
			sample_ok(store_add_column(w, name, STORE_F32, STORE_TENSOR, WIDTH, &e), &e);
			sample_ok(store_append(w, name, row, 1, &e), &e);
			/* Open blocks never take much more than their limit. */
			assert_true(w->open_bytes + w->pending_bytes < 130 << 20);
		}
		if (i % every == every - 1)
			sample_ok(store_commit(w, NULL, 0, &e), &e);
	}
	free(row);
	return w;
}

static void test_large_open_blocks_are_put_away_and_come_back(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char *a = sample_folder(), *b = sample_folder();
	sample_ok(store_seal(tensors(a, 0, ROWS, 100), &e), &e);
	/* The same with commits, left and gone on with. */
	struct store_writer *w = tensors(b, 0, 5, 3);
	store_leave(w);
	sample_ok(store_create(b, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
	assert_int_equal(store_rows(w, "w0"), 3);
	store_leave(w);
	sample_ok(store_seal(tensors(b, 3, ROWS, 5), &e), &e);
	sample_same_files(a, b, "part-00000.json");
	sample_folder_free(a);
	sample_folder_free(b);
}

static uint64_t size_of(const char *folder, const char *name, uint64_t *inode)
{
	char path[300];
	struct stat st;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	if (stat(path, &st))
		return 0;
	*inode = st.st_ino;
	return (uint64_t)st.st_size;
}

/* One behind the other, the second of two blocks and a rest; `ended`: by their names, each ended. */
static struct store_writer *long_tensors(const char *folder, bool ended)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	float *rows = calloc(80, WIDTH * sizeof *rows); /* of 1 MiB each */
	sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
	for (int i = 0; i < 3; i++) {
		int t = ended ? i : 2 - i;
		char name[8];
		snprintf(name, sizeof name, "w%d", t);
		fill(rows, t, 3);
		sample_ok(store_add_column(w, name, STORE_F32, STORE_TENSOR, WIDTH, &e), &e);
		sample_ok(store_append(w, name, rows, t == 1 ? 80 : 40, &e), &e);
		if (ended)
			sample_ok(store_end_column(w, name, &e), &e);
	}
	free(rows);
	return w;
}

static void test_ended_tensors_are_written_once(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char *a = sample_folder(), *b = sample_folder();
	uint64_t before = 0, after = 0, other = 0;
	struct store_writer *w = long_tensors(a, true);
	/* All are on their last pages but what waits in memory; none waits in the other file. */
	assert_true(size_of(a, "part-00000.lmdb.blocks", &before) > UINT64_C(100) << 20);
	assert_true(size_of(a, "part-00000.lmdb.partial", &other) < 1 << 20);
	sample_ok(store_seal(w, &e), &e);
	assert_true(size_of(a, "part-00000.lmdb", &after) > UINT64_C(160) << 20);
	assert_int_equal(after, before);
	/* However they come, it is the same file. */
	sample_ok(store_seal(long_tensors(b, false), &e), &e);
	sample_same_files(a, b, "part-00000.lmdb");
	sample_folder_free(a);
	sample_folder_free(b);
}

static void test_an_ended_column_takes_no_more_rows(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char *folder = sample_folder();
	float row[4] = { 1, 2, 3, 4 };
	struct store_writer *w;
	for (int round = 0; round < 2; round++) { /* then by another writer */
		sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
		sample_ok(store_add_column(w, "w", STORE_F32, STORE_TENSOR, 4, &e), &e);
		if (!round)
			sample_ok(store_append(w, "w", row, 1, &e), &e);
		sample_ok(store_end_column(w, "w", &e), &e);
		sample_ok(store_end_column(w, "w", &e), &e);
		sample_ok(store_commit(w, NULL, 0, &e), &e);
		assert_int_equal(store_rows(w, "w"), 1);
		assert_int_equal(store_append(w, "w", row, 1, &e), CBTM_ERR_INTERNAL);
		assert_non_null(strstr(e.what, "was ended"));
		e = (struct cbtm_error){ 0 };
		store_leave(w);
	}
	sample_folder_free(folder);
}

static void test_cursor_is_what_the_last_commit_said(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	const void *cursor;
	size_t n;
	char *folder = sample_folder(), *big = calloc(1, STORE_CURSOR_BYTES_MAX + 1);
	sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
	sample_ok(store_cursor(w, &cursor, &n, &e), &e);
	assert_int_equal(n, 0);
	sample_ok(store_commit(w, "first", 5, &e), &e);
	sample_ok(store_commit(w, NULL, 0, &e), &e);
	sample_ok(store_cursor(w, &cursor, &n, &e), &e);
	assert_int_equal(n, 5);
	assert_int_equal(store_commit(w, big, STORE_CURSOR_BYTES_MAX + 1, &e), CBTM_ERR_INTERNAL);
	e = (struct cbtm_error){ 0 };
	store_leave(w);
	sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
	sample_ok(store_cursor(w, &cursor, &n, &e), &e);
	assert_int_equal(n, 5);
	assert_memory_equal(cursor, "first", 5);
	store_leave(w);
	free(big);
	sample_folder_free(folder);
}

static void test_facts_of_the_last_commit_stay(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	char *folder = sample_folder();
	sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
	sample_ok(store_set_u64(w, "b", 1, &e), &e);
	sample_ok(store_set_u64(w, "a", 2, &e), &e);
	sample_ok(store_commit(w, NULL, 0, &e), &e);
	sample_ok(store_set_u64(w, "b", 3, &e), &e);
	store_leave(w);
	sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
	assert_int_equal(w->n_facts, 2);
	assert_string_equal(w->facts[0].json, "2");
	assert_string_equal(w->facts[1].json, "1");
	store_leave(w);
	sample_folder_free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large_open_blocks_are_put_away_and_come_back),
		cmocka_unit_test(test_ended_tensors_are_written_once),
		cmocka_unit_test(test_an_ended_column_takes_no_more_rows),
		cmocka_unit_test(test_cursor_is_what_the_last_commit_said),
		cmocka_unit_test(test_facts_of_the_last_commit_stay),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
