/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugin/kind.h"
#include <string.h>

static void test_the_three_kinds_are_found(void **state)
{
	(void)state;
	assert_ptr_equal(plugin_kind_find("embed"), &plugin_kind_embed);
	assert_ptr_equal(plugin_kind_find("cluster"), &plugin_kind_cluster);
	assert_ptr_equal(plugin_kind_find("compute"), &plugin_kind_compute);
	assert_null(plugin_kind_find("embe"));
	assert_null(plugin_kind_find(""));
}

static void test_required_functions_lie_in_the_descriptor(void **state)
{
	(void)state;
	for (const struct plugin_kind *const *k = plugin_kinds; *k; k++) {
		assert_non_null((*k)->required->name);
		for (const struct plugin_function *f = (*k)->required; f->name; f++)
			assert_true(f->offset + sizeof(void *) <= (*k)->size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_three_kinds_are_found),
		cmocka_unit_test(test_required_functions_lie_in_the_descriptor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
