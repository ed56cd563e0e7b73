/* SPDX-License-Identifier: MIT */
#include "base/digest.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_known_answers(void **state)
{
	(void)state;
	/* "123456789" is the catalogue's check value, the rest is from RFC 3720, appendix B.4. */
	unsigned char bytes[32];
	const char *digits = "123456789";
	assert_int_equal(crc32c(0, digits, 9), 0xE3069283);
	assert_int_equal(crc32c(0, "", 0), 0);
	memset(bytes, 0, 32);
	assert_int_equal(crc32c(0, bytes, 32), 0x8A9136AA);
	memset(bytes, 0xFF, 32);
	assert_int_equal(crc32c(0, bytes, 32), 0x62A8AB43);
	for (int i = 0; i < 32; i++)
		bytes[i] = (unsigned char)i;
	assert_int_equal(crc32c(0, bytes, 32), 0x46DD794E);
}

static void test_tables_and_instruction_agree_at_every_length_and_cut(void **state)
{
	(void)state;
	unsigned char bytes[300];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * i * 31 + 7);
	for (size_t from = 0; from < 9; from++)
		for (size_t n = 0; n + from <= sizeof bytes; n++) {
			uint32_t whole = crc32c(0, bytes + from, n);
			assert_int_equal(whole, crc32c_by_table(0, bytes + from, n));
			size_t cut = n * 2 / 3;
			assert_int_equal(whole,
			                 crc32c(crc32c(0, bytes + from, cut), bytes + from + cut, n - cut));
		}
}

/* Long runs go in lanes. */
static void test_long_runs_agree_too(void **state)
{
	(void)state;
	static unsigned char bytes[70000];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * i * 31 + (i >> 9));
	for (size_t from = 0; from < 3; from++)
		for (size_t n = 12280; n + from <= sizeof bytes; n += n < 12300 || n > 69900 ? 1 : 1777)
			assert_int_equal(crc32c(7, bytes + from, n), crc32c_by_table(7, bytes + from, n));
}

static void test_every_flipped_bit_is_seen(void **state)
{
	(void)state;
	unsigned char bytes[64] = "some record";
	uint32_t good = crc32c(0, bytes, sizeof bytes);
	for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
		bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
		assert_int_not_equal(crc32c(0, bytes, sizeof bytes), good);
		bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_tables_and_instruction_agree_at_every_length_and_cut),
		cmocka_unit_test(test_long_runs_agree_too),
		cmocka_unit_test(test_every_flipped_bit_is_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
