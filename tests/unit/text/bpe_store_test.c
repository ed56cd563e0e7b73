/* SPDX-License-Identifier: MIT */
#include "scratch.h"
#include "text/bpe.h"
#include "text/recorded.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void save(void **state, const char *name, const struct bpe *b)
{
	struct cbtm_error e = { 0 };
	struct digest fingerprint = { 1, 2 };
	struct store_writer *w;
	const char *folder = scratch_path(state, name);
	assert_int_equal(store_create(folder, 0, store_kind_find("vocabulary"), fingerprint, &w, &e),
	                 0);
	assert_int_equal(bpe_save(b, w, &e), 0);
	assert_int_equal(store_seal(w, &e), 0);
	assert_int_equal(dataset_seal(folder, store_kind_find("vocabulary"), &fingerprint, 1, &e), 0);
}

static void test_a_store_gives_the_same_vocabulary_back(void **state)
{
	struct cbtm_error e = { 0 };
	struct bpe *b = recorded_vocabulary(), *c;
	struct dataset *d;
	char content[DIGEST_HEX];
	b->bos = 0;
	save(state, "v", b);
	assert_int_equal(dataset_open(scratch_path(state, "v"), NULL, &d, &e), 0);
	assert_int_equal(bpe_open(d, &c, content, &e), 0);
	assert_int_equal(strlen(content), 32);
	assert_int_equal(c->size, b->size);
	assert_int_equal(c->eod, 0);
	assert_int_equal(c->bos, 0);
	assert_int_equal(c->merges, b->merges);
	assert_memory_equal(c->merge, b->merge, b->merges * sizeof *b->merge);
	assert_memory_equal(c->byte, b->byte, sizeof b->byte);
	for (uint32_t i = 0; i < b->size; i++)
		assert_memory_equal(c->symbol[i].bytes, b->symbol[i].bytes, b->symbol[i].n);
	dataset_close(d);
	bpe_free(b);
	bpe_free(c);
}

static void test_a_store_without_eod_is_no_vocabulary(void **state)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	struct store *s;
	struct bpe *c;
	uint8_t special = 0;
	store_create(scratch_path(state, "v"), 0, store_kind_find("vocabulary"),
	             (struct digest){ 1, 1 }, &w, &e);
	store_append_row(w, "symbol", "a", 1, &e);
	store_append(w, "special", &special, 1, &e);
	store_append(w, "added", &special, 1, &e);
	assert_int_equal(store_seal(w, &e), 0);
	assert_int_equal(store_open(scratch_path(state, "v"), 0, NULL, &s, &e), 0);
	assert_int_equal(bpe_load(s, &c, &e), CBTM_ERR_BAD_STORE);
	assert_null(c);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_store_gives_the_same_vocabulary_back, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_store_without_eod_is_no_vocabulary, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
