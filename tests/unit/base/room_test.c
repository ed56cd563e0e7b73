/* SPDX-License-Identifier: MIT */
#include "base/room.h"
#include "scratch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

static uint64_t by_groups(void **state)
{
	char self[4200], root[4200];
	snprintf(self, sizeof self, "%s/self", (char *)*state);
	snprintf(root, sizeof root, "%s/root", (char *)*state);
	return room_by_groups(self, root);
}

static void test_the_least_room_up_to_the_root_counts(void **state)
{
	scratch_write(state, "self", "0::/user/job\n");
	assert_true(by_groups(state) == UINT64_MAX);
	scratch_write(state, "root/user/job/memory.max", "max\n");
	scratch_write(state, "root/user/job/memory.current", "1000\n");
	assert_true(by_groups(state) == UINT64_MAX);
	scratch_write(state, "root/user/memory.max", "5000\n");
	scratch_write(state, "root/user/memory.current", "3000\n");
	assert_int_equal(by_groups(state), 2000);
	scratch_write(state, "root/user/job/memory.max", "1500\n");
	assert_int_equal(by_groups(state), 500);
}

static void test_pages_of_files_are_room(void **state)
{
	scratch_write(state, "self", "0::/job\n");
	scratch_write(state, "root/job/memory.max", "5000\n");
	scratch_write(state, "root/job/memory.current", "4000\n");
	scratch_write(state, "root/job/memory.stat",
	              "anon 2500\nactive_file 500\ninactive_file 1000\ninactive_file_x 9\n");
	assert_int_equal(by_groups(state), 2000);
}

static void test_a_group_over_its_limit_has_no_room(void **state)
{
	scratch_write(state, "self", "0::/job\n");
	scratch_write(state, "root/job/memory.max", "5000\n");
	scratch_write(state, "root/job/memory.current", "6000\n");
	scratch_write(state, "root/job/memory.stat", "inactive_file 0\n");
	assert_int_equal(by_groups(state), 0);
}

static void test_groups_of_version_1_count(void **state)
{
	scratch_write(state, "self", "9:memory:/m\n4:cpu:/job\n");
	scratch_write(state, "root/memory/m/memory.limit_in_bytes", "4096\n");
	scratch_write(state, "root/memory/m/memory.usage_in_bytes", "1096\n");
	assert_int_equal(by_groups(state), 3000);
}

static void test_a_folder_to_be_made_has_the_room_of_the_one_above(void **state)
{
	char path[4200];
	snprintf(path, sizeof path, "%s/not/yet/there", (char *)*state);
	assert_true(room_on_disk(path) > 0 && room_on_disk(path) < UINT64_MAX);
	assert_true(room_on_disk("not-here/yet") > 0 && room_on_disk("not-here/yet") < UINT64_MAX);
}

static void test_this_system_has_room(void **state)
{
	(void)state;
	assert_true(room_in_memory() > 1 << 20 && room_in_memory() < UINT64_MAX);
}

static void test_a_limit_of_addresses_is_seen(void **state)
{
	struct rlimit before, limit;
	(void)state;
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	limit = before;
	limit.rlim_cur = (rlim_t)1 << 50;
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
	assert_true(room_for_maps() == (uint64_t)1 << 50);
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define IN_FOLDER(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_remove)
		IN_FOLDER(test_the_least_room_up_to_the_root_counts),
		IN_FOLDER(test_pages_of_files_are_room),
		IN_FOLDER(test_a_group_over_its_limit_has_no_room),
		IN_FOLDER(test_groups_of_version_1_count),
		IN_FOLDER(test_a_folder_to_be_made_has_the_room_of_the_one_above),
		cmocka_unit_test(test_this_system_has_room),
		cmocka_unit_test(test_a_limit_of_addresses_is_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
