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

/* a (m x m, rows `stride` apart): the `top` largest are those of all, their vectors orthonormal. */
static void compare_top(const double *a, size_t m, size_t stride, size_t top)
{
	struct cbtm_error e = { 0 };
	double *all = malloc(m * m * sizeof *all), *value = malloc(2 * m * sizeof *value);
	double *vector = malloc(top * m * sizeof *vector), *largest = value + m;
	for (size_t i = 0; i < m; i++)
		memcpy(all + i * m, a + i * stride, m * sizeof *all);
	assert_int_equal(dense_top(a, m, stride, top, largest, vector, &e), 0);
	assert_int_equal(dense_eigen(all, m, value, &e), 0);
	for (size_t v = 0; v < top; v++) {
		assert_true(fabs(largest[v] - value[m - top + v]) < 1e-9);
		for (size_t u = 0; u <= v; u++) {
			double dot = 0;
			for (size_t i = 0; i < m; i++)
				dot += vector[u * m + i] * vector[v * m + i];
			assert_true(fabs(dot - (u == v)) < 1e-9);
		}
		for (size_t i = 0; i < m; i++) {
			double sum = 0;
			for (size_t j = 0; j < m; j++)
				sum += a[i * stride + j] * vector[v * m + j];
			assert_true(fabs(sum - largest[v] * vector[v * m + i]) < 1e-8);
		}
	}
	free(vector), free(value), free(all);
}

static void test_the_largest_eigenvalues_are_those_of_all(void **state)
{
	(void)state;
	enum { M = 60, STRIDE = 64 };
	struct cbtm_error e = { 0 };
	float *x = noise(M * M, 4);
	double gram[M * M], a[M * STRIDE] = { 0 };
	assert_int_equal(dense_gram(NULL, x, M, M, gram, &e), 0);
	for (size_t i = 0; i < M; i++)
		memcpy(a + i * STRIDE, gram + i * M, M * sizeof *a);
	compare_top(a, M, STRIDE, 1);
	compare_top(a, M, STRIDE, 17);
	compare_top(a, M, STRIDE, M);
	compare_top(a, 1, STRIDE, 1);
	/* Blocks of equal eigenvalues, apart from each other: inverse iteration cannot know. */
	memset(a, 0, sizeof a);
	for (size_t i = 0; i < M; i++)
		a[i * STRIDE + i] = i < 40 ? 3 : 1;
	compare_top(a, M, STRIDE, 45);
	a[1] = a[STRIDE] = 0.5;
	compare_top(a, M, STRIDE, 45);
	memset(a, 0, sizeof a);
	compare_top(a, M, STRIDE, 3);
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
		cmocka_unit_test(test_the_largest_eigenvalues_are_those_of_all),
	};
	dense_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
