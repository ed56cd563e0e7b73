/* SPDX-License-Identifier: MIT */
#include "base/control_group.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void note(void *arg, const char *folder, bool second)
{
	char *seen = arg;
	size_t n = strlen(seen);
	snprintf(seen + n, 512 - n, "%s%d ", folder, second ? 2 : 1);
}

static void expect(void **state, const char *groups, const char *controller, const char *expected)
{
	char seen[512] = "", self[4200];
	if (groups)
		scratch_write(state, "self", groups);
	snprintf(self, sizeof self, "%s", scratch_path(state, groups ? "self" : "none"));
	control_group_each(self, "/r", controller, note, seen);
	assert_string_equal(seen, expected);
}

static void test_each_group_up_to_the_root_is_seen(void **state)
{
	expect(state, "0::/a/b\n", "cpu", "/r/a/b2 /r/a2 /r2 ");
	expect(state, "0::/\n", "cpu", "/r2 ");
	expect(state, "4:cpu,cpuacct:/a\n9:memory:/m\n", "cpu", "/r/cpu,cpuacct/a1 /r/cpu,cpuacct1 ");
	expect(state, "4:cpu,cpuacct:/a\n9:memory:/m\n", "memory", "/r/memory/m1 /r/memory1 ");
}

static void test_other_controllers_and_odd_lines_are_not(void **state)
{
	expect(state, "3:cpuset:/a\nno group\n:\n", "cpu", "");
	expect(state, NULL, "cpu", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_group_up_to_the_root_is_seen, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_other_controllers_and_odd_lines_are_not, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
