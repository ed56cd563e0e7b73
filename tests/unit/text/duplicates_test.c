/* SPDX-License-Identifier: MIT */
#include "base/random.h"
#include "scratch.h"
#include "text/duplicates.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 5000, TEXTS = 3000 };

/* The text of row i of the corpus. */
static uint64_t text_of(uint64_t i)
{
	return random_below(random_key(11, RANDOM_TEST), i, 0, TEXTS);
}

/* Digests of the corpus in parts of `part_rows` rows. */
static struct dataset *digests(void **state, const char *folder, uint64_t part_rows)
{
	struct cbtm_error e = { 0 };
	const struct store_kind *kind = store_kind_find("digests");
	struct digest fingerprint[64];
	struct dataset *d;
	uint32_t parts = 0;
	for (uint64_t row = 0; row < ROWS; parts++) {
		struct store_writer *w;
		fingerprint[parts] = (struct digest){ part_rows, parts };
		store_create(scratch_path(state, folder), parts, kind, fingerprint[parts], &w, &e);
		for (uint64_t i = 0; i < part_rows && row < ROWS; i++, row++) {
			uint64_t text = text_of(row);
			struct digest of = digest_bytes(&text, sizeof text);
			if (!text)
				of = (struct digest){ 0, 0 }; /* as if some text had this one */
			store_append(w, "digest", (uint64_t[]){ of.high, of.low }, 1, &e);
		}
		assert_int_equal(store_seal(w, &e), 0);
	}
	assert_int_equal(dataset_seal(scratch_path(state, folder), kind, fingerprint, parts, &e), 0);
	assert_int_equal(dataset_open(scratch_path(state, folder), kind, &d, &e), 0);
	return d;
}

/* Finds duplicates and compares them, row by row, with a plain count. */
static void check(void **state, const char *name, uint64_t part_rows, uint64_t memory)
{
	struct cbtm_error e = { 0 };
	char in[32], out[32];
	uint8_t *had = calloc(TEXTS, 1);
	uint64_t row = 0, expected = 0, told = 0;
	struct store_writer *w;
	struct store_reader *r;
	struct store *s;
	snprintf(in, sizeof in, "%s.in", name);
	snprintf(out, sizeof out, "%s.out", name);
	struct dataset *d = digests(state, in, part_rows);
	store_create(scratch_path(state, out), 0, store_kind_find("duplicates"),
	             (struct digest){ 1, 2 }, &w, &e);
	assert_int_equal(duplicates_find(d, memory, w, &e), 0);
	assert_int_equal(store_seal(w, &e), 0);
	store_open(scratch_path(state, out), 0, NULL, &s, &e);
	store_reader_open(s, "dropped", &r, &e);
	for (uint32_t part = 0; part < dataset_parts(d); part++) {
		const void *data;
		uint64_t n;
		assert_int_equal(store_read_row(r, part, &data, &n, &e), 0);
		for (uint64_t i = 0; i < part_rows && row < ROWS; i++, row++) {
			assert_in_range(i / 8, 0, n - 1);
			assert_int_equal(((const uint8_t *)data)[i / 8] >> i % 8 & 1, had[text_of(row)]);
			expected += had[text_of(row)];
			had[text_of(row)] = 1;
		}
	}
	assert_int_equal(row, ROWS);
	assert_true(store_get_u64(s, "duplicates", &told));
	assert_int_equal(told, expected);
	store_reader_close(r);
	store_close(s);
	dataset_close(d);
	free(had);
}

static void test_all_but_the_first_are_found_whatever_the_parts(void **state)
{
	check(state, "one", ROWS, DUPLICATES_MEMORY);
	check(state, "many", 333, DUPLICATES_MEMORY);
}

static void test_little_memory_reads_the_digests_more_often(void **state)
{
	check(state, "least", ROWS, 1);
	check(state, "little", 700, 4096 * sizeof(struct digest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_but_the_first_are_found_whatever_the_parts,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_little_memory_reads_the_digests_more_often,
		                                scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
