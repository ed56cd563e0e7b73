/* SPDX-License-Identifier: MIT */
#include "pipeline/yaml.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct parsed {
	struct arena *arena;
	struct yaml_node *root;
	struct problems problems;
	struct cbtm_error e;
};

static void parse(struct parsed *p, const char *text)
{
	memset(p, 0, sizeof *p);
	p->arena = arena_new(&p->e);
	assert_int_equal(yaml_parse(text, strlen(text), "f", p->arena, &p->root, &p->problems, &p->e),
	                 0);
}

static void finish(struct parsed *p)
{
	problems_free(&p->problems);
	arena_free(p->arena);
}

static void refuses(const char *text, const char *what)
{
	struct parsed p;

	parse(&p, text);
	if (!p.problems.n || !strstr(p.problems.text.data, what))
		fail_msg("\"%s\" gives \"%s\", not \"%s\"", text, p.problems.n ? p.problems.text.data : "",
		         what);
	finish(&p);
}

static void test_the_tree_knows_where_everything_stands(void **state)
{
	const struct yaml_node *n;
	struct parsed p;

	(void)state;
	parse(&p, "a: 1\nb:\n  c: [x, 'y z']\n  d: {e: no}\nf:\n");
	assert_int_equal(p.problems.n, 0);
	assert_int_equal(p.root->type, YAML_MAP);
	assert_string_equal(yaml_find(p.root, "a")->text, "1");
	n = yaml_find(yaml_find(p.root, "b"), "c");
	assert_int_equal(n->type, YAML_LIST);
	assert_int_equal(n->line, 3);
	assert_int_equal(n->column, 3);
	assert_string_equal(n->first->next->text, "y z");
	assert_int_equal(n->first->next->column, 10);
	n = yaml_find(yaml_find(p.root, "b"), "d");
	assert_string_equal(yaml_find(n, "e")->text, "no");
	assert_true(yaml_find(p.root, "f")->is_null);
	assert_null(yaml_find(p.root, "g"));
	finish(&p);
}

static void test_duplicate_keys_are_all_told(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, "a: 1\nb: {c: 1, c: 2}\na: 3\n");
	assert_int_equal(p.problems.n, 2);
	assert_non_null(p.root);
	assert_string_equal(p.problems.text.data,
	                    "f:2:11: c: stands here again; it was set in line 2, column 5\n"
	                    "f:3:1: a: stands here again; it was set in line 1, column 1\n");
	finish(&p);
}

static void test_dangerous_yaml_is_refused(void **state)
{
	char deep[200], *p = deep;

	(void)state;
	refuses("a: &x 1\nb: *x\n", "f:1:4: anchors and aliases");
	refuses("a: !!int 1\n", "tags are not allowed");
	refuses("a: 1\n---\nb: 1\n", "a second document");
	refuses("? [a]\n: 1\n", "a key must be a plain word");
	refuses("a: [1, 2\n", "f:");
	refuses("a: \"\\0\"\n", "NUL");
	refuses("a: \xff\n", "not valid UTF-8");
	for (int i = 0; i < 60; i++)
		*p++ = '[';
	*p = 0;
	refuses(deep, "at most 32 levels");
}

static void test_a_large_file_is_refused(void **state)
{
	static char text[(1 << 20) + 2];
	struct parsed p;

	(void)state;
	memset(text, ' ', sizeof text - 1);
	parse(&p, text);
	assert_null(p.root);
	assert_int_equal(p.problems.n, 1);
	finish(&p);
}

static void test_nothing_is_no_tree(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, "");
	assert_null(p.root);
	finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_tree_knows_where_everything_stands),
		cmocka_unit_test(test_duplicate_keys_are_all_told),
		cmocka_unit_test(test_dangerous_yaml_is_refused),
		cmocka_unit_test(test_a_large_file_is_refused),
		cmocka_unit_test(test_nothing_is_no_tree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
