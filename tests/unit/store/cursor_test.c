/* SPDX-License-Identifier: MIT */
#include "store/reader.h"
#include "store/sample.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_rows_in_any_order(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char *folder = sample_folder();
	sample_ok(sample_write(folder, 4000, 1000, &e), &e);
	sample_check(folder, 4000);
	sample_folder_free(folder);
}

static void test_many_rows_at_once_cross_blocks(void **state)
{
	(void)state;
	enum { ROWS = 100000 };
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	struct store *s;
	struct store_reader *r;
	uint64_t *rows = calloc(ROWS, 8), *got = calloc(ROWS, 8), run;
	const void *data;
	char *folder = sample_folder();
	for (uint64_t i = 0; i < ROWS; i++)
		rows[i] = i * i;
	sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
	sample_ok(store_add_column(w, "n", STORE_U64, STORE_FIXED, 1, &e), &e);
	sample_ok(store_append(w, "n", rows, ROWS, &e), &e);
	sample_ok(store_seal(w, &e), &e);
	sample_ok(store_open(folder, 0, NULL, &s, &e), &e);
	sample_ok(store_reader_open(s, "n", &r, &e), &e);
	sample_ok(store_read_rows(r, 5, ROWS - 5, got, &e), &e);
	assert_memory_equal(got, rows + 5, 8 * (ROWS - 5));
	sample_ok(store_map_rows(r, 32760, &data, &run, &e), &e);
	assert_int_equal(run, 8); /* to the block's end */
	assert_int_equal(store_read_row(r, ROWS, &data, &run, &e), CBTM_ERR_INTERNAL);
	e = (struct cbtm_error){ 0 };
	assert_int_equal(store_read_rows(r, ROWS - 1, 2, got, &e), CBTM_ERR_INTERNAL);
	store_reader_close(r);
	e = (struct cbtm_error){ 0 };
	assert_int_equal(store_reader_open(s, "nothing", &r, &e), CBTM_ERR_BAD_STORE);
	assert_null(r);
	store_close(s);
	free(rows);
	free(got);
	sample_folder_free(folder);
}

/* A row costs one block of its own column, wherever it lies and however many there are. */
static void test_a_row_decodes_its_block_alone(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct store *s;
	struct store_reader *r;
	const void *data;
	uint64_t n;
	char *folder = sample_folder();
	sample_ok(sample_write(folder, 4000, 1000, &e), &e);
	sample_ok(store_open(folder, 0, NULL, &s, &e), &e);
	for (uint64_t row = 3999; row >= 400; row -= 400) {
		sample_ok(store_reader_open(s, "text", &r, &e), &e);
		assert_int_equal(r->decoded, 0);
		sample_ok(store_read_row(r, row, &data, &n, &e), &e);
		sample_ok(store_read_row(r, row, &data, &n, &e), &e);
		assert_int_equal(r->decoded, 1);
		assert_in_range(r->block.n, 1, STORE_BLOCK_BYTES);
		assert_true(r->block.n * 8 < r->info->raw_bytes);
		store_reader_close(r);
	}
	store_close(s);
	sample_folder_free(folder);
}

struct job {
	const struct store *s;
	int rc;
};

static void *read_all(void *arg)
{
	struct job *j = arg;
	struct cbtm_error e = { 0 };
	struct store_reader *r;
	const void *data;
	uint64_t n, bytes = 0;
	j->rc = store_reader_open(j->s, "text", &r, &e);
	for (uint64_t row = 0; !j->rc && row < store_row_count(j->s, "text"); row++) {
		j->rc = store_read_row(r, row, &data, &n, &e);
		bytes += n;
	}
	store_reader_close(r);
	if (!bytes)
		j->rc = 1;
	return NULL;
}

static void test_threads_read_one_store(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct store *s;
	struct job jobs[4];
	pthread_t threads[4];
	char *folder = sample_folder();
	sample_ok(sample_write(folder, 1000, 1000, &e), &e);
	sample_ok(store_open(folder, 0, NULL, &s, &e), &e);
	for (int i = 0; i < 4; i++) {
		jobs[i] = (struct job){ s, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, read_all, &jobs[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(jobs[i].rc, 0);
	}
	store_close(s);
	sample_folder_free(folder);
}

/* Bytes of files in this process's memory. */
static uint64_t mapped(void)
{
	char line[256];
	unsigned long long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "RssFile: %llu", &kib) == 1)
			break;
	fclose(f);
	return 1024 * kib;
}

static void test_reading_a_part_takes_no_memory_of_its_size(void **state)
{
	(void)state;
	enum { MANY = 3 << 20 }; /* keys: 24 MiB, raw */
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	struct store *s;
	struct store_reader *r;
	char *folder = sample_folder();
	sample_ok(store_create(folder, 0, store_kind_find("documents"), sample_fingerprint(1), &w, &e),
	          &e);
	for (uint64_t row = 0; row < MANY; row++)
		sample_ok(store_append(w, "key", &row, 1, &e), &e);
	sample_ok(store_seal(w, &e), &e);
	sample_ok(store_open(folder, 0, NULL, &s, &e), &e);
	sample_ok(store_reader_open(s, "key", &r, &e), &e);
	uint64_t before = mapped(), key, most = 0;
	for (uint64_t row = 0; row < MANY; row += 1000) {
		sample_ok(store_read_rows(r, row, 1, &key, &e), &e);
		assert_int_equal(key, row);
		most = mapped() > most ? mapped() : most;
	}
	assert_true(most < before + (4 << 20));
	store_reader_close(r);
	store_close(s);
	sample_folder_free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_in_any_order),
		cmocka_unit_test(test_many_rows_at_once_cross_blocks),
		cmocka_unit_test(test_a_row_decodes_its_block_alone),
		cmocka_unit_test(test_threads_read_one_store),
		cmocka_unit_test(test_reading_a_part_takes_no_memory_of_its_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
