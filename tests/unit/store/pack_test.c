/* SPDX-License-Identifier: MIT */
#include "store/sample.h"
#include "store/writer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 3000 };

static struct store_writer *filled(const char *folder, struct pool *pool)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	sample_ok(store_create(folder, 0, sample_kind(), sample_fingerprint(1), &w, &e), &e);
	if (pool)
		sample_ok(store_use_pool(w, pool, &e), &e);
	sample_ok(sample_fill(w, ROWS, ROWS, &e), &e);
	return w;
}

static void test_who_packs_and_when_changes_no_byte(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(3, &e);
	char *a = sample_folder(), *b = sample_folder();
	sample_ok(store_seal(filled(a, NULL), &e), &e);
	struct store_writer *w = filled(b, pool);
	for (size_t i = store_unpacked(w); i > 0; i--)
		sample_ok(store_pack(w, i - 1, i % 3, &e), &e);
	store_packed(w);
	assert_int_equal(store_unpacked(w), 0);
	sample_ok(store_seal(w, &e), &e);
	sample_same_files(a, b, "part-00000.lmdb");
	sample_same_files(a, b, "part-00000.json");
	sample_check(b, ROWS);
	sample_folder_free(a);
	sample_folder_free(b);
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
		raw += w->blocks[i].raw.capacity;
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
		cmocka_unit_test(test_packed_blocks_lend_their_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
