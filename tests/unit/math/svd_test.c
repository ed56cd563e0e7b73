/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/dense.h"
#include "math/sample_sparse.h"
#include "math/svd.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Singular values of n x m, the d first, are the roots of the eigenvalues of a'a in double, and
 * their vectors are unit and across each other. */
static void compare_with_the_gram_matrix(size_t n, size_t m, size_t d, double density)
{
	struct cbtm_error e = { 0 };
	struct sparse_owned a;
	double *dense, *gram = calloc(m * m, sizeof *gram), *value = malloc(m * sizeof *value);
	double *s = malloc(d * sizeof *s);
	float *v = malloc(m * d * sizeof *v);
	sample_sparse(n, m, density, 0, 3, &a, &dense);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < m * m; j++)
			gram[j] += dense[i * m + j / m] * dense[i * m + j % m];
	assert_int_equal(dense_eigen(gram, m, value, &e), 0);
	assert_int_equal(svd_truncated(NULL, &a.matrix, d, 1, v, s, &e), 0);
	for (size_t j = 0; j < d; j++) {
		double right = sqrt(fmax(0, value[m - 1 - j])), length = 0, across = 0;
		if (fabs(s[j] - right) > 1e-4 * right + 2e-5 * s[0])
			fail_msg("%zu x %zu: singular value %zu is %g, not %g", n, m, j, s[j], right);
		for (size_t t = 0; t < m; t++) {
			length += (double)v[t * d + j] * v[t * d + j];
			across += (double)v[t * d + j] * v[t * d + (j + 1) % d];
		}
		assert_true(fabs(length - (s[j] > 0)) < 1e-5 && (d == 1 || fabs(across) < 1e-4));
	}
	free(v), free(s), free(value), free(gram), free(dense);
	sparse_free(&a);
}

static void test_singular_values_are_those_of_the_gram_matrix(void **state)
{
	(void)state;
	compare_with_the_gram_matrix(300, 60, 8, 0.2);   /* the whole space of the columns */
	compare_with_the_gram_matrix(60, 300, 8, 0.2);   /* and of the rows */
	compare_with_the_gram_matrix(900, 400, 5, 0.05); /* a part of it */
	compare_with_the_gram_matrix(400, 900, 5, 0.05);
	compare_with_the_gram_matrix(40, 50, 40, 0.3); /* all, the small ones too */
	compare_with_the_gram_matrix(50, 40, 40, 0.3);
	compare_with_the_gram_matrix(7, 90, 1, 0.5);
}

/* A residual is no bound for what was never met: of equal singular values every copy counts. */
static void test_every_copy_of_a_singular_value_is_found(void **state)
{
	(void)state;
	enum { N = 1000, D = 60 };
	struct cbtm_error e = { 0 };
	static uint64_t start[N + 1];
	static uint32_t column[N];
	static float value[N], v[N * D];
	double s[D];
	for (uint32_t i = 0; i < N; i++) {
		start[i + 1] = i + 1;
		column[i] = (7 * i) % N;
		value[i] = i < 40 ? 3 : 1;
	}
	struct cbtm_sparse a = { N, N, start, column, value };
	assert_int_equal(svd_truncated(NULL, &a, D, 1, v, s, &e), 0);
	for (size_t j = 0; j < D; j++)
		assert_true(fabs(s[j] - (j < 40 ? 3 : 1)) < 1e-4);
}

/* a = a v v' for a matrix of that rank: nothing is lost, and directions beyond it are zero. */
static void test_a_matrix_of_low_rank_is_kept_whole(void **state)
{
	(void)state;
	enum { N = 50, M = 35, RANK = 4, D = 7 };
	struct cbtm_error e = { 0 };
	struct sparse_owned a;
	double *dense, s[D];
	float v[M * D], projected[N * D];
	sample_sparse(N, M, 1, RANK, 4, &a, &dense);
	assert_int_equal(svd_truncated(NULL, &a.matrix, D, 1, v, s, &e), 0);
	for (size_t j = 0; j < D; j++)
		assert_true(j < RANK ? s[j] > 1 : s[j] == 0);
	assert_int_equal(sparse_times_dense(NULL, &a.matrix, v, D, projected, &e), 0);
	for (size_t i = 0; i < N; i++)
		for (size_t t = 0; t < M; t++) {
			double sum = 0;
			for (size_t j = 0; j < D; j++)
				sum += (double)projected[i * D + j] * v[t * D + j];
			assert_true(fabs(sum - dense[i * M + t]) < 1e-4);
		}
	for (size_t t = 0; t < M; t++)
		assert_true(dense_is_zero(v + t * D + RANK, D - RANK));
	free(dense);
	sparse_free(&a);
}

static void test_threads_change_no_bit_and_the_seed_decides(void **state)
{
	(void)state;
	enum { N = 400, M = 300, D = 6 };
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(2, &e);
	struct sparse_owned a;
	double *dense, s[D], s2[D];
	float *v = malloc(3 * M * D * sizeof *v);
	sample_sparse(N, M, 0.05, 0, 5, &a, &dense);
	assert_int_equal(svd_truncated(NULL, &a.matrix, D, 1, v, s, &e), 0);
	assert_int_equal(svd_truncated(pool, &a.matrix, D, 1, v + M * D, s2, &e), 0);
	assert_memory_equal(v, v + M * D, M * D * sizeof *v);
	assert_memory_equal(s, s2, sizeof s);
	assert_int_equal(svd_truncated(pool, &a.matrix, D, 2, v + 2 * M * D, s2, &e), 0);
	assert_true(memcmp(v, v + 2 * M * D, M * D * sizeof *v) != 0);
	free(v), free(dense);
	sparse_free(&a);
	pool_free(pool);
}

static void test_one_document_of_one_word_has_a_direction(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	uint64_t start[2] = { 0, 1 };
	uint32_t column = 0;
	float value = -2, v[3] = { 9, 9, 9 };
	double s[3];
	struct cbtm_sparse a = { 1, 1, start, &column, &value };
	assert_int_equal(svd_truncated(NULL, &a, 3, 1, v, s, &e), 0);
	assert_true(fabs(s[0] - 2) < 1e-6 && fabs(v[0] - 1) < 1e-6 && v[1] == 0 && s[2] == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_singular_values_are_those_of_the_gram_matrix),
		cmocka_unit_test(test_every_copy_of_a_singular_value_is_found),
		cmocka_unit_test(test_a_matrix_of_low_rank_is_kept_whole),
		cmocka_unit_test(test_threads_change_no_bit_and_the_seed_decides),
		cmocka_unit_test(test_one_document_of_one_word_has_a_direction),
	};
	dense_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
