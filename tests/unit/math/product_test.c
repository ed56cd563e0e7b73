/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/pool.h"
#include "base/random.h"
#include "math/product.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static float *random_numbers(size_t n, uint64_t key)
{
	float *x = malloc(n * sizeof *x);
	for (size_t i = 0; i < n; i++)
		x[i] = (float)random_normal(random_key(4, RANDOM_TEST), key, (uint32_t)i);
	return x;
}

/* m x n of depth; both factors plain or transposed. */
static void compare(size_t m, size_t n, size_t depth, bool transposed)
{
	float *a = random_numbers(m * depth, 1), *b = random_numbers(depth * n, 2);
	float *c = calloc(m * (n + 2), sizeof *c);
	struct view left = transposed ? (struct view){ a, 1, m } : (struct view){ a, depth, 1 };
	struct view right = transposed ? (struct view){ b, 1, depth } : (struct view){ b, n, 1 };
	for (size_t i = 0; i < m * (n + 2); i++)
		c[i] = 1;
	product_add(m, n, depth, left, right, c, n + 2);
	for (size_t i = 0; i < m; i++) {
		for (size_t j = 0; j < n; j++) {
			double sum = 1;
			for (size_t p = 0; p < depth; p++)
				sum += (double)left.at[i * left.row + p * left.column] *
				       right.at[p * right.row + j * right.column];
			if (fabs(sum - c[i * (n + 2) + j]) > 1e-5 * (1 + sqrt((double)depth)))
				fail_msg("%zu x %zu of depth %zu: (%zu, %zu)", m, n, depth, i, j);
		}
		assert_true(c[i * (n + 2) + n] == 1 && c[i * (n + 2) + n + 1] == 1);
	}
	free(c), free(b), free(a);
}

static void test_products_of_odd_shapes_are_those_of_plain_loops(void **state)
{
	(void)state;
	static const size_t size[] = { 1, 3, 4, 16, 17, 33, 70 };
	enum { SIZES = sizeof size / sizeof *size };
	for (size_t i = 0; i < SIZES; i++)
		for (size_t j = 0; j < SIZES; j++)
			for (size_t p = 0; p < SIZES; p++)
				compare(size[i], size[j], size[p], (i + j + p) % 2);
	compare(9, 40, 2 * PRODUCT_RUN + 1, true);
	compare(9, 40, 2 * PRODUCT_RUN + 1, false);
	compare(5, 5, 0, false);
}

static void test_gram_matrices_are_those_of_plain_loops(void **state)
{
	(void)state;
	for (size_t m = 1; m < 60; m += 7) {
		enum { ROWS = 50 };
		float *x = random_numbers(ROWS * m, m);
		double *wide = malloc(ROWS * m * sizeof *wide), *g = calloc(m * m, sizeof *g);
		for (size_t i = 0; i < ROWS * m; i++)
			wide[i] = (double)x[i];
		product_gram(ROWS, m, wide, g);
		product_gram(ROWS, m, wide, g);
		for (size_t i = 0; i < m; i++)
			for (size_t j = i; j < m; j++) {
				double sum = 0;
				for (size_t r = 0; r < ROWS; r++)
					sum += 2 * wide[r * m + i] * wide[r * m + j];
				assert_true(fabs(sum - g[i * m + j]) < 1e-12 * ROWS);
			}
		free(g), free(wide), free(x);
	}
}

static void test_every_variant_gives_the_portable_bytes(void **state)
{
	(void)state;
	enum { DEPTH = 77, M = 19 };
	size_t n;
	const struct product_variant *variant = product_variants(&n);
	float *a = random_numbers(PRODUCT_ROWS * DEPTH, 1);
	float *panel = random_numbers(DEPTH * PRODUCT_WIDTH, 2);
	double x[DEPTH * M];
	for (size_t i = 0; i < DEPTH * M; i++)
		x[i] = (double)panel[i];
	assert_string_equal(variant[n - 1].name, "portable");
	for (size_t rows = 1; rows <= PRODUCT_ROWS; rows++) {
		for (size_t i = 0; i + 1 < n; i++) {
			double g[2][4 * 16] = { { 0 } };
			variant[n - 1].gram(x, x + 2, M, 1 + rows % 4, DEPTH, g[0]);
			variant[i].gram(x, x + 2, M, 1 + rows % 4, DEPTH, g[1]);
			assert_memory_equal(g[0], g[1], sizeof g[0]);
			for (size_t columns = 16; columns <= PRODUCT_WIDTH; columns += 16) {
				float c[2][PRODUCT_ROWS * PRODUCT_WIDTH];
				memset(c, 0, sizeof c);
				struct view view = { a, DEPTH, 1 };
				variant[n - 1].tile(view, rows, DEPTH, panel, columns, c[0], PRODUCT_WIDTH);
				variant[i].tile(view, rows, DEPTH, panel, columns, c[1], PRODUCT_WIDTH);
				assert_memory_equal(c[0], c[1], sizeof c[0]);
			}
		}
	}
	free(panel), free(a);
}

enum { TOGETHER = 64, M = 40, N = 24, DEPTH = 300 };
struct together {
	const float *a, *b;
	float *c; /* TOGETHER x M x N */
};

static int multiply(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct together *t = arg;
	product_add(M, N, DEPTH, (struct view){ t->a, DEPTH, 1 }, (struct view){ t->b, N, 1 },
	            t->c + i * M * N, N);
	return 0;
}

/* A library that shares its buffers gave wrong products here, in one run of ten. */
static void test_products_at_the_same_time_do_not_disturb_each_other(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(4, &e);
	struct together t = { random_numbers(M * DEPTH, 1), random_numbers(DEPTH * N, 2),
		                  malloc(TOGETHER * M * N * sizeof(float)) };
	for (int round = 0; round < 20; round++) {
		memset(t.c, 0, TOGETHER * M * N * sizeof *t.c);
		assert_int_equal(pool_run(pool, TOGETHER, multiply, &t, &e), 0);
		for (size_t i = 1; i < TOGETHER; i++)
			assert_memory_equal(t.c, t.c + i * M * N, M * N * sizeof *t.c);
	}
	free(t.c), free((void *)t.b), free((void *)t.a);
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_products_of_odd_shapes_are_those_of_plain_loops),
		cmocka_unit_test(test_gram_matrices_are_those_of_plain_loops),
		cmocka_unit_test(test_every_variant_gives_the_portable_bytes),
		cmocka_unit_test(test_products_at_the_same_time_do_not_disturb_each_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
