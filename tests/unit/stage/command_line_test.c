/* SPDX-License-Identifier: MIT */
#include "fake.h"
#include "stage/command_line.h"
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

static int parse(struct parsed *p, const struct cbtm_stage *stage, const char *const *words)
{
	char *argv[32] = { (char *)"program" };
	int argc = 1;

	memset(p, 0, sizeof *p);
	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	return stage_command_parse(stage, argc, argv, &p->c, &p->e);
}
#define PARSE(stage, ...) parse(&p, stage, (const char *const[]){ __VA_ARGS__ })

static void test_datasets_are_options_and_may_be_repeated(void **state)
{
	struct parsed p;

	(void)state;
	assert_int_equal(PARSE(&fake_make, "--letters", "l", "--thing", "a", "--thing", "b", NULL), 0);
	assert_string_equal(stage_command_folder(&p.c, "letters")->dirs.v[0], "l");
	assert_int_equal(stage_command_folder(&p.c, "thing")->dirs.n, 2);
	assert_true(stage_command_folder(&p.c, "thing")->published);
	assert_true(stage_command_folder(&p.c, "thing")->each_cluster);
	assert_false(stage_command_folder(&p.c, "letters")->published);
	assert_null(stage_command_folder(&p.c, "pages"));
	stage_command_free(&p.c);
}

static void test_help_demands_nothing_and_ends_with_the_example(void **state)
{
	struct buffer out = { 0 };
	struct parsed p;

	(void)state;
	assert_int_equal(PARSE(&fake_read, "--help", NULL), 0);
	assert_true(p.c.frame.help);
	assert_int_equal(stage_command_help(&p.c, &out, &p.e), 0);
	assert_int_equal(strncmp(out.data, "Read something.\n", 16), 0);
	assert_non_null(strstr(out.data, "--letters-size N"));
	assert_non_null(strstr(out.data, "--pages PATH"));
	assert_string_equal(out.data + out.n - 26, "  cbtm-read --input a.txt\n");
	buffer_free(&out);
	stage_command_free(&p.c);
}

static void test_misuse_is_told_by_name(void **state)
{
	struct parsed p;

	(void)state;
	assert_int_equal(PARSE(&fake_read, NULL), CBTM_ERR_USAGE);
	assert_non_null(strstr(p.e.what, "--input"));
	stage_command_free(&p.c);
	assert_int_equal(PARSE(&fake_read, "--input", "a", "--task", "thing", NULL), CBTM_ERR_USAGE);
	assert_non_null(strstr(p.e.what, "pages, letters, copies"));
	stage_command_free(&p.c);
	assert_int_equal(PARSE(&fake_read, "--input", "a", "--part", "1", NULL), CBTM_ERR_USAGE);
	assert_non_null(strstr(p.e.what, "--task"));
	stage_command_free(&p.c);
	assert_int_equal(PARSE(&fake_read, "--input", "a", "stray", NULL), CBTM_ERR_USAGE);
	assert_non_null(strstr(p.e.what, "stray"));
	stage_command_free(&p.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datasets_are_options_and_may_be_repeated),
		cmocka_unit_test(test_help_demands_nothing_and_ends_with_the_example),
		cmocka_unit_test(test_misuse_is_told_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
