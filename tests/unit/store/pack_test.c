/* SPDX-License-Identifier: MIT */
#include "store/sample.h"
#include "store/writer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 3000, BYTES = 1000 };

/* Rows [from, from + ROWS) of a text, not committed: about a dozen closed blocks. */
static int fill(struct store_writer *w, uint64_t from, struct cbtm_error *e)
{
	char text[BYTES];
	for (uint64_t row = from; row < from + ROWS; row++) {
		for (uint64_t i = 0; i < BYTES; i++)
			text[i] = (char)('a' + (row * i >> 3) % 26);
		if (store_append_row(w, "text", text, BYTES - row % 7, e))
			return e->name;
	}
	return 0;
}

static struct store_writer *filled(const char *folder, struct pool *pool)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	sample_ok(store_create(folder, 0, store_kind_find("documents"), sample_fingerprint(1), &w, &e),
	          &e);
	if (pool)
		sample_ok(store_use_pool(w, pool, &e), &e);
	sample_ok(fill(w, 0, &e), &e);
	return w;
}

static void assert_same(char *a, char *b)
{
	sample_same_files(a, b, "part-00000.lmdb");
	sample_same_files(a, b, "part-00000.json");
	sample_folder_free(a);
	sample_folder_free(b);
}

static void test_who_packs_and_when_changes_no_byte(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(3, &e);
	char *a = sample_folder(), *b = sample_folder();
	size_t n;
	sample_ok(store_seal(filled(a, NULL), &e), &e);
	struct store_writer *w = filled(b, pool);
	sample_ok(store_pack_begin(w, &n, &e), &e);
	assert_in_range(n, 5, 100);
	for (size_t i = n; i > 0; i--)
		sample_ok(store_pack(w, i - 1, i % 3, &e), &e);
	sample_ok(store_pack_end(w, &e), &e);
	sample_ok(store_pack_begin(w, &n, &e), &e);
	assert_int_equal(n, 0);
	sample_ok(store_pack_end(w, &e), &e);
	sample_ok(store_seal(w, &e), &e);
	assert_same(a, b);
	pool_free(pool);
}

struct beside {
	struct store_writer *w;
	size_t blocks;
};

static int append_or_pack(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct beside *b = arg;
	return task ? store_pack(b->w, task - 1, thread, e) : fill(b->w, ROWS, e);
}

static void test_rows_are_appended_while_blocks_are_packed(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(4, &e);
	char *a = sample_folder(), *b = sample_folder();
	struct store_writer *w = filled(a, NULL);
	sample_ok(fill(w, ROWS, &e), &e);
	sample_ok(store_seal(w, &e), &e);
	struct beside beside = { filled(b, pool), 0 };
	sample_ok(store_pack_begin(beside.w, &beside.blocks, &e), &e);
	assert_in_range(beside.blocks, 5, 100);
	sample_ok(pool_run(pool, 1 + beside.blocks, append_or_pack, &beside, &e), &e);
	sample_ok(store_pack_end(beside.w, &e), &e);
	sample_ok(store_seal(beside.w, &e), &e);
	assert_same(a, b);
	pool_free(pool);
}

static void test_packed_blocks_lend_their_memory(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	char *folder = sample_folder(), *text = malloc(1000);
	memset(text, 'a', 1000);
	sample_ok(store_create(folder, 0, store_kind_find("documents"), sample_fingerprint(1), &w, &e),
	          &e);
	for (int i = 0; i < 20000; i++) {
		sample_ok(store_append_row(w, "text", text, 1000, &e), &e);
		if (i % 1000 == 999)
			sample_ok(writer_pack(w, &e), &e);
	}
	size_t raw = 0;
	for (size_t i = 0; i < w->made_blocks; i++)
		raw += w->blocks[i]->raw.capacity;
	assert_in_range(raw, 1, 4 << 20); /* of 20 MB that were appended */
	assert_in_range(w->pending_bytes, 1, 1 << 20);
	store_leave(w);
	free(text);
	sample_folder_free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_packs_and_when_changes_no_byte),
		cmocka_unit_test(test_rows_are_appended_while_blocks_are_packed),
		cmocka_unit_test(test_packed_blocks_lend_their_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
