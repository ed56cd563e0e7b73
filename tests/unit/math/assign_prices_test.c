/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/assign_prices.h"
#include "math/dense.h"
#include "math/sample_border.h"
#include <math.h>
#include <string.h>

static double hard_excess(const struct sample_border *s)
{
	double load[32] = { 0 }, over = 0;
	const struct border *b = &s->border;
	for (size_t g = 0; g < b->groups; g++) {
		size_t best = b->start[g];
		for (size_t i = best; i < b->start[g + 1]; i++)
			if (b->v[i] + s->price[b->cluster[i]] < b->v[best] + s->price[b->cluster[best]])
				best = i;
		load[b->cluster[best]] += (double)b->supply[g];
	}
	for (size_t j = 0; j < s->b.k; j++)
		over += fmax(0, load[j] - (double)s->units.capacity);
	return over;
}

static void test_prices_leave_few_points_too_many(void **state)
{
	(void)state;
	static struct sample_border s;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct cbtm_error e = { 0 };
		bool cut;
		double capacity[6];
		sample_border_make(&s, 240, 6, seed % 2 ? 0 : 30, seed);
		struct price_plan plan = { .hot = 0.3,
			                       .cold = 1e-7,
			                       .cool = 0.35,
			                       .sinkhorn = 0.05,
			                       .enough = 6 * s.units.each,
			                       .capacity = capacity };
		for (size_t j = 0; j < 6; j++)
			capacity[j] = (double)s.units.capacity;
		assert_true(hard_excess(&s) > plan.enough);
		assert_int_equal(assign_prices(NULL, &s.border, 6, &plan, s.price, &cut, &e), 0);
		assert_false(cut);
		assert_true(hard_excess(&s) <= plan.enough);
		border_free(&s.border);
	}
}

static void test_moves_end_at_the_half_windows(void **state)
{
	(void)state;
	static struct sample_border s;
	struct cbtm_error e = { 0 };
	bool cut;
	double capacity[6], half[6];
	sample_border_make(&s, 240, 6, 0, 3);
	for (size_t j = 0; j < 6; j++) {
		capacity[j] = (double)s.units.capacity;
		half[j] = 0.001 * (double)(j + 1);
	}
	struct price_plan plan = { .hot = 0.3,
		                       .cold = 1e-7,
		                       .cool = 0.35,
		                       .sinkhorn = INFINITY,
		                       .enough = 0,
		                       .capacity = capacity,
		                       .half = half };
	assert_int_equal(assign_prices(NULL, &s.border, 6, &plan, s.price, &cut, &e), 0);
	assert_true(cut);
	size_t held = 0;
	for (size_t j = 0; j < 6; j++) {
		assert_true(fabs(s.price[j]) <= 0.9 * half[j]);
		held += fabs(s.price[j]) == 0.9 * half[j];
	}
	assert_true(held > 0);
	border_free(&s.border);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prices_leave_few_points_too_many),
		cmocka_unit_test(test_moves_end_at_the_half_windows),
	};
	dense_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
