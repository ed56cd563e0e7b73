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

enum { COLUMNS = 37, MOST = 3 * TILE_RUN + 5, ROWS = 20 };

/* Rows of 0 to MOST entries, the short ones first. */
static void test_every_variant_gives_the_portable_bytes(void **state)
{
	(void)state;
	static const uint32_t length[ROWS] = { 0, 1, 2,   3,   4,   7,   16,  17,  31,  64,
		                                   0, 5, 127, 128, 129, 200, 256, 257, 300, MOST };
	static float value[ROWS * MOST], y[ROWS * (TILE + 1)], right[ROWS * (TILE + 1)];
	static uint32_t column[ROWS * MOST];
	struct random_key key = random_key(3, RANDOM_TEST);
	float v[COLUMNS * TILE];
	uint64_t start[ROWS + 1] = { 0 };
	uint32_t place[ROWS];
	size_t variants;
	const struct sparse_variant *variant = sparse_variants(&variants);
	for (uint32_t i = 0; i < COLUMNS * TILE; i++)
		v[i] = (float)random_normal(key, 1, i);
	for (uint32_t r = 0; r < ROWS; r++) {
		start[r + 1] = start[r] + length[r];
		place[r] = (r + 3) % ROWS;
	}
	for (uint32_t i = 0; i < start[ROWS]; i++) {
		value[i] = (float)random_normal(key, 2, i);
		column[i] = (uint32_t)random_below(key, 3, i, COLUMNS);
	}
	struct cbtm_sparse a = { ROWS, COLUMNS, start, column, value };
	struct sparse_product p = { .a = &a, .v = v, .y = right, .step = TILE + 1, .place = place };
	assert_string_equal(variant[variants - 1].name, "portable");
	variant[variants - 1].tile(&p, 0, ROWS);
	for (size_t r = 0; r < ROWS; r++)
		for (size_t j = 0; j < TILE; j++) {
			double sum = 0;
			for (uint64_t i = start[r]; i < start[r + 1]; i++)
				sum += (double)value[i] * v[column[i] * TILE + j];
			assert_true(fabs(sum - right[place[r] * (TILE + 1) + j]) < 1e-4);
		}
	for (size_t i = 0; i + 1 < variants; i++) {
		memset(y, 0, sizeof y);
		p.y = y;
		variant[i].tile(&p, 0, 9);
		variant[i].tile(&p, 9, ROWS);
		assert_memory_equal(y, right, sizeof y);
	}
	/* Without places, from a row in the middle on. */
	p = (struct sparse_product){ .a = &a, .v = v, .y = y, .step = TILE, .first = 5 };
	variant->tile(&p, 5, ROWS);
	for (size_t r = 5; r < ROWS; r++)
		assert_memory_equal(y + (r - 5) * TILE, right + place[r] * (TILE + 1), TILE * sizeof *y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_variant_gives_the_portable_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
