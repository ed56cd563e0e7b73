/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "math/panel.h"
#include <math.h>
#include <string.h>

enum { MOST = 2 * PANEL_RUN + 5, SQUARE = PANEL * PANEL };

static void fill(float *x, size_t n, uint64_t seed)
{
	struct random_key key = random_key(seed, RANDOM_TEST);
	for (size_t i = 0; i < n; i++)
		x[i] = (float)random_normal(key, i, 0);
}

static void test_the_portable_kernels_are_plain_sums(void **state)
{
	(void)state;
	float x[MOST * PANEL], y[MOST * PANEL], c[SQUARE], before[MOST * PANEL];
	size_t variants;
	const struct panel_variant *portable = panel_variants(&variants) + variants - 1;
	assert_string_equal(portable->name, "portable");
	fill(x, MOST * PANEL, 1), fill(y, MOST * PANEL, 2);
	for (size_t i = 0; i < SQUARE; i++)
		c[i] = 3;
	portable->dots(x, y, MOST, c);
	for (size_t i = 0; i < SQUARE; i++) {
		double sum = 3;
		for (size_t r = 0; r < MOST; r++)
			sum += (double)x[r * PANEL + i / PANEL] * y[r * PANEL + i % PANEL];
		assert_true(fabs(sum - c[i]) < 1e-4);
	}
	memcpy(before, y, sizeof y);
	portable->add(x, c, MOST, y);
	for (size_t i = 0; i < MOST * PANEL; i++) {
		double sum = before[i];
		for (size_t j = 0; j < PANEL; j++)
			sum += (double)x[i / PANEL * PANEL + j] * c[j * PANEL + i % PANEL];
		assert_true(fabs(sum - y[i]) < 1e-3);
	}
}

static void test_every_variant_gives_the_portable_bytes(void **state)
{
	(void)state;
	float x[MOST * PANEL], y[MOST * PANEL], right_y[MOST * PANEL], c[SQUARE], right_c[SQUARE];
	size_t variants;
	const struct panel_variant *variant = panel_variants(&variants);
	for (size_t rows = 0; rows <= MOST; rows += rows < 3 || rows >= MOST - 6 ? 1 : 31) {
		for (size_t v = variants; v-- > 0;) {
			fill(x, MOST * PANEL, 3), fill(y, MOST * PANEL, 4), fill(c, SQUARE, 5);
			variant[v].dots(x, y, rows, c);
			variant[v].add(x, c, rows, y);
			if (v + 1 == variants) {
				memcpy(right_c, c, sizeof c);
				memcpy(right_y, y, sizeof y);
			}
			assert_memory_equal(c, right_c, sizeof c);
			assert_memory_equal(y, right_y, sizeof y);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_portable_kernels_are_plain_sums),
		cmocka_unit_test(test_every_variant_gives_the_portable_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
