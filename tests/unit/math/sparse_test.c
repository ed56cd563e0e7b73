/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/sample_sparse.h"
#include "math/sparse.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void test_products_equal_dense_ones_for_any_threads(void **state)
{
	(void)state;
	enum { N = 700, M = 90, D = 21 };
	struct cbtm_error e = { 0 };
	struct pool *pool = pool_new(2, &e);
	struct sparse_owned a;
	double *dense;
	float v[M * D], y[N * D], y2[N * D];
	sample_sparse(N, M, 0.1, 0, 1, &a, &dense);
	for (size_t i = 0; i < M * D; i++)
		v[i] = (float)(i % 13) - 6;
	assert_int_equal(sparse_times_dense(NULL, &a.matrix, v, D, y, &e), 0);
	assert_int_equal(sparse_times_dense(pool, &a.matrix, v, D, y2, &e), 0);
	assert_memory_equal(y, y2, sizeof y);
	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < D; j++) {
			double sum = 0;
			for (size_t t = 0; t < M; t++)
				sum += dense[i * M + t] * v[t * D + j];
			assert_true(fabs(sum - y[i * D + j]) < 1e-4);
		}
	free(dense);
	sparse_free(&a);
	pool_free(pool);
}

static void test_rows_of_a_product_go_where_they_are_told(void **state)
{
	(void)state;
	enum { N = 150, M = 20, D = 18 };
	struct cbtm_error e = { 0 };
	struct sparse_owned a;
	double *dense;
	float panels[2 * M * 16], v[M * D], y[N * D], placed[N * D];
	uint32_t place[N];
	sample_sparse(N, M, 0.3, 0, 3, &a, &dense);
	memset(panels, 0, sizeof panels);
	for (size_t i = 0; i < M * D; i++) {
		v[i] = (float)(i % 13) - 6;
		panels[(i % D / 16 * M + i / D) * 16 + i % D % 16] = v[i];
	}
	for (uint32_t i = 0; i < N; i++)
		place[i] = N - 1 - i;
	assert_int_equal(sparse_times_dense(NULL, &a.matrix, v, D, y, &e), 0);
	assert_int_equal(sparse_times_panels(NULL, &a.matrix, panels, D, place, placed, &e), 0);
	for (size_t i = 0; i < N; i++)
		assert_memory_equal(y + i * D, placed + (N - 1 - i) * D, D * sizeof *y);
	free(dense);
	sparse_free(&a);
}

static void test_the_transpose_of_the_transpose_is_the_matrix(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct sparse_owned a, t, b;
	double *dense;
	sample_sparse(40, 30, 0.2, 0, 2, &a, &dense);
	assert_int_equal(sparse_transpose(&a.matrix, NULL, &t, &e), 0);
	assert_int_equal(sparse_check(&t.matrix, &e), 0);
	assert_int_equal(t.matrix.rows, 30);
	assert_int_equal(sparse_transpose(&t.matrix, NULL, &b, &e), 0);
	size_t n = (size_t)a.start[40];
	assert_memory_equal(a.start, b.start, 41 * sizeof *a.start);
	assert_memory_equal(a.column, b.column, n * sizeof *a.column);
	assert_memory_equal(a.value, b.value, n * sizeof *a.value);
	free(dense);
	sparse_free(&a), sparse_free(&t), sparse_free(&b);
}

static void test_empty_matrices_work(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	uint64_t start[3] = { 0, 0, 0 };
	struct cbtm_sparse a = { 2, 4, start, NULL, NULL }, none = { 0, 4, start, NULL, NULL };
	float v[4] = { 1, 2, 3, 4 }, y[2] = { 7, 7 };
	assert_int_equal(sparse_times_dense(NULL, &a, v, 1, y, &e), 0);
	assert_true(y[0] == 0 && y[1] == 0);
	assert_int_equal(sparse_times_dense(NULL, &none, v, 1, y, &e), 0);
}

static void test_broken_matrices_are_refused(void **state)
{
	(void)state;
	uint64_t good[3] = { 0, 1, 2 }, falling[3] = { 0, 2, 1 }, late[3] = { 1, 1, 2 };
	uint32_t column[2] = { 0, 1 }, outside[2] = { 0, 5 };
	float value[2] = { 1, 1 };
	struct cbtm_sparse a = { 2, 2, good, column, value };
	assert_int_equal(sparse_check(&a, &(struct cbtm_error){ 0 }), 0);
	a.start = falling;
	assert_int_equal(sparse_check(&a, &(struct cbtm_error){ 0 }), CBTM_ERR_BAD_DATA);
	a.start = late;
	assert_int_equal(sparse_check(&a, &(struct cbtm_error){ 0 }), CBTM_ERR_BAD_DATA);
	a.start = good;
	a.column = outside;
	assert_int_equal(sparse_check(&a, &(struct cbtm_error){ 0 }), CBTM_ERR_BAD_DATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_products_equal_dense_ones_for_any_threads),
		cmocka_unit_test(test_rows_of_a_product_go_where_they_are_told),
		cmocka_unit_test(test_the_transpose_of_the_transpose_is_the_matrix),
		cmocka_unit_test(test_empty_matrices_work),
		cmocka_unit_test(test_broken_matrices_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
