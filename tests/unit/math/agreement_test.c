/* SPDX-License-Identifier: MIT */
#include "math/agreement.h"
#include "recorded_agreement.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { RECORDED = sizeof recorded_agreement / sizeof recorded_agreement[0], MOST = 200 };

/* The sparse form of a full table; zeros are left out. */
static void measure(const uint64_t *count, size_t rows, size_t columns, struct agreement *a)
{
	struct cbtm_error e = { 0 };
	uint64_t start[MOST + 1] = { 0 }, kept[MOST];
	uint32_t column[MOST];
	size_t n = 0;
	for (size_t i = 0; i < rows; i++) {
		for (size_t j = 0; j < columns; j++)
			if (count[i * columns + j]) {
				kept[n] = count[i * columns + j];
				column[n++] = (uint32_t)j;
			}
		start[i + 1] = n;
	}
	assert_int_equal(
		agreement_of(&(struct contingency){ rows, columns, start, column, kept }, a, &e), 0);
}

static void near(double x, double y)
{
	if (!(fabs(x - y) <= 1e-12))
		fail_msg("%.17g, recorded %.17g", x, y);
}

static void test_measures_are_those_of_scikit_learn(void **state)
{
	(void)state;
	assert_true(RECORDED > 10);
	for (size_t i = 0; i < RECORDED; i++) {
		struct agreement a;
		measure(recorded_agreement[i].count, recorded_agreement[i].rows,
		        recorded_agreement[i].columns, &a);
		near(a.nmi, recorded_agreement[i].nmi);
		near(a.homogeneity, recorded_agreement[i].homogeneity);
		near(a.completeness, recorded_agreement[i].completeness);
		near(a.purity, recorded_agreement[i].purity);
	}
}

static void test_no_document_has_no_measure(void **state)
{
	(void)state;
	struct agreement a;
	uint64_t none[4] = { 0 };
	measure(none, 2, 2, &a);
	assert_int_equal(a.n, 0);
	assert_true(isnan(a.nmi) && isnan(a.purity) && isnan(a.homogeneity) && isnan(a.completeness));
	measure(none, 0, 2, &a);
	assert_true(isnan(a.nmi));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_measures_are_those_of_scikit_learn),
		cmocka_unit_test(test_no_document_has_no_measure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
