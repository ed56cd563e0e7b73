/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_a_buffer_grows_and_stays_terminated(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	buffer_clear(&b);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(buffer_printf(&b, &e, "%03d", i), 0);
		assert_int_equal(b.data[b.n], 0);
	}
	assert_int_equal(b.n, 3000);
	assert_memory_equal(b.data + 2994, "998999", 7);
	size_t capacity = b.capacity;
	buffer_clear(&b);
	assert_int_equal(b.n, 0);
	assert_int_equal(b.capacity, capacity);
	assert_string_equal(b.data, "");
	buffer_free(&b);
	assert_null(b.data);
}

static void test_numbers_are_little_endian(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	buffer_u32(&b, 0x01020304, &e);
	buffer_u64(&b, 0x1112131415161718, &e);
	assert_int_equal(b.n, 12);
	assert_memory_equal(b.data, "\x04\x03\x02\x01\x18\x17\x16\x15\x14\x13\x12\x11", 13);
	buffer_free(&b);
}

static void test_bytes_may_hold_nul(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	assert_int_equal(buffer_add(&b, "a\0b", 3, &e), 0);
	assert_int_equal(buffer_text(&b, "c", &e), 0);
	assert_int_equal(buffer_add(&b, NULL, 0, &e), 0);
	assert_int_equal(b.n, 4);
	assert_memory_equal(b.data, "a\0bc", 5);
	buffer_free(&b);
}

static void test_a_size_that_overflows_is_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	buffer_text(&b, "kept", &e);
	assert_int_equal(buffer_reserve(&b, SIZE_MAX - 3, &e), CBTM_ERR_MEMORY);
	assert_string_equal(b.data, "kept");
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_buffer_grows_and_stays_terminated),
		cmocka_unit_test(test_numbers_are_little_endian),
		cmocka_unit_test(test_bytes_may_hold_nul),
		cmocka_unit_test(test_a_size_that_overflows_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
