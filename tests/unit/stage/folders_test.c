/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "fake.h"
#include "scratch.h"
#include "stage/folders.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct parsed {
	struct stage_command c;
	struct cbtm_error e;
};

static void parse(struct parsed *p, const struct cbtm_stage *stage, const char *const *words)
{
	char *argv[32] = { (char *)"program" };
	int argc = 1;

	memset(p, 0, sizeof *p);
	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	assert_int_equal(stage_command_parse(stage, argc, argv, &p->c, &p->e), 0);
}
#define PARSE(stage, ...) parse(&p, stage, (const char *const[]){ __VA_ARGS__ })

static const struct stage_input all_things = { "thing", READS_ALL_CLUSTERS, NULL };
static const struct stage_input one_thing = { "thing", READS_SAME_CLUSTER, NULL };

static void test_k_is_given_or_an_option_or_one(void **state)
{
	struct parsed p;
	uint64_t k;

	(void)state;
	PARSE(&fake_group, "--k", "7", NULL);
	assert_int_equal(stage_clusters(&p.c, &k, &p.e), 0);
	assert_int_equal(k, 7);
	stage_command_free(&p.c);
	PARSE(&fake_make, "--clusters", "5", NULL);
	assert_int_equal(stage_clusters(&p.c, &k, &p.e), 0);
	assert_int_equal(k, 5);
	stage_command_free(&p.c);
	PARSE(&fake_make, NULL);
	assert_int_equal(stage_clusters(&p.c, &k, &p.e), 0);
	assert_int_equal(k, 1);
	stage_command_free(&p.c);
}

static void test_a_parent_stands_for_its_clusters(void **state)
{
	struct parsed p;
	const char **dirs, *parent = *state;
	char first[4200];
	size_t n;

	snprintf(first, sizeof first, "%s/cluster-000", parent);
	assert_int_equal(folder_make(first, &(struct cbtm_error){ 0 }), 0);
	PARSE(&fake_make, "--thing", parent, NULL);
	assert_int_equal(stage_input_dirs(&p.c, &all_things, 0, 2, &dirs, &n, &p.e), 0);
	assert_int_equal(n, 2);
	assert_string_equal(dirs[0], first);
	assert_non_null(strstr(dirs[1], "/cluster-001"));
	assert_int_equal(stage_input_dirs(&p.c, &one_thing, 1, 2, &dirs, &n, &p.e), 0);
	assert_int_equal(n, 1);
	assert_non_null(strstr(dirs[0], "/cluster-001"));
	stage_command_free(&p.c);
}

static void test_repeated_folders_are_in_order_and_counted(void **state)
{
	struct parsed p;
	const char **dirs;
	size_t n;

	(void)state;
	PARSE(&fake_make, "--thing", "a", "--thing", "b", NULL);
	assert_int_equal(stage_input_dirs(&p.c, &all_things, 0, 2, &dirs, &n, &p.e), 0);
	assert_string_equal(dirs[1], "b");
	assert_int_equal(stage_input_dirs(&p.c, &all_things, 0, 3, &dirs, &n, &p.e), CBTM_ERR_USAGE);
	assert_non_null(strstr(p.e.what, "3 clusters"));
	stage_command_free(&p.c);
}

static void test_a_missing_folder_is_named(void **state)
{
	struct parsed p;

	(void)state;
	PARSE(&fake_make, NULL);
	assert_null(stage_output_dir(&p.c, &fake_make.tasks[0], 0, &p.e));
	assert_int_equal(p.e.name, CBTM_ERR_USAGE);
	assert_non_null(strstr(p.e.what, "--thing"));
	stage_command_free(&p.c);
}

static void test_output_of_a_cluster_lies_in_the_parent_or_is_given(void **state)
{
	struct parsed p;

	(void)state;
	PARSE(&fake_make, "--thing", "t", NULL);
	assert_string_equal(stage_output_dir(&p.c, &fake_make.tasks[0], 3, &p.e), "t/cluster-003");
	stage_command_free(&p.c);
	PARSE(&fake_make, "--thing", "t", "--task", "thing", "--cluster", "3", NULL);
	assert_string_equal(stage_output_dir(&p.c, &fake_make.tasks[0], 3, &p.e), "t");
	stage_command_free(&p.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_k_is_given_or_an_option_or_one),
		cmocka_unit_test_setup_teardown(test_a_parent_stands_for_its_clusters, scratch_make,
		                                scratch_remove),
		cmocka_unit_test(test_repeated_folders_are_in_order_and_counted),
		cmocka_unit_test(test_a_missing_folder_is_named),
		cmocka_unit_test(test_output_of_a_cluster_lies_in_the_parent_or_is_given),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
