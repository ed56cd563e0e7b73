/* SPDX-License-Identifier: MIT */
#include "store/sample.h"
#include "store/tokens.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void round_trip(uint64_t vocabulary_size, const char *type)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	struct store *s;
	struct tokens_reader *r;
	struct store_column_info info;
	const uint32_t ids[] = { 0, (uint32_t)(vocabulary_size - 1), 17 }, *got;
	uint64_t n;
	char *folder = sample_folder();
	sample_ok(store_create(folder, 0, store_kind_find("tokens"), sample_fingerprint(1), &w, &e),
	          &e);
	sample_ok(tokens_add_column(w, vocabulary_size, &e), &e);
	for (uint64_t row = 0; row < 4; row++)
		sample_ok(tokens_append(w, ids, row, &e), &e);
	const uint32_t bad[] = { (uint32_t)vocabulary_size };
	assert_int_equal(tokens_append(w, bad, 1, &e), CBTM_ERR_BAD_DATA);
	e = (struct cbtm_error){ 0 };
	sample_ok(store_seal(w, &e), &e);
	sample_ok(store_open(folder, 0, NULL, &s, &e), &e);
	assert_true(store_column_find(s, "ids", &info));
	assert_string_equal(store_type_name(info.type), type);
	sample_ok(tokens_open(s, &r, &e), &e);
	for (uint64_t row = 0; row < 4; row++) {
		sample_ok(tokens_read(r, row, &got, &n, &e), &e);
		assert_int_equal(n, row);
		assert_memory_equal(got, ids, 4 * n);
	}
	tokens_close(r);
	store_close(s);
	sample_folder_free(folder);
}

static void test_small_vocabulary_takes_two_bytes(void **state)
{
	(void)state;
	round_trip(300, "u16");
	round_trip(65536, "u16");
}

static void test_large_vocabulary_takes_four_bytes(void **state)
{
	(void)state;
	round_trip(65537, "u32");
	round_trip(1 << 20, "u32");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_vocabulary_takes_two_bytes),
		cmocka_unit_test(test_large_vocabulary_takes_four_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
