/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "math/sparse_tile.h"
#include <math.h>
#include <string.h>

enum { ROWS = 37, STRIDE = TILE + 3, MOST = 3 * TILE_RUN + 5 };

static void test_every_variant_gives_the_portable_bytes(void **state)
{
	(void)state;
	struct random_key key = random_key(3, RANDOM_TEST);
	float v[ROWS * STRIDE], value[MOST];
	uint32_t column[MOST];
	size_t variants;
	const struct sparse_variant *variant = sparse_variants(&variants);
	for (uint32_t i = 0; i < ROWS * STRIDE; i++)
		v[i] = (float)random_normal(key, 1, i);
	for (uint32_t i = 0; i < MOST; i++) {
		value[i] = (float)random_normal(key, 2, i);
		column[i] = (uint32_t)random_below(key, 3, i, ROWS);
	}
	assert_string_equal(variant[variants - 1].name, "portable");
	for (size_t n = 0; n <= MOST; n += n < 5 || n > MOST - 9 ? 1 : 61) {
		float right[TILE], y[TILE];
		variant[variants - 1].tile(value, column, n, n, v + 1, STRIDE, right);
		for (size_t j = 0; j < TILE; j++) {
			double sum = 0;
			for (size_t i = 0; i < n; i++)
				sum += (double)value[i] * v[1 + column[i] * STRIDE + j];
			assert_true(fabs(sum - right[j]) < 1e-4);
		}
		for (size_t i = 0; i + 1 < variants; i++) {
			variant[i].tile(value, column, n, n, v + 1, STRIDE, y);
			assert_memory_equal(y, right, sizeof y);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_variant_gives_the_portable_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
