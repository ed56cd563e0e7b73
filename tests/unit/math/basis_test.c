/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "math/basis.h"
#include "math/dense.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 2600, W = PANEL, BLOCKS = 11, USED = W * BLOCKS, D = 21 };

static float *random_vectors(uint64_t block, size_t n)
{
	struct random_key key = random_key(block, RANDOM_TEST);
	float *y = malloc(n * W * sizeof *y);
	for (size_t i = 0; i < n * W; i++)
		y[i] = (float)random_normal(key, i, 0);
	return y;
}

static void test_projections_are_those_of_plain_loops_for_any_threads(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(2, &e);
	struct basis b = { .n = N };
	float *block[BLOCKS], *y = random_vectors(100, N), *copy = random_vectors(100, N);
	float *c = malloc(USED * W * sizeof *c), *c2 = malloc(USED * W * sizeof *c2);
	for (size_t i = 0; i < BLOCKS; i++) {
		block[i] = random_vectors(i, N);
		float *panel = basis_append(&b, &e);
		assert_non_null(panel);
		memcpy(panel, block[i], N * W * sizeof *panel);
	}
	assert_int_equal(b.panels, BLOCKS);
	for (size_t first = 0; first < BLOCKS; first += 5) {
		size_t from = first * W;
		assert_int_equal(basis_project(&b, first, y, c, &e), 0);
		b.pool = pool;
		assert_int_equal(basis_project(&b, first, y, c2, &e), 0);
		b.pool = NULL;
		assert_memory_equal(c, c2, (USED - from) * W * sizeof *c);
		for (size_t i = from; i < USED; i += 7) {
			double sum = 0;
			for (size_t r = 0; r < N; r++)
				sum += (double)block[i / W][r * W + i % W] * y[r * W + 3];
			assert_true(fabs(sum - c[(i - from) * W + 3]) < 1e-2);
		}
		assert_int_equal(basis_subtract(&b, first, c, y, &e), 0);
		for (size_t r = 0; r < N; r += 101) {
			double sum = copy[r * W + 3];
			for (size_t i = from; i < USED; i++)
				sum -= (double)block[i / W][r * W + i % W] * c[(i - from) * W + 3];
			assert_true(fabs(sum - y[r * W + 3]) < 1e-2);
		}
		memcpy(y, copy, N * W * sizeof *y);
	}
	/* All of them, into a panel and a part of one. */
	float *weight = random_vectors(200, USED * D / W), *u = malloc(2 * N * W * sizeof *u);
	assert_int_equal(basis_combine(&b, weight, D, u, &e), 0);
	for (size_t r = 0; r < N; r += 99)
		for (size_t j = 0; j < 2 * W; j += 5) {
			double sum = 0;
			for (size_t i = 0; j < D && i < USED; i++)
				sum += (double)block[i / W][r * W + i % W] * weight[i * D + j];
			assert_true(fabs(sum - u[(j / W * N + r) * W + j % W]) < 1e-4 * fmax(1, fabs(sum)));
		}
	free(u), free(weight);
	for (size_t i = 0; i < BLOCKS; i++)
		free(block[i]);
	free(c2), free(c), free(copy), free(y);
	basis_free(&b);
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_projections_are_those_of_plain_loops_for_any_threads),
	};
	dense_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
