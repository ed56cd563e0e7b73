/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"
#include "stage/lent_vocabulary.h"
#include "stage/sample_vocabulary.h"
#include "stage/state.h"
#include <stdlib.h>
#include <string.h>

static void test_a_vocabulary_comes_back_whole(void **state)
{
	struct cbtm_error e = { 0 };
	struct cbtm_state_writer writer = { NULL };
	struct cbtm_state_reader *r = NULL;
	struct store *s = NULL;
	struct bpe *b = sample_vocabulary(), *back = NULL;
	const char *dir = scratch_path(state, "vocabulary");
	assert_int_equal(
		store_create(dir, 0, store_kind_find("state"), digest_bytes("s", 1), &writer.out, &e), 0);
	assert_int_equal(lent_vocabulary_save(b, &writer, &e), 0);
	assert_int_equal(store_seal(writer.out, &e), 0);
	assert_int_equal(store_open(dir, 0, NULL, &s, &e), 0);
	assert_int_equal(state_reader_open(s, &r, &e), 0);
	assert_int_equal(lent_vocabulary_load(r, &back, &e), 0);
	assert_int_equal(back->size, b->size);
	assert_int_equal(back->merges, b->merges);
	assert_int_equal(back->eod, b->eod);
	assert_int_equal(back->bos, b->bos);
	assert_memory_equal(back->merge, b->merge, b->merges * sizeof *b->merge);
	for (uint32_t i = 0; i < b->size; i++) {
		assert_int_equal(back->symbol[i].n, b->symbol[i].n);
		assert_memory_equal(back->symbol[i].bytes, b->symbol[i].bytes, b->symbol[i].n);
		assert_int_equal(back->symbol[i].special, b->symbol[i].special);
	}
	bpe_free(back);
	bpe_free(b);
	state_reader_close(r);
	store_close(s);
}

/* An end behind the bytes, which a read would follow. */
static void test_arrays_that_do_not_fit_are_refused(void **state)
{
	struct cbtm_error e = { 0 };
	struct cbtm_state_writer writer = { NULL };
	struct cbtm_state_reader *r = NULL;
	struct store *s = NULL;
	struct bpe *b = NULL;
	const char *dir = scratch_path(state, "bad");
	uint64_t end[2] = { 1, 900 }, facts[4] = { 0, UINT32_MAX, 0, 0 };
	uint8_t zero[2] = { 0 };
	store_create(dir, 0, store_kind_find("state"), digest_bytes("s", 1), &writer.out, &e);
	state_put(&writer, "vocabulary-bytes", "ab", 2, 1, "u8", &e);
	state_put(&writer, "vocabulary-end", end, 2, 1, "u64", &e);
	state_put(&writer, "vocabulary-special", zero, 2, 1, "u8", &e);
	state_put(&writer, "vocabulary-added", zero, 2, 1, "u8", &e);
	state_put(&writer, "vocabulary-merge", zero, 0, 2, "u32", &e);
	state_put(&writer, "vocabulary-facts", facts, 4, 1, "u64", &e);
	assert_int_equal(store_seal(writer.out, &e), 0);
	assert_int_equal(store_open(dir, 0, NULL, &s, &e), 0);
	assert_int_equal(state_reader_open(s, &r, &e), 0);
	assert_int_equal(lent_vocabulary_load(r, &b, &e), CBTM_ERR_BAD_STORE);
	assert_non_null(strstr(e.what, "ends outside"));
	state_reader_close(r);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_vocabulary_comes_back_whole, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_arrays_that_do_not_fit_are_refused, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
