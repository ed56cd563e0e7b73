/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/row.h"
#include "math/scan_kernel.h"
#include "math/simd.h"
#include "oracle.h"
#include <math.h>
#include <stdlib.h>

static void check_scores(size_t n, size_t k, size_t d)
{
	struct cbtm_error e = { 0 };
	struct scan_packing p;
	float *x = malloc(n * d * sizeof *x), *centre = malloc(k * d * sizeof *centre);
	double *offset = malloc(k * sizeof *offset);
	oracle_points(POINTS_RANDOM, n, d, 1, x);
	oracle_points(POINTS_RANDOM, k, d, 2, centre);
	for (size_t j = 0; j < k; j++)
		offset[j] = (double)j / 8;
	assert_int_equal(scan_packing_make(&p, centre, k, d, offset, NULL, &e), 0);
	float *score = malloc(SCAN_BLOCK * p.width * sizeof *score), square[SCAN_BLOCK];
	uint32_t *cluster = malloc((p.width + SCAN_PANEL) * sizeof *cluster);
	const float *rows[SCAN_BLOCK];
	struct scan_best bests[SCAN_BLOCK];
	for (size_t r = 0; r < n; r++)
		rows[r] = x + r * d;
	for (int level = SIMD_NONE; level <= SIMD_AVX512; level++) {
		simd_limit((enum simd_level)level);
		scan_scores(&p, rows, n, score, square);
		scan_bests(&p, score, n, bests);
		for (size_t r = 0; r < n; r++) {
			const float *row = score + r * p.width;
			size_t best = 0;
			assert_true(fabs(square[r] - row_dot(x + r * d, x + r * d, d)) < 1e-4);
			for (size_t j = 0; j < p.width; j++) {
				double exact = j < k ? row_dot(x + r * d, centre + j * d, d) - offset[j] : 0;
				assert_true(j < k ? fabs(row[j] - exact) < 1e-4 : row[j] == -INFINITY);
				best = row[j] > row[best] ? j : best;
			}
			float second = -INFINITY;
			for (size_t j = 0; j < k; j++)
				second = j != best && row[j] > second ? row[j] : second;
			assert_true(bests[r].score == row[best] && bests[r].second == second);
			assert_true(bests[r].cluster < k && row[bests[r].cluster] == row[best]);
			assert_int_equal(scan_select(&p, row, INFINITY, cluster), k);
			assert_int_equal(cluster[k - 1], k - 1);
			size_t count = scan_select(&p, row, 2, cluster), at = 0;
			for (size_t j = 0; j < k; j++)
				if (row[j] >= row[best] - 2)
					assert_true(at < count && cluster[at++] == j);
			assert_int_equal(at, count);
		}
	}
	free(cluster), free(score), free(offset), free(centre), free(x);
	scan_packing_free(&p);
}

static void test_scores_and_choices_at_odd_shapes(void **state)
{
	(void)state;
	for (size_t d = 1; d <= 20; d += 3)
		for (size_t k = 1; k <= 50; k += 7)
			check_scores(1 + (k * d) % SCAN_BLOCK, k, d);
	check_scores(SCAN_BLOCK, 33, 100);
}

static void test_rows_that_are_no_numbers_have_no_choice(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct scan_packing p;
	float x[2] = { NAN, 1 }, centre[2] = { 1, 1 }, score[SCAN_BLOCK * SCAN_PANEL],
		  square[SCAN_BLOCK];
	double offset = 0;
	uint32_t cluster[2 * SCAN_PANEL];
	assert_int_equal(scan_packing_make(&p, centre, 1, 2, &offset, NULL, &e), 0);
	for (int level = SIMD_NONE; level <= SIMD_AVX512; level++) {
		simd_limit((enum simd_level)level);
		scan_scores(&p, (const float *[]){ x }, 1, score, square);
		assert_int_equal(scan_select(&p, score, 1, cluster), 0);
		assert_true(isnan(square[0]));
	}
	scan_packing_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scores_and_choices_at_odd_shapes),
		cmocka_unit_test(test_rows_that_are_no_numbers_have_no_choice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
