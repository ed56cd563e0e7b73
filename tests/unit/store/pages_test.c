/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "store/environment.h"
#include "store/pages.h"
#include "store/sample.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAGE = 4096, DATABASES = 7, VALUE_MAX = 3 * PAGE };

/* How many values each database has, and of which sizes. */
static const struct {
	const char *name;
	size_t entries, size, step; /* the i-th value has (size + i * step) % VALUE_MAX bytes */
} made[DATABASES] = {
	{ ".crc", 0, 0, 0 },           /* no tree */
	{ ".store", 1, 2011, 0 },      /* on the border of what a leaf holds */
	{ "a", 1, 2012, 0 },           /* ... and beyond it */
	{ "b", VALUE_MAX, 0, 1 },      /* all sizes */
	{ "key", 40000, 5000, 0 },     /* two levels of branches */
	{ "many", 100000, 900, 0 },    /* three */
	{ "zero", 300, VALUE_MAX, 0 }, /* empty ones */
};

static void fill_value(unsigned char *value, size_t database, size_t i, size_t n)
{
	for (size_t j = 0; j < n; j++)
		value[j] = (unsigned char)(database + 7 * i + j);
}

static size_t size_of(size_t database, size_t i)
{
	return (made[database].size + i * made[database].step) % VALUE_MAX;
}

/* Values share memory: one for each first byte. */
static const unsigned char *value_of(unsigned char (*values)[VALUE_MAX], size_t database, size_t i)
{
	return values[(database + 7 * i) & 255];
}

/* Each database's values are written by another struct pages, as after a kill. */
static void write_sample(const char *path, unsigned char (*values)[VALUE_MAX], uint64_t *bytes)
{
	struct cbtm_error e = { 0 };
	static uint64_t at[DATABASES][100000];
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0666);
	struct pages *p = pages_new(PAGE, fd, path, PAGES_FIRST, &e);
	assert_true(fd >= 0);
	for (size_t d = 0; d < DATABASES; d++) {
		for (size_t i = 0; i < made[d].entries; i++)
			if (!pages_in_leaf(PAGE, 8, size_of(d, i)))
				sample_ok(pages_value(p, value_of(values, d, i), size_of(d, i), &at[d][i], &e), &e);
		sample_ok(pages_flush(p, &e), &e);
		uint64_t next = pages_next(p);
		pages_free(p);
		p = pages_new(PAGE, fd, path, next, &e);
	}
	for (size_t d = 0; d < DATABASES; d++) {
		size_t database;
		sample_ok(pages_database(p, made[d].name, &database, &e), &e);
		assert_int_equal(database, d);
		for (size_t i = 0; i < made[d].entries; i++) {
			unsigned char key[8];
			put_big_endian(key, 3 * i);
			sample_ok(pages_put(p, d, key, sizeof key, value_of(values, d, i), size_of(d, i),
			                    at[d][i], &e),
			          &e);
		}
	}
	sample_ok(pages_finish(p, bytes, &e), &e);
	pages_free(p);
	close(fd);
}

static void check_database(MDB_txn *t, size_t d)
{
	static unsigned char expected[VALUE_MAX];
	MDB_dbi database;
	MDB_cursor *c;
	MDB_val key, value;
	MDB_stat stat;
	assert_int_equal(mdb_dbi_open(t, made[d].name, 0, &database), 0);
	assert_int_equal(mdb_stat(t, database, &stat), 0);
	assert_int_equal(stat.ms_entries, made[d].entries);
	assert_int_equal(mdb_cursor_open(t, database, &c), 0);
	for (size_t i = 0; i < made[d].entries; i++) {
		assert_int_equal(mdb_cursor_get(c, &key, &value, MDB_NEXT), 0);
		assert_int_equal(key.mv_size, 8);
		assert_int_equal(get_big_endian(key.mv_data), 3 * i);
		assert_int_equal(value.mv_size, size_of(d, i));
		fill_value(expected, d, i, value.mv_size);
		assert_memory_equal(value.mv_data, expected, value.mv_size);
	}
	assert_int_equal(mdb_cursor_get(c, &key, &value, MDB_NEXT), MDB_NOTFOUND);
	/* By key: each one, and where the next larger is. */
	for (size_t i = 0; i < made[d].entries; i += 1 + made[d].entries / 1000)
		for (unsigned more = 0; more < 2; more++) {
			unsigned char wanted[8];
			put_big_endian(wanted, 3 * i - more);
			key = (MDB_val){ 8, wanted };
			if (!i && more)
				continue;
			assert_int_equal(mdb_cursor_get(c, &key, &value, MDB_SET_RANGE), 0);
			assert_int_equal(get_big_endian(key.mv_data), 3 * i);
		}
	mdb_cursor_close(c);
}

