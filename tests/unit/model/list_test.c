/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "model/list.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t vector(struct list *l, const char *name)
{
	struct cbtm_error e = { 0 };
	uint64_t shape[3] = { 2, 3, 4 };
	return list_tensor(l, name, CBTM_ROLE_INPUT, CBTM_F32, 3, shape, &e);
}

static void test_sections_hold_what_was_added_in_them(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct list *l = list_new(2, 3, &e);
	uint32_t slots[] = { vector(l, "a"), vector(l, "b") };
	list_section(l, CBTM_FORWARD);
	assert_non_null(list_add(l, CBTM_OP_DROPOUT, 0, slots, &e));
	list_section(l, CBTM_BACKWARD);
	assert_non_null(list_add(l, CBTM_OP_DROPOUT, 0, slots, &e));
	assert_non_null(list_add(l, CBTM_OP_DROPOUT, 0, slots, &e));
	const struct cbtm_list *list = list_finish(l, &e);
	assert_non_null(list);
	const uint32_t start[CBTM_SECTIONS + 1] = { 0, 1, 1, 3, 3, 3 };
	assert_memory_equal(list->start, start, sizeof start);
	assert_int_equal(list->batch, 2);
	list_free(l);
}

static void test_slots_are_bound_in_the_order_of_the_table(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct list *l = list_new(2, 3, &e);
	uint32_t slots[] = { 5, 6, 7, 8 };
	struct cbtm_operation *o = list_add(l, CBTM_OP_LINEAR_WEIGHT, 0, slots, &e);
	assert_int_equal(o->in[0], 5);
	assert_int_equal(o->in[1], 6);
	assert_int_equal(o->in[2], CBTM_NONE);
	assert_int_equal(o->out[0], 7);
	assert_int_equal(o->out[1], 8);
	assert_int_equal(o->out[2], CBTM_NONE);
	list_free(l);
}

static void test_tensors_are_found_by_name(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct list *l = list_new(2, 3, &e);
	vector(l, "a");
	uint32_t b = vector(l, "b");
	assert_int_equal(list_find(l, "b"), b);
	assert_int_equal(list_find(l, "c"), CBTM_NONE);
	list_free(l);
}

static void test_a_shape_that_overflows_is_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct list *l = list_new(2, 3, &e);
	uint64_t shape[2] = { UINT64_C(1) << 40, UINT64_C(1) << 40 };
	assert_int_equal(list_tensor(l, "x", CBTM_ROLE_INPUT, CBTM_F32, 2, shape, &e), CBTM_NONE);
	assert_int_equal(e.name, CBTM_ERR_CONFIG);
	list_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections_hold_what_was_added_in_them),
		cmocka_unit_test(test_slots_are_bound_in_the_order_of_the_table),
		cmocka_unit_test(test_tensors_are_found_by_name),
		cmocka_unit_test(test_a_shape_that_overflows_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
