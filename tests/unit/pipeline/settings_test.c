/* SPDX-License-Identifier: MIT */
#include "pipeline/settings.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct arena *arena;
	struct yaml_node *root;
	struct layer file, set;
	struct problems problems;
	struct cbtm_error e;
};

static void begin(struct fixture *f, const char *text)
{
	static const char *const except[] = { "name", NULL };

	memset(f, 0, sizeof *f);
	f->arena = arena_new(&f->e);
	assert_int_equal(yaml_parse(text, strlen(text), "f", f->arena, &f->root, &f->problems, &f->e),
	                 0);
	assert_int_equal(
		layer_add_yaml(&f->file, f->root, NULL, except, "f", f->arena, &f->problems, &f->e), 0);
}

static void finish(struct fixture *f)
{
	problems_free(&f->problems);
	arena_free(f->arena);
}

static void test_leaves_get_dotted_keys_and_places(void **state)
{
	struct fixture f;
	const struct layer *layers[] = { &f.file, &f.set };
	const struct setting *s;

	(void)state;
	begin(&f, "name: n\ntrain:\n  seed: {tokens: 6M}\nevaluate: {top_k: [1, 2]}\nshard:\n");
	s = layers_find(layers, 2, "train.seed.tokens");
	assert_string_equal(s->text, "6M");
	assert_string_equal(s->where, "f:3:10");
	s = layers_find(layers, 2, "evaluate.top_k");
	assert_null(s->text);
	assert_int_equal(s->n, 2);
	assert_null(layers_find(layers, 2, "name"));
	assert_int_equal(f.problems.n, 0);
	finish(&f);
}

static void test_later_layers_win(void **state)
{
	struct fixture f;
	const struct layer *layers[] = { &f.file, &f.set };

	(void)state;
	begin(&f, "cluster: {k: 4}\n");
	assert_int_equal(layer_add_text(&f.set, "cluster.k=8", f.arena, &f.problems, &f.e), 0);
	assert_string_equal(layers_find(layers, 2, "cluster.k")->text, "8");
	assert_string_equal(layers_find(layers, 1, "cluster.k")->text, "4");
	finish(&f);
}

static void test_what_is_no_setting_is_told(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "a: {b: , c: [[1]]}\n");
	layer_add_text(&f.set, "cluster8", f.arena, &f.problems, &f.e);
	layer_add_text(&f.set, "cluster=8", f.arena, &f.problems, &f.e);
	assert_int_equal(f.problems.n, 4);
	assert_non_null(strstr(f.problems.text.data, "f:1:5: a.b: has no value"));
	assert_non_null(strstr(f.problems.text.data, "a.c: an item must be a plain value"));
	assert_non_null(strstr(f.problems.text.data, "--set: \"cluster8\" must be STAGE.KEY=VALUE"));
	finish(&f);
}

static void test_paths_are_relative_to_the_file(void **state)
{
	static const struct cbtm_param row = { "in", CBTM_PARAM_TEXTS, 0, NULL, 0, 0, NULL,
		                                   "x",  CBTM_PARAM_PATH,  0 };
	struct fixture f;
	struct cbtm_texts v;

	(void)state;
	begin(&f, "a: {in: [x, /y], one: 'p,q'}\n");
	assert_int_equal(setting_apply(f.file.first, &row, "dir", &v, f.arena, &f.e), 0);
	assert_string_equal(v.v[0], "dir/x");
	assert_string_equal(v.v[1], "/y");
	assert_int_equal(setting_apply(f.file.last, &row, ".", &v, f.arena, &f.e), 0);
	assert_int_equal(v.n, 1);
	assert_string_equal(v.v[0], "p,q");
	finish(&f);
}

static void test_a_wrong_value_names_place_and_key(void **state)
{
	static const struct cbtm_param row = { "k", CBTM_PARAM_COUNT, 0, "1", 1, 8, NULL, "x", 0, 0 };
	struct fixture f;
	uint64_t v;

	(void)state;
	begin(&f, "a: {k: 9}\n");
	assert_int_equal(setting_apply(f.file.first, &row, ".", &v, f.arena, &f.e), CBTM_ERR_CONFIG);
	assert_string_equal(f.e.where, "f:1:5: a.k");
	assert_non_null(strstr(f.e.what, "1 to 8"));
	finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaves_get_dotted_keys_and_places),
		cmocka_unit_test(test_later_layers_win),
		cmocka_unit_test(test_what_is_no_setting_is_told),
		cmocka_unit_test(test_paths_are_relative_to_the_file),
		cmocka_unit_test(test_a_wrong_value_names_place_and_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
