/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/assign_border.h"
#include "math/dense.h"
#include <math.h>
#include <string.h>

static void test_documents_fill_seats_and_tokens_fill_all(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct assign_units u;
	uint64_t weight[5] = { 3, 0, 4, 5, 1 };
	struct cbtm_balance b = { .n = 5, .k = 3 };
	assert_int_equal(assign_units_make(&b, &u, &e), 0);
	assert_true(u.scale == 1 && u.capacity == 2 && u.free == 1);
	b.weight = weight;
	assert_int_equal(assign_units_make(&b, &u, &e), 0);
	assert_true(u.scale == 3 && u.capacity == 13 && u.free == 0);
	weight[1] = UINT64_MAX / 4;
	assert_int_equal(assign_units_make(&b, &u, &e), CBTM_ERR_BAD_DATA);
}

/* Points 0, 1, 2 are one and the same, 3 lies like them, 4 is far on one side. */
static void test_equal_points_make_a_group_ordered_by_key(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	float x[5] = { 1, 1, 1, 1.5f, 9 }, centre[2] = { 0, 2 };
	uint64_t key[5] = { 5, 2, 7, 1, 3 };
	uint32_t cluster[5] = { 8, 8, 8, 8, 8 };
	double price[2] = { 0, 0 };
	struct cbtm_balance b = { .n = 5,
		                      .d = 1,
		                      .k = 2,
		                      .x = x,
		                      .centre = centre,
		                      .key = key,
		                      .price = price,
		                      .cluster = cluster };
	struct assign_units u;
	struct border o;
	assert_int_equal(assign_units_make(&b, &u, &e), 0);
	assert_int_equal(
		border_make(NULL, &b, &u, &(struct border_reach){ .price = price, .window = 3 }, &o, &e),
		0);
	assert_int_equal(o.groups, 3); /* the free seat, the three, the one */
	assert_int_equal(o.supply[0], 1);
	assert_int_equal(o.member_start[1], 0);
	size_t three = o.supply[1] == 3 ? 1 : 2;
	assert_int_equal(o.supply[three], 3);
	assert_int_equal(o.key[three], 2);
	const size_t *member = o.member + o.member_start[three];
	assert_true(member[0] == 1 && member[1] == 0 && member[2] == 2);
	assert_int_equal(cluster[4], 1);
	assert_int_equal(cluster[0], 8);
	assert_true(o.base[0] == 0 && o.base[1] == 1);
	assert_true(o.v[o.start[three]] == 0 && o.v[o.start[three] + 1] == 0);
	border_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documents_fill_seats_and_tokens_fill_all),
		cmocka_unit_test(test_equal_points_make_a_group_ordered_by_key),
	};
	dense_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
