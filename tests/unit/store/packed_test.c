/* SPDX-License-Identifier: MIT */
#include "store/packed.h"
#include "store/sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_records_read_back(void **state)
{
	(void)state;
	for (int on_pages = 0; on_pages < 2; on_pages++)
		for (size_t crcs = 0; crcs < 12; crcs += 4) {
			struct cbtm_error e = { 0 };
			struct buffer b = { 0 };
			const unsigned char value[5] = "value", list[12] = "lists of crc";
			struct packed_record w = { { 1, 2 },           3,     4,    on_pages ? 7 : 0,
				                       on_pages ? 900 : 5, value, list, crcs },
								 r;
			sample_ok(packed_record_write(&w, &b, &e), &e);
			assert_true(packed_record_read(b.data, b.n, &r));
			assert_true(digest_equal(r.raw, w.raw) && r.rows == 3 && r.raw_n == 4);
			assert_true(r.at == w.at && r.n == w.n && r.crcs_n == crcs);
			assert_memory_equal(r.crcs, list, crcs);
			if (on_pages)
				assert_null(r.value);
			else
				assert_memory_equal(r.value, value, 5);
			/* Cut off anywhere before the CRCs it is none. */
			for (size_t n = 0; n < b.n - crcs; n++)
				assert_false(packed_record_read(b.data, n, &r));
			buffer_free(&b);
		}
}

static void test_no_rows_are_no_record(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	struct packed_record w = { .rows = 0, .at = 2, .n = 5 }, r;
	sample_ok(packed_record_write(&w, &b, &e), &e);
	assert_false(packed_record_read(b.data, b.n, &r));
	buffer_free(&b);
}

static void test_order_follows_from_rows(void **state)
{
	(void)state;
	/* A full fixed block is complete with its last row, a variable one with the row behind it. */
	assert_int_equal(packed_time(STORE_FIXED, 100, 50, 50, 1000), 100);
	assert_int_equal(packed_time(STORE_VARIABLE, 100, 50, 0, 1000), 101);
	/* What was open at the end comes last; a full block is not open, though it be the last. */
	assert_true(packed_time(STORE_FIXED, 1000, 49, 50, 1000) == UINT64_MAX);
	assert_true(packed_time(STORE_VARIABLE, 1000, 3, 0, 1000) == UINT64_MAX);
	assert_int_equal(packed_time(STORE_FIXED, 1000, 50, 50, 1000), 1000);
	/* Tensors before all others, full or not. */
	assert_int_equal(packed_time(STORE_TENSOR, 1000, 50, 50, 1000), 0);
	assert_int_equal(packed_time(STORE_TENSOR, 1000, 49, 50, 1000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_read_back),
		cmocka_unit_test(test_no_rows_are_no_record),
		cmocka_unit_test(test_order_follows_from_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
