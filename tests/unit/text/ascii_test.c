/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "text/ascii.h"
#include <stdbool.h>
#include <string.h>

static void test_every_byte_at_every_place_is_what_it_is(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++)
		for (size_t at = 0; at < ASCII_BLOCK; at++) {
			char s[ASCII_BLOCK], lower[ASCII_BLOCK];
			bool upper = c >= 'A' && c <= 'Z';
			bool word = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
			memset(s, ' ', sizeof s);
			s[at] = (char)c;
			struct ascii_masks m = ascii_block_masks(s, ASCII_BLOCK, lower);
			assert_true(m.letters == (word ? UINT64_C(1) << at : 0));
			assert_true(m.others == (c >= 0x80 ? UINT64_C(1) << at : 0));
			assert_int_equal((unsigned char)lower[at], upper ? c + 32 : c);
		}
}

static void test_blocks_of_any_size_are_the_portable_ones(void **state)
{
	(void)state;
	for (size_t size = 0; size <= ASCII_BLOCK; size++)
		for (uint64_t round = 0; round < 50; round++) {
			char s[ASCII_BLOCK], a[ASCII_BLOCK], b[ASCII_BLOCK];
			for (size_t i = 0; i < ASCII_BLOCK; i++)
				s[i] = (char)random_below(random_key(round, RANDOM_TEST), size, (uint32_t)i, 256);
			struct ascii_masks one = ascii_block_masks(s, size, a);
			struct ascii_masks two = ascii_block_masks_portable(s, size, b);
			assert_true(one.letters == two.letters && one.others == two.others);
			assert_memory_equal(a, b, size);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_at_every_place_is_what_it_is),
		cmocka_unit_test(test_blocks_of_any_size_are_the_portable_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
