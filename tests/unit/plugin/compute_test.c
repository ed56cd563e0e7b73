/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugin/compute.h"
#include "stage/host.h"

static void test_the_reference_is_whole(void **state)
{
	(void)state;
	struct plugin_search built = { TEST_BUILD_DIR "/plugins", NULL };
	const struct cbtm_compute *compute = NULL;
	struct cbtm_error e = { 0 };
	assert_int_equal(compute_open("reference", &built, &compute, &e), 0);
	assert_non_null(compute->compile);
	assert_non_null(compute->variant(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_the_reference_is_whole) };
	host_start(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
