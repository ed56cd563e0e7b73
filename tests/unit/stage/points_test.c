/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/dense.h"
#include "scratch.h"
#include "stage/points.h"
#include "stage/sample_corpus.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 100 };

static void test_points_are_train_documents_in_order(void **state)
{
	struct dataset *d = sample_dataset(*state, "documents"), *v = sample_dataset(*state, "vectors");
	struct dataset *t = sample_dataset(*state, "tokens");
	struct document_sample sample = { 1, 1 };
	struct cbtm_error e = { 0 };
	for (int drop = 0; drop < 2; drop++) {
		struct points p;
		size_t at = 0;
		assert_int_equal(points_read(&p, v, d, drop ? t : NULL, &sample, drop, &e), 0);
		assert_int_equal(p.d, SAMPLE_DIMS);
		assert_int_equal(p.zero, 5); /* 9, 29, 49, 69, 89 are of train */
		for (uint64_t i = 0; i < ROWS; i++) {
			if (i % 4 > 1 || (drop && i % 10 == 9))
				continue;
			assert_int_equal(p.document[at].key, 1000 + i);
			assert_int_equal(p.document[at].meta[5] - '0', i % 3);
			assert_int_equal(dense_is_zero(p.vector + at * p.d, p.d), i % 10 == 9);
			if (drop)
				assert_int_equal(p.tokens[at], i);
			at++;
		}
		assert_int_equal(p.n, at);
		assert_true(drop || !p.tokens);
		points_free(&p);
	}
	dataset_close(t), dataset_close(v), dataset_close(d);
}

static void test_datasets_of_other_documents_are_refused(void **state)
{
	char other[600];
	snprintf(other, sizeof other, "%s", scratch_path(state, "other"));
	sample_corpus(other, 3, ROWS + 9);
	struct dataset *d = sample_dataset(*state, "documents"), *v = sample_dataset(other, "vectors");
	struct document_sample sample = { 1, 1 };
	struct cbtm_error e = { 0 };
	struct points p;
	assert_int_equal(points_read(&p, v, d, NULL, &sample, true, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.where, "other/vectors"));
	points_free(&p);
	dataset_close(v), dataset_close(d);
}

static void test_a_vector_that_is_not_finite_is_named(void **state)
{
	const float good[] = { 1, -3e38f, 0 }, bad[] = { 1, INFINITY, 0 }, none[] = { 0, 0, NAN };
	struct cbtm_error e = { 0 };
	(void)state;
	assert_int_equal(points_check(good, 3, 7, 0xabc, "there", &e), 0);
	assert_int_equal(points_check(bad, 3, 7, 0xabc, "there", &e), CBTM_ERR_NOT_FINITE);
	assert_string_equal(e.where, "there");
	assert_non_null(strstr(e.what, "row 7 (document 0000000000000abc)"));
	memset(&e, 0, sizeof e);
	assert_int_equal(points_check(none, 3, 7, 0xabc, "there", &e), CBTM_ERR_NOT_FINITE);
}

static int set_up(void **state)
{
	scratch_make(state);
	sample_corpus(*state, 3, ROWS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_points_are_train_documents_in_order),
		cmocka_unit_test(test_a_vector_that_is_not_finite_is_named),
		cmocka_unit_test(test_datasets_of_other_documents_are_refused),
	};
	return cmocka_run_group_tests(tests, set_up, scratch_remove);
}