static unsigned char (*make_values(void))[VALUE_MAX]
{
	unsigned char(*values)[VALUE_MAX] = malloc(256 * sizeof *values);
	for (size_t i = 0; i < 256; i++)
		fill_value(values[i], i, 0, VALUE_MAX);
	return values;
}

static void test_lmdb_finds_every_value_by_key_and_in_order(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	uint64_t bytes, size;
	MDB_env *env;
	MDB_txn *t;
	MDB_envinfo info;
	unsigned char(*values)[VALUE_MAX] = make_values();
	char *folder = sample_folder(), *path = sample_path(folder, "part");
	write_sample(path, values, &bytes);
	sample_ok(file_size(path, &size, &e), &e);
	assert_int_equal(size, bytes);
	sample_ok(environment_read(path, size, DATABASES, &env, &e), &e);
	assert_int_equal(mdb_env_info(env, &info), 0);
	assert_int_equal((info.me_last_pgno + 1) * PAGE, bytes);
	sample_ok(environment_begin(env, true, path, &t, &e), &e);
	for (size_t d = 0; d < DATABASES; d++)
		check_database(t, d);
	mdb_txn_abort(t);
	mdb_env_close(env);
	free(values);
	free(path);
	sample_folder_free(folder);
}

/* LMDB goes on with the file as with one of its own, and its compact copy is no smaller. */
static void test_lmdb_writes_on_and_copies(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	uint64_t bytes, size;
	MDB_env *env;
	MDB_txn *t;
	MDB_dbi many;
	unsigned char(*values)[VALUE_MAX] = make_values();
	char *folder = sample_folder(), *path = sample_path(folder, "part");
	char *copy = sample_path(folder, "copy");
	write_sample(path, values, &bytes);
	sample_ok(environment_write(path, 2 * bytes, DATABASES, &env, &e), &e);
	assert_int_equal(mdb_env_copy2(env, copy, MDB_CP_COMPACT), 0);
	sample_ok(file_size(copy, &size, &e), &e);
	assert_int_equal(size, bytes);
	sample_ok(environment_begin(env, false, path, &t, &e), &e);
	assert_int_equal(mdb_dbi_open(t, "many", 0, &many), 0);
	for (size_t i = 0; i < made[5].entries; i += 2) {
		unsigned char row[8];
		MDB_val key = { 8, row };
		put_big_endian(row, 3 * i);
		assert_int_equal(mdb_del(t, many, &key, NULL), 0);
		put_big_endian(row, 3 * i + 1);
		assert_int_equal(mdb_put(t, many, &key, &(MDB_val){ 3, "new" }, 0), 0);
	}
	sample_ok(environment_commit(t, path, &e), &e);
	sample_ok(environment_begin(env, true, path, &t, &e), &e);
	for (size_t d = 0; d < DATABASES; d++)
		if (d != 5)
			check_database(t, d);
	mdb_txn_abort(t);
	mdb_env_close(env);
	free(values);
	free(copy);
	free(path);
	sample_folder_free(folder);
}

static void test_the_same_values_give_the_same_bytes(void **state)
{
	(void)state;
	uint64_t bytes[2];
	unsigned char(*values)[VALUE_MAX] = make_values();
	char *a = sample_folder(), *b = sample_folder();
	char *first = sample_path(a, "part"), *second = sample_path(b, "part");
	write_sample(first, values, &bytes[0]);
	write_sample(second, values, &bytes[1]);
	assert_int_equal(bytes[0], bytes[1]);
	sample_same_files(a, b, "part");
	free(values);
	free(first);
	free(second);
	sample_folder_free(a);
	sample_folder_free(b);
}

static void test_what_lmdb_cannot_hold_is_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char key[512] = "k";
	size_t database;
	struct pages *p = pages_new(PAGE, -1, "x", PAGES_FIRST, &e);
	sample_ok(pages_database(p, "a", &database, &e), &e);
	assert_int_equal(pages_put(p, database, key, 0, "", 0, 0, &e), CBTM_ERR_INTERNAL);
	e = (struct cbtm_error){ 0 };
	assert_int_equal(pages_put(p, database, key, 512, "", 0, 0, &e), CBTM_ERR_INTERNAL);
	e = (struct cbtm_error){ 0 };
	sample_ok(pages_put(p, database, key, 511, "", 0, 0, &e), &e);
	pages_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lmdb_finds_every_value_by_key_and_in_order),
		cmocka_unit_test(test_lmdb_writes_on_and_copies),
		cmocka_unit_test(test_the_same_values_give_the_same_bytes),
		cmocka_unit_test(test_what_lmdb_cannot_hold_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
