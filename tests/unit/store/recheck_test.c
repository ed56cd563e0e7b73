/* SPDX-License-Identifier: MIT */
#include "store/recheck.h"
#include "store/sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 4000 };

struct seen {
	uint64_t next, blocks, tails;
};

static int take(void *arg, const struct recheck_block *b, struct cbtm_error *e)
{
	struct seen *s = arg;
	(void)e;
	assert_int_equal(b->key, s->next);
	s->next += b->block.rows;
	s->blocks++;
	s->tails += b->tail;
	return 0;
}

/* Rechecks a column of a committed part; what became of it. */
static int recheck(struct store_writer *w, const char *column, struct seen *s, struct cbtm_error *e)
{
	struct recheck *r = recheck_new(w, e);
	MDB_txn *t;
	sample_ok(environment_begin(w->partial.env, true, w->partial.path, &t, e), e);
	*s = (struct seen){ 0 };
	int rc = recheck_column(r, writer_find(w, column), t, take, s, e);
	mdb_txn_abort(t);
	recheck_free(r);
	return rc;
}

static void test_blocks_come_in_order_on_any_threads(void **state)
{
	(void)state;
	for (unsigned threads = 1; threads < 5; threads += 3) {
		struct cbtm_error e = { 0 };
		struct seen s;
		struct store_writer *w;
		struct pool *pool = pool_new(threads, &e);
		char *folder = sample_folder();
		sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
		sample_ok(store_use_pool(w, pool, &e), &e);
		sample_ok(sample_fill(w, ROWS, 500, &e), &e);
		sample_ok(recheck(w, "text", &s, &e), &e);
		assert_int_equal(s.next, ROWS);
		assert_in_range(s.blocks, 14, 40); /* more than a window */
		assert_int_equal(s.tails, 1);
		sample_ok(recheck(w, "key", &s, &e), &e);
		assert_int_equal(s.next, ROWS);
		store_leave(w);
		pool_free(pool);
		sample_folder_free(folder);
	}
}

static void test_a_missing_or_damaged_block_is_found(void **state)
{
	(void)state;
	for (int damage = 0; damage < 3; damage++) {
		struct cbtm_error e = { 0 };
		struct seen s;
		struct store_writer *w;
		MDB_txn *t;
		MDB_val value;
		char *folder = sample_folder();
		sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
		sample_ok(sample_fill(w, ROWS, ROWS, &e), &e);
		const struct partial *p = &w->partial;
		sample_ok(environment_begin(p->env, false, p->path, &t, &e), &e);
		sample_ok(partial_get(p, t, p->blocks, "text", 0, &value, &e), &e);
		size_t n = value.mv_size;
		char *copy = malloc(n);
		memcpy(copy, value.mv_data, n);
		if (damage == 0)
			sample_ok(partial_delete(p, t, p->blocks, "text", 0, &e), &e);
		else {
			copy[damage == 1 ? n - 1 : 0] ^= 1; /* of the frame, of the number of rows */
			sample_ok(partial_put(p, t, p->blocks, "text", 0, copy, n, &e), &e);
		}
		sample_ok(environment_commit(t, p->path, &e), &e);
		assert_int_equal(recheck(w, "text", &s, &e), CBTM_ERR_BAD_STORE);
		store_leave(w);
		free(copy);
		sample_folder_free(folder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks_come_in_order_on_any_threads),
		cmocka_unit_test(test_a_missing_or_damaged_block_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
