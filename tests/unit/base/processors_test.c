/* SPDX-License-Identifier: MIT */
#include "base/processors.h"
#include "scratch.h"
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static unsigned quota(void **state)
{
	char self[4200], root[4200];
	snprintf(self, sizeof self, "%s/self", (char *)*state);
	snprintf(root, sizeof root, "%s/root", (char *)*state);
	return processors_by_quota(self, root);
}

static void test_the_least_quota_up_to_the_root_counts(void **state)
{
	scratch_write(state, "self", "0::/user/job/step\n");
	assert_int_equal(quota(state), 0);
	scratch_write(state, "root/user/job/step/cpu.max", "max 100000\n");
	scratch_write(state, "root/user/job/cpu.max", "250000 100000\n");
	scratch_write(state, "root/user/cpu.max", "400000 100000\n");
	assert_int_equal(quota(state), 3);
	scratch_write(state, "root/user/job/step/cpu.max", "50000 100000\n");
	assert_int_equal(quota(state), 1);
}

static void test_a_containers_own_root_counts(void **state)
{
	scratch_write(state, "self", "0::/\n");
	scratch_write(state, "root/cpu.max", "200000 100000\n");
	assert_int_equal(quota(state), 2);
}

static void test_groups_of_version_1_count(void **state)
{
	scratch_write(state, "self", "5:memory:/m\n4:cpu,cpuacct:/job\n0::/\n");
	scratch_write(state, "root/cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
	scratch_write(state, "root/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
	assert_int_equal(quota(state), 0);
	scratch_write(state, "root/cpu,cpuacct/job/cpu.cfs_quota_us", "150000\n");
	assert_int_equal(quota(state), 2);
}

static void test_nonsense_is_no_quota(void **state)
{
	static const char *const texts[] = { "",           "max\n", "0 100000\n", "-5 100000\n",
		                                 "100000 0\n", "1\n",   "x y\n",      "\n" };
	scratch_write(state, "self", "0::/\nnonsense\n:\n::\n");
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		scratch_write(state, "root/cpu.max", texts[i]);
		assert_int_equal(quota(state), 0);
	}
}

static void test_affinity_is_respected(void **state)
{
	cpu_set_t before, one;
	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
		if (CPU_ISSET(i, &before))
			CPU_SET(i, &one);
	assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
	assert_int_equal(processors_available(), 1);
	assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
	assert_in_range(processors_available(), 1, CPU_COUNT(&before));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_least_quota_up_to_the_root_counts),
		TEST(test_a_containers_own_root_counts),
		TEST(test_groups_of_version_1_count),
		TEST(test_nonsense_is_no_quota),
		TEST(test_affinity_is_respected),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
