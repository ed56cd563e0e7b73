/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "store/packed.h"
#include "store/partial.h"
#include "store/sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char *folder;
	struct arena *arena;
	struct part_files files;
};

static struct fixture set_up(void)
{
	struct cbtm_error e = { 0 };
	struct fixture f = { sample_folder(), arena_new(&e), { 0 } };
	sample_ok(part_files(f.folder, 0, f.arena, &f.files, &e), &e);
	return f;
}

static void tear_down(struct fixture *f)
{
	arena_free(f->arena);
	sample_folder_free(f->folder);
}

static struct partial open_it(const struct fixture *f, uint64_t fingerprint)
{
	struct cbtm_error e = { 0 };
	struct partial p;
	sample_ok(partial_open(&f->files, sample_kind(), sample_fingerprint(fingerprint), &p, &e), &e);
	return p;
}

/* A block of 10 rows and 5000 bytes. */
static void put_block(const struct partial *p, MDB_txn *t, const char *column, uint64_t row)
{
	static const char value[5000] = "block";
	struct cbtm_error e = { 0 };
	struct packed_record r = { .rows = 10, .raw_n = 10, .n = sizeof value };
	struct buffer b = { 0 };
	sample_ok(pages_value(p->pages, value, sizeof value, &r.at, &e), &e);
	sample_ok(pages_flush(p->pages, &e), &e);
	sample_ok(packed_record_write(&r, &b, &e), &e);
	sample_ok(partial_put(p, t, p->blocks, column, row, b.data, b.n, &e), &e);
	buffer_free(&b);
}

/* A column "a" with committed blocks up to row 20 and a tail at 25; more lies beyond. */
static void write_ahead(const struct partial *p)
{
	struct cbtm_error e = { 0 };
	const struct partial_column column = { STORE_U8, STORE_FIXED, 1, 25, 25, 20, 20 };
	MDB_txn *t;
	sample_ok(environment_begin(p->env, false, p->path, &t, &e), &e);
	for (uint64_t row = 0; row < 40; row += 10)
		put_block(p, t, "a", row);
	put_block(p, t, "b", 0);
	sample_ok(partial_put(p, t, p->tails, "a", 25, "tail", 4, &e), &e);
	sample_ok(partial_put(p, t, p->tails, "a", 35, "tail", 4, &e), &e);
	sample_ok(partial_put_state(p, t, "column/", "a", &column, sizeof column, &e), &e);
	sample_ok(environment_commit(t, p->path, &e), &e);
}

static bool has(const struct partial *p, MDB_dbi d, const char *column, uint64_t row)
{
	struct cbtm_error e = { 0 };
	MDB_txn *t;
	MDB_val value;
	sample_ok(environment_begin(p->env, true, p->path, &t, &e), &e);
	bool found = !partial_get(p, t, d, column, row, &value, &e);
	mdb_txn_abort(t);
	return found;
}

static void test_what_lies_beyond_the_commit_is_dropped(void **state)
{
	(void)state;
	struct fixture f = set_up();
	struct partial p = open_it(&f, 1);
	write_ahead(&p);
	partial_close(&p);
	p = open_it(&f, 1);
	assert_true(has(&p, p.blocks, "a", 0) && has(&p, p.blocks, "a", 10));
	assert_false(has(&p, p.blocks, "a", 20) || has(&p, p.blocks, "a", 30));
	assert_false(has(&p, p.blocks, "b", 0));
	assert_true(has(&p, p.tails, "a", 25));
	assert_false(has(&p, p.tails, "a", 35));
	/* Blocks of two pages each: the first two are left in their file, and the next comes there. */
	struct cbtm_error e = { 0 };
	uint64_t size;
	sample_ok(file_size(f.files.blocks, &size, &e), &e);
	assert_int_equal(size, (PAGES_FIRST + 4) * sysconf(_SC_PAGESIZE));
	assert_int_equal(pages_next(p.pages), PAGES_FIRST + 4);
	partial_close(&p);
	/* Without its blocks a record is worth nothing. */
	assert_int_equal(truncate(f.files.blocks, (off_t)size - 1), 0);
	p = open_it(&f, 1);
	assert_false(has(&p, p.blocks, "a", 0));
	partial_close(&p);
	tear_down(&f);
}

static void test_other_fingerprints_and_boots_begin_anew(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct fixture f = set_up();
	struct partial p = open_it(&f, 1);
	write_ahead(&p);
	partial_close(&p);
	p = open_it(&f, 2);
	assert_false(has(&p, p.blocks, "a", 0));
	write_ahead(&p);
	partial_close(&p);
	sample_ok(file_replace(f.files.state, "another boot\n", 13, &e), &e);
	p = open_it(&f, 2);
	assert_false(has(&p, p.blocks, "a", 0));
	partial_close(&p);
	partial_close(&p);
	tear_down(&f);
}

static void test_a_torn_file_begins_anew(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct fixture f = set_up();
	struct partial p = open_it(&f, 1);
	write_ahead(&p);
	partial_close(&p);
	for (off_t n = 3000; n >= 0; n -= 1000) {
		assert_int_equal(truncate(f.files.partial, n), 0);
		p = open_it(&f, 1);
		assert_false(has(&p, p.blocks, "a", 0));
		partial_close(&p);
	}
	sample_ok(file_replace(f.files.partial, "not a store", 11, &e), &e);
	p = open_it(&f, 1);
	partial_close(&p);
	tear_down(&f);
}

static int count(void *arg, const char *name, const void *value, size_t n, struct cbtm_error *e)
{
	(void)value, (void)n, (void)e;
	*(int *)arg += name[0] == 'a';
	return 0;
}

static void test_state_is_walked_by_prefix(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct fixture f = set_up();
	struct partial p = open_it(&f, 1);
	int n = 0;
	write_ahead(&p);
	sample_ok(partial_each(&p, "column/", count, &n, &e), &e);
	assert_int_equal(n, 1);
	sample_ok(partial_each(&p, "zzz/", count, &n, &e), &e);
	assert_int_equal(n, 1);
	partial_close(&p);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_lies_beyond_the_commit_is_dropped),
		cmocka_unit_test(test_other_fingerprints_and_boots_begin_anew),
		cmocka_unit_test(test_a_torn_file_begins_anew),
		cmocka_unit_test(test_state_is_walked_by_prefix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
