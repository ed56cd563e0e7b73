/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/sample_sparse.h"
#include "math/sparse_core.h"
#include <math.h>
#include <stdlib.h>

/* What the arranged matrix makes of a a' times x, against the dense one. */
static void compare_products(size_t rows, size_t columns, double share)
{
	struct cbtm_error e = { 0 };
	struct sparse_owned a;
	struct sparse_core core;
	double *dense;
	sample_sparse(rows, columns, share, 0, 7, &a, &dense);
	assert_int_equal(sparse_core_make(NULL, &a.matrix, &core, &e), 0);
	assert_int_equal(sparse_check(&core.columns.matrix, &e), 0);
	float *x = calloc(rows, sizeof *x), *z = calloc(columns + 1, sizeof *z),
		  *y = calloc(rows, sizeof *y);
	for (size_t i = 0; i < rows; i++)
		x[i] = (float)(i % 11) - 5;
	assert_int_equal(sparse_times_dense(NULL, &core.shared, x, 1, z, &e), 0);
	assert_int_equal(sparse_times_dense(NULL, &core.rows.matrix, z, 1, y, &e), 0);
	for (size_t i = 0; i < rows; i++) {
		double sum = 0;
		for (size_t c = 0; c < columns; c++)
			for (size_t j = 0; j < rows; j++)
				sum += dense[i * columns + c] * dense[j * columns + c] * x[j];
		assert_true(fabs(sum - y[i] - core.alone[i] * x[i]) < 1e-3 * (1 + fabs(sum)));
	}
	/* Every column once, the fuller first; `shared` ends where one entry is left. */
	for (size_t r = 0; r < columns; r++) {
		uint64_t n = core.columns.start[r + 1] - core.columns.start[r];
		assert_true(r == 0 || n <= core.columns.start[r] - core.columns.start[r - 1]);
		assert_true((n >= 2) == (r < core.shared.rows));
		for (uint64_t i = core.columns.start[r]; i < core.columns.start[r + 1]; i++)
			assert_true(dense[core.columns.column[i] * columns + core.place[r]] ==
			            (double)core.columns.value[i]);
	}
	free(y), free(z), free(x), free(dense);
	sparse_core_free(&core);
	sparse_free(&a);
}

static void test_products_are_those_of_the_matrix(void **state)
{
	(void)state;
	compare_products(40, 90, 0.1);
	compare_products(90, 40, 0.02); /* empty columns and lonely entries */
	compare_products(30, 200, 0.01);
	compare_products(1, 5, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_products_are_those_of_the_matrix) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
