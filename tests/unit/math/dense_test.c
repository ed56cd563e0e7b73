/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "math/dense.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static float *noise(size_t n, uint64_t seed)
{
	float *x = malloc(n * sizeof *x);
	for (size_t i = 0; i < n; i++)
		x[i] = (float)random_normal(random_key(seed, RANDOM_TEST), i, 0);
	return x;
}

static void test_chunks_cover_every_row_once(void **state)
{
	(void)state;
	for (size_t n = 0; n < 3000; n = n * 2 + 1) {
		struct dense_chunks c = dense_chunks(n, 10, 16);
		assert_true(c.count <= 16);
		assert_int_equal(dense_chunk_start(&c, 0), 0);
		assert_int_equal(dense_chunk_start(&c, c.count), n);
		for (size_t i = 0; i < c.count; i++)
			assert_true(dense_chunk_start(&c, i) < dense_chunk_start(&c, i + 1));
	}
}

static void test_dots_and_distances_are_exact_on_integers(void **state)
{
	(void)state;
	float a[11], b[11];
	double dot = 0, distance = 0;
	for (int i = 0; i < 11; i++) {
		a[i] = (float)(i - 5), b[i] = (float)(i * i);
		dot += (double)a[i] * b[i];
		distance += (a[i] - b[i]) * (a[i] - b[i]);
		assert_true(dense_dot(a, b, (size_t)i + 1) == dot);
		assert_true(dense_distance(a, b, (size_t)i + 1) == distance);
	}
}

static void test_normalised_rows_are_unit_and_zero_rows_stay(void **state)
{
	(void)state;
	float x[12] = { 3, 4, 0, 0, 0, 0, 1e-30f, 0, 0, 1e30f, 1e30f, 1e30f };
	assert_int_equal(dense_normalise_rows(x, 4, 3), 1);
	assert_true(dense_is_zero(x + 3, 3) && !dense_is_zero(x + 6, 3));
	for (int r = 0; r < 4; r++)
		assert_true(r == 1 || fabs(dense_dot(x + 3 * r, x + 3 * r, 3) - 1) < 1e-6);
}

static void test_products_equal_plain_loops_for_any_threads(void **state)
{
	(void)state;
	enum { N = 20000, M = 7, R = 5 };
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(2, &e);
	float *x = noise(N * M, 1), *b = noise(M * R, 2);
	float *y = malloc(N * R * sizeof *y), *y2 = malloc(N * R * sizeof *y);
	double gram[M * M], gram2[M * M];
	assert_int_equal(dense_times(NULL, x, N, M, b, R, y, &e), 0);
	assert_int_equal(dense_times(pool, x, N, M, b, R, y2, &e), 0);
	assert_memory_equal(y, y2, N * R * sizeof *y);
	assert_int_equal(dense_gram(NULL, x, N, M, gram, &e), 0);
	assert_int_equal(dense_gram(pool, x, N, M, gram2, &e), 0);
	assert_memory_equal(gram, gram2, sizeof gram);
	for (size_t i = 0; i < N; i += 997)
		for (size_t j = 0; j < R; j++) {
			double sum = 0;
			for (size_t t = 0; t < M; t++)
				sum += (double)x[i * M + t] * b[t * R + j];
			assert_true(fabs(sum - y[i * R + j]) < 1e-5);
		}
	for (size_t i = 0; i < M; i++)
		for (size_t j = 0; j < M; j++) {
			double sum = 0;
			for (size_t t = 0; t < N; t++)
				sum += (double)x[t * M + i] * x[t * M + j];
			assert_true(fabs(sum - gram[i * M + j]) < 1e-8 * N);
		}
	free(y2), free(y), free(b), free(x);
	pool_free(pool);
}

static void test_eigenvectors_and_solutions_satisfy_their_equations(void **state)
{
	(void)state;
	enum { M = 20 };
	struct cbtm_error e = { 0 };
	float *x = noise(M * M, 3);
	double a[M * M], vectors[M * M], value[M], right[M];
	assert_int_equal(dense_gram(NULL, x, M, M, a, &e), 0);
	memcpy(vectors, a, sizeof a);
	assert_int_equal(dense_eigen(vectors, M, value, &e), 0);
	for (size_t v = 0; v < M; v++) {
		assert_true(v == 0 || value[v] >= value[v - 1]);
		for (size_t i = 0; i < M; i++) {
			double sum = 0;
			for (size_t j = 0; j < M; j++)
				sum += a[i * M + j] * vectors[v * M + j];
			assert_true(fabs(sum - value[v] * vectors[v * M + i]) < 1e-9);
		}
	}
	double solved[M * M];
	for (size_t i = 0; i < M; i++) {
		a[i * M + i] += 1;
		right[i] = (double)i;
	}
	memcpy(solved, a, sizeof a);
	assert_int_equal(dense_solve(solved, M, right, &e), 0);
	for (size_t i = 0; i < M; i++) {
		double sum = 0;
		for (size_t j = 0; j < M; j++)
			sum += a[i * M + j] * right[j];
		assert_true(fabs(sum - (double)i) < 1e-9);
	}
	double singular[4] = { 1, 0, 0, -1 }, y[2] = { 1, 1 };
	assert_int_equal(dense_solve(singular, 2, y, &e), CBTM_ERR_NOT_FINITE);
	free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chunks_cover_every_row_once),
		cmocka_unit_test(test_dots_and_distances_are_exact_on_integers),
		cmocka_unit_test(test_normalised_rows_are_unit_and_zero_rows_stay),
		cmocka_unit_test(test_products_equal_plain_loops_for_any_threads),
		cmocka_unit_test(test_eigenvectors_and_solutions_satisfy_their_equations),
	};
	dense_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
