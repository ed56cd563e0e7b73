/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/assign_flow.h"
#include "math/dense.h"
#include "math/sample_border.h"
#include "oracle.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* From prices of zero, so all the work is the paths'. */
static void test_paths_alone_reach_the_optimum(void **state)
{
	(void)state;
	static struct sample_border s;
	for (uint64_t seed = 0; seed < 30; seed++) {
		struct cbtm_error e = { 0 };
		bool reachable;
		sample_border_make(&s, 40, 5, seed % 2 ? 0 : 9, seed);
		const struct border *b = &s.border;
		assert_int_equal(
			assign_flow(&s.border, 5, s.units.capacity, INFINITY, s.price, &reachable, &e), 0);
		assert_true(reachable);
		double cost = 0, *matrix = malloc(b->groups * 5 * sizeof *matrix);
		uint64_t load[5] = { 0 };
		for (size_t g = 0; g < b->groups; g++) {
			uint64_t supply = 0;
			for (size_t j = 0; j < 5; j++) {
				size_t i = b->start[g] + j;
				matrix[g * 5 + j] = b->v[i];
				cost += (double)b->flow[i] * b->v[i];
				load[j] += b->flow[i];
				supply += b->flow[i];
			}
			assert_int_equal(supply, b->supply[g]);
		}
		for (size_t j = 0; j < 5; j++)
			assert_int_equal(load[j], s.units.capacity);
		double least = oracle_transport(b->groups, 5, matrix, b->supply, s.units.capacity);
		assert_true(fabs(cost - least) <= 1e-9 * (fabs(least) + 1));
		assert_true(flow_slack(b, s.price) <= 1e-9 * (fabs(least) + 1));
		free(matrix);
		border_free(&s.border);
	}
}

static void test_clusters_that_nobody_may_take_are_reported(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	size_t start[2] = { 0, 2 }, member_start[2] = { 0, 0 };
	uint32_t cluster[2] = { 0, 1 };
	double v[2] = { 0, 1 }, price[3] = { 0 };
	uint64_t flow[2], supply = 6, key = 0, base[3] = { 0 };
	bool reachable = true;
	struct border b = { .groups = 1,
		                .entries = 2,
		                .start = start,
		                .cluster = cluster,
		                .v = v,
		                .flow = flow,
		                .supply = &supply,
		                .key = &key,
		                .member_start = member_start,
		                .base = base };
	assert_int_equal(assign_flow(&b, 3, 2, 1e-3, price, &reachable, &e), 0);
	assert_false(reachable);
}

/* However few moves are looked at first, the flow is the same and so are the prices' bits. */
static void test_near_moves_are_enough_or_more_are_looked_at(void **state)
{
	(void)state;
	static struct sample_border s;
	for (uint64_t seed = 0; seed < 30; seed++) {
		double first[5];
		uint64_t flow[64 * 5];
		for (int tried = 0; tried < 4; tried++) {
			static const double near[] = { INFINITY, 1, 1e-2, 1e-9 };
			struct cbtm_error e = { 0 };
			bool reachable;
			sample_border_make(&s, 40, 5, seed % 2 ? 0 : 9, seed);
			assert_true(s.border.entries <= 64 * 5);
			assert_int_equal(
				assign_flow(&s.border, 5, s.units.capacity, near[tried], s.price, &reachable, &e),
				0);
			assert_true(reachable);
			if (tried == 0) {
				memcpy(first, s.price, sizeof first);
				memcpy(flow, s.border.flow, s.border.entries * sizeof *flow);
			}
			assert_memory_equal(s.price, first, sizeof first);
			assert_memory_equal(s.border.flow, flow, s.border.entries * sizeof *flow);
			border_free(&s.border);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_alone_reach_the_optimum),
		cmocka_unit_test(test_clusters_that_nobody_may_take_are_reported),
		cmocka_unit_test(test_near_moves_are_enough_or_more_are_looked_at),
	};
	dense_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
