/* SPDX-License-Identifier: MIT */
#include "pipeline/systems.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct read {
	struct arena *arena;
	struct system_settings *list;
	size_t n;
	struct problems problems;
	struct cbtm_error e;
};

static void read_text(struct read *r, const char *text)
{
	struct yaml_node *root;

	memset(r, 0, sizeof *r);
	r->arena = arena_new(&r->e);
	assert_int_equal(yaml_parse(text, strlen(text), "f", r->arena, &root, &r->problems, &r->e), 0);
	assert_int_equal(systems_read(root, "f", r->arena, &r->list, &r->n, &r->problems, &r->e), 0);
}

static void finish(struct read *r)
{
	problems_free(&r->problems);
	arena_free(r->arena);
}

static void test_systems_set_dotted_or_nested_keys(void **state)
{
	struct read r;

	(void)state;
	read_text(&r, "systems:\n  - {name: dense, set: {cluster.k: 1}}\n"
	              "  - {name: other, set: {cluster: {k: 2}}}\n  - {name: plain}\n");
	assert_int_equal(r.problems.n, 0);
	assert_int_equal(r.n, 3);
	assert_string_equal(r.list[0].layer.first->key, "cluster.k");
	assert_string_equal(r.list[1].layer.first->key, "cluster.k");
	assert_string_equal(r.list[1].layer.first->text, "2");
	assert_null(r.list[2].layer.first);
	finish(&r);
}

static void test_a_sweep_makes_every_combination(void **state)
{
	struct read r;

	(void)state;
	read_text(&r, "systems: [{name: dense}]\nsweep: {cluster.k: [2, 4], embed.dims: [8, 9, 10]}\n");
	assert_int_equal(r.problems.n, 0);
	assert_int_equal(r.n, 7);
	assert_string_equal(r.list[1].name, "k-2_dims-8");
	assert_string_equal(r.list[6].name, "k-4_dims-10");
	assert_string_equal(r.list[6].layer.first->text, "4");
	assert_string_equal(r.list[6].layer.last->key, "embed.dims");
	finish(&r);
}

static void test_without_either_there_is_one(void **state)
{
	struct read r;

	(void)state;
	read_text(&r, "name: x\n");
	assert_int_equal(r.n, 1);
	assert_string_equal(r.list[0].name, "main");
	finish(&r);
}

static void test_wrong_systems_are_all_told(void **state)
{
	struct read r;

	(void)state;
	read_text(&r, "systems:\n  - {name: a/b}\n  - {set: {}}\n  - {name: a}\n  - {name: a}\n"
	              "  - {name: c, sett: {}}\n  - {name: d, set: 3}\nsweep: {cluster.k: 3}\n");
	assert_int_equal(r.problems.n, 6);
	finish(&r);
}

static void test_names_are_safe_folders(void **state)
{
	(void)state;
	assert_true(system_name_is_valid("k-2_dims-0.5"));
	assert_false(system_name_is_valid(".."));
	assert_false(system_name_is_valid(""));
	assert_false(system_name_is_valid("a b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_systems_set_dotted_or_nested_keys),
		cmocka_unit_test(test_a_sweep_makes_every_combination),
		cmocka_unit_test(test_without_either_there_is_one),
		cmocka_unit_test(test_wrong_systems_are_all_told),
		cmocka_unit_test(test_names_are_safe_folders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
