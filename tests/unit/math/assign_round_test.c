/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "math/assign_flow.h"
#include "math/assign_round.h"
#include "math/dense.h"
#include "math/sample_border.h"
#include <string.h>

static void test_few_points_split_and_no_cluster_gets_two(void **state)
{
	(void)state;
	static struct sample_border s;
	size_t splits = 0;
	for (uint64_t seed = 0; seed < 30; seed++) {
		struct cbtm_error e = { 0 };
		uint64_t load[7] = { 0 }, heaviest = 0;
		size_t split;
		bool reachable;
		sample_border_make(&s, 60, 7, 50, seed);
		assert_int_equal(
			assign_flow(&s.border, 7, s.units.capacity, INFINITY, s.price, &reachable, &e), 0);
		assert_int_equal(assign_round(&s.b, &s.units, &s.border, s.price, &split, &e), 0);
		assert_true(split <= 6);
		splits += split;
		for (size_t i = 0; i < 60; i++) {
			load[s.cluster[i]] += s.weight[i] * 7;
			heaviest = s.weight[i] * 7 > heaviest ? s.weight[i] * 7 : heaviest;
		}
		for (size_t j = 0; j < 7; j++)
			assert_true(load[j] < s.units.capacity + heaviest);
		border_free(&s.border);
	}
	assert_true(splits > 30);
}

/* Two groups in the same two clusters at equal costs: a circle, which leaves one point split. */
static void test_circles_are_unwound(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	size_t start[3] = { 0, 2, 4 }, member_start[3] = { 0, 1, 2 }, member[2] = { 0, 1 }, split;
	uint32_t cluster[4] = { 0, 1, 0, 1 }, out[2];
	double v[4] = { 0, 0, 1, 1 }, price[2] = { 0, 0 };
	uint64_t flow[4] = { 4, 2, 4, 10 }, supply[2] = { 6, 14 }, key[2] = { 1, 2 }, base[2] = { 0 };
	uint64_t weight[2] = { 3, 7 };
	struct border b = { .groups = 2,
		                .entries = 4,
		                .points = 2,
		                .start = start,
		                .cluster = cluster,
		                .v = v,
		                .flow = flow,
		                .supply = supply,
		                .key = key,
		                .member_start = member_start,
		                .member = member,
		                .base = base };
	struct cbtm_balance problem = { .n = 2, .k = 2, .weight = weight, .cluster = out };
	struct assign_units units = { .scale = 2, .capacity = 10 };
	assert_int_equal(assign_round(&problem, &units, &b, price, &split, &e), 0);
	assert_int_equal(split, 1);
	assert_true(flow[0] + flow[2] == 8 && flow[1] + flow[3] == 12);
	assert_true(flow[0] + flow[1] == 6 && flow[2] + flow[3] == 14);
	assert_int_equal((flow[0] > 0) + (flow[1] > 0) + (flow[2] > 0) + (flow[3] > 0), 3);
}

/* Documents are whole as they are: the flow itself is handed out. */
static void test_documents_are_never_split(void **state)
{
	(void)state;
	static struct sample_border s;
	struct cbtm_error e = { 0 };
	size_t split = 9, load[7] = { 0 };
	bool reachable;
	sample_border_make(&s, 100, 7, 0, 5);
	assert_int_equal(assign_flow(&s.border, 7, s.units.capacity, INFINITY, s.price, &reachable, &e),
	                 0);
	assert_int_equal(assign_round(&s.b, &s.units, &s.border, s.price, &split, &e), 0);
	assert_int_equal(split, 0);
	for (size_t i = 0; i < 100; i++)
		load[s.cluster[i]]++;
	for (size_t j = 0; j < 7; j++)
		assert_true(load[j] <= 15);
	border_free(&s.border);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_points_split_and_no_cluster_gets_two),
		cmocka_unit_test(test_circles_are_unwound),
		cmocka_unit_test(test_documents_are_never_split),
	};
	dense_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
