/* SPDX-License-Identifier: MIT */
#include "base/pool.h"
#include "base/steps.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int add(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)arg, (void)task, (void)thread, (void)e;
	steps_add(STEP_PARSE, 0.25);
	return 0;
}

static void test_threads_add_up_and_only_steps_with_time_are_told(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	struct pool *pool = pool_new(4, &e);
	steps_clear();
	assert_int_equal(pool_run(pool, 100, add, NULL, &e), 0);
	steps_add(STEP_SEAL, 1.5);
	steps_add(STEP_READ, -1); /* a clock's whim */
	assert_true(steps_seconds(STEP_PARSE) == 25);
	assert_int_equal(steps_members(&b, &e), 0);
	assert_string_equal(b.data, "\"parse\":25,\"seal\":1.5");
	steps_clear();
	assert_true(steps_seconds(STEP_PARSE) == 0);
	buffer_free(&b);
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads_add_up_and_only_steps_with_time_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
