/* SPDX-License-Identifier: MIT */
#include "store/sample.h"
#include "store/tokens.h"
#include "store/writer.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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

/* Among any number of good ones, in any place. */
static void test_an_id_that_the_vocabulary_lacks_is_named(void **state)
{
	(void)state;
	const uint64_t sizes[] = { 1, 300, 65535, 65536, 65537, 1u << 31, UINT32_MAX };
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
		for (uint32_t at = 0; at < 40; at++) {
			struct store_writer w = { .vocabulary_size = sizes[s] };
			struct cbtm_error e = { 0 };
			uint32_t ids[40], foreign = at % 2 ? UINT32_MAX : (uint32_t)sizes[s];
			char text[32];
			for (uint32_t i = 0; i < 40; i++)
				ids[i] = i % 3 ? (uint32_t)(sizes[s] - 1) : i < sizes[s] ? i : 0;
			ids[at] = foreign;
			snprintf(text, sizeof text, "id %" PRIu32 " in", foreign);
			assert_int_equal(tokens_prepare(&w, ids, 40, &e), CBTM_ERR_BAD_DATA);
			assert_non_null(strstr(e.what, text));
		}
}

static void test_small_ids_are_made_narrow_in_place(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 40; n++) {
		struct store_writer w = { .vocabulary_size = 65536 };
		struct cbtm_error e = { 0 };
		uint32_t ids[40];
		uint16_t narrow[40];
		for (uint32_t i = 0; i < n; i++)
			ids[i] = 65535 - 401 * i;
		sample_ok(tokens_prepare(&w, ids, n, &e), &e);
		memcpy(narrow, ids, 2 * n);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(narrow[i], 65535 - 401 * i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_id_that_the_vocabulary_lacks_is_named),
		cmocka_unit_test(test_small_ids_are_made_narrow_in_place),
		cmocka_unit_test(test_small_vocabulary_takes_two_bytes),
		cmocka_unit_test(test_large_vocabulary_takes_four_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
