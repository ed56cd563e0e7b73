/* SPDX-License-Identifier: MIT */
#include "base/random.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* kat_vectors of Random123 (D. E. Shaw Research), philox4x32 with 10 rounds. The counter is
 * (index, purpose, key low, key high), the key is the seed. */
static void test_philox_known_answers(void **state)
{
	(void)state;
	static const struct {
		uint32_t counter[4], key[2], out[4];
	} rows[] = {
		{ { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
		{ { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
		  { 0xffffffff, 0xffffffff },
		  { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
		{ { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
		  { 0xa4093822, 0x299f31d0 },
		  { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct random_key k = { { rows[i].key[0], rows[i].key[1] }, rows[i].counter[1] };
		uint64_t key = (uint64_t)rows[i].counter[3] << 32 | rows[i].counter[2];
		uint32_t out[4];
		random_block(k, key, rows[i].counter[0], out);
		assert_memory_equal(out, rows[i].out, sizeof out);
	}
}

static void test_seed_purpose_key_and_index_all_matter(void **state)
{
	(void)state;
	uint64_t base = random_u64(random_key(1, RANDOM_TEST), 2, 3);
	assert_true(base == random_u64(random_key(1, RANDOM_TEST), 2, 3));
	assert_true(base != random_u64(random_key(1ull << 32 | 1, RANDOM_TEST), 2, 3));
	assert_true(base != random_u64(random_key(1, RANDOM_INIT), 2, 3));
	assert_true(base != random_u64(random_key(1, RANDOM_TEST), 1ull << 40 | 2, 3));
	assert_true(base != random_u64(random_key(1, RANDOM_TEST), 2, 4));
}

static void test_units_are_uniform(void **state)
{
	(void)state;
	enum { N = 200000, BINS = 50 };
	struct random_key k = random_key(7, RANDOM_TEST);
	unsigned bins[BINS] = { 0 };
	double chi = 0;
	for (uint32_t i = 0; i < N; i++) {
		double u = random_unit(k, 9, i);
		assert_true(u >= 0 && u < 1);
		bins[(int)(u * BINS)]++;
	}
	for (int b = 0; b < BINS; b++)
		chi += pow(bins[b] - (double)N / BINS, 2) / ((double)N / BINS);
	assert_true(chi > 20 && chi < 90); /* 49 degrees of freedom: far in the tails outside */
}

static void test_normals_have_their_moments(void **state)
{
	(void)state;
	enum { N = 200000 };
	struct random_key k = random_key(7, RANDOM_TEST);
	double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
	for (uint32_t i = 0; i < N; i++) {
		double x = random_normal(k, i, 0);
		assert_true(isfinite(x));
		m1 += x, m2 += x * x, m3 += x * x * x, m4 += x * x * x * x;
	}
	assert_true(fabs(m1 / N) < 0.012);
	assert_true(fabs(m2 / N - 1) < 0.016);
	assert_true(fabs(m3 / N) < 0.045);
	assert_true(fabs(m4 / N - 3) < 0.11);
}

static void test_below_stays_below_and_reaches_all(void **state)
{
	(void)state;
	struct random_key k = random_key(3, RANDOM_TEST);
	unsigned seen[7] = { 0 };
	for (uint32_t i = 0; i < 7000; i++) {
		uint64_t r = random_below(k, i, 0, 7);
		assert_true(r < 7);
		seen[r]++;
	}
	for (int i = 0; i < 7; i++)
		assert_in_range(seen[i], 850, 1150);
	assert_true(random_below(k, 1, 1, 1) == 0);
	assert_true(random_below(k, 1, 1, 0) == 0);
	for (uint32_t i = 0; i < 100; i++)
		assert_true(random_below(k, 1, i, UINT64_MAX) < UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_philox_known_answers),
		cmocka_unit_test(test_seed_purpose_key_and_index_all_matter),
		cmocka_unit_test(test_units_are_uniform),
		cmocka_unit_test(test_normals_have_their_moments),
		cmocka_unit_test(test_below_stays_below_and_reaches_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
