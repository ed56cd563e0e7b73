/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "model/operation.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct example_size size = {
	.batch = 2, .length = 5, .sequences = 2, .width = 6, .heads = 2, .ffn = 7, .vocabulary = 11
};

static void test_every_operation_has_an_example_that_fits(void **state)
{
	(void)state;
	for (int kind = 0; kind < CBTM_OP_COUNT; kind++)
		for (unsigned variant = 0; variant < EXAMPLE_VARIANTS; variant++) {
			struct cbtm_error e = { 0 };
			struct list *l = example_make(kind, variant, &size, &e);
			if (!l || !list_finish(l, &e))
				fail_msg("%s: %s", e.where, e.what);
			list_free(l);
			assert_true(example_flops(kind, &size) > 0);
		}
}

static void test_ids_lie_in_the_vocabulary_and_targets_may_be_ignored(void **state)
{
	(void)state;
	uint32_t v[10];
	size_t ignored = 0;
	struct cbtm_tensor t = { "target", CBTM_ROLE_INPUT, CBTM_U32, 2, { 2, 5, 1, 1 } };
	example_fill(&t, &size, 1, v);
	for (int i = 0; i < 10; i++) {
		ignored += v[i] == CBTM_IGNORE;
		assert_true(v[i] < 11 || v[i] == CBTM_IGNORE);
	}
	assert_int_equal(ignored, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_operation_has_an_example_that_fits),
		cmocka_unit_test(test_ids_lie_in_the_vocabulary_and_targets_may_be_ignored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
