/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "pipeline/config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A stage whose plugin can be chosen: none is ever found. */
struct options {
	const char *plugin;
	uint64_t n;
};
static const struct cbtm_param rows[] = {
	{ "plugin", CBTM_PARAM_TEXT, 0, "none-of-them", 0, 0, NULL, "", 0, 0 },
	{ "n", CBTM_PARAM_COUNT, offsetof(struct options, n), "3", 1, 9, NULL, "", 0, 0 },
	CBTM_PARAM_END
};
static const struct stage_task tasks[] = { { .name = "t", .plugin = "embed" }, { 0 } };
static const struct cbtm_stage stage = {
	.name = "s", .options = rows, .options_size = sizeof(struct options), .tasks = tasks
};

struct fixture {
	struct layer first, second;
	struct plugin_search search;
	struct problems problems;
	struct config_reading reading;
	struct yaml_node *root;
	struct stage_config config;
	struct cbtm_error e;
};

static void begin(struct fixture *f, const char *text)
{
	memset(f, 0, sizeof *f);
	f->reading = (struct config_reading){ .folder = ".",
		                                  .file = "f",
		                                  .search = &f->search,
		                                  .arena = arena_new(&f->e),
		                                  .problems = &f->problems };
	assert_int_equal(
		yaml_parse(text, strlen(text), "f", f->reading.arena, &f->root, &f->problems, &f->e), 0);
	f->reading.root = f->root;
	layer_add_yaml(&f->first, f->root, NULL, NULL, "f", f->reading.arena, &f->problems, &f->e);
}

static int make(struct fixture *f, const struct cbtm_stage *s, size_t layers)
{
	const struct layer *list[] = { &f->first, &f->second };

	return config_make(&f->reading, s, list, layers, true, &f->config, &f->e);
}

static void finish(struct fixture *f)
{
	problems_free(&f->problems);
	arena_free(f->reading.arena);
}

static void test_defaults_then_layers(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "s: {n: 4}\n");
	layer_add_text(&f.second, "s.n=5", f.reading.arena, &f.problems, &f.e);
	assert_int_equal(make(&f, &stage, 1), 0);
	assert_int_equal(((struct options *)f.config.options)->n, 4);
	assert_string_equal(((struct options *)f.config.options)->plugin, "none-of-them");
	assert_int_equal(make(&f, &stage, 2), 0);
	assert_int_equal(((struct options *)f.config.options)->n, 5);
	assert_int_equal(f.problems.n, 0);
	finish(&f);
}

static void test_only_the_last_layer_has_unknown_keys(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "s: {dims: 4}\n");
	assert_int_equal(make(&f, &stage, 2), 0); /* may be a key of a plugin that was replaced */
	assert_int_equal(f.problems.n, 0);
	assert_int_equal(make(&f, &stage, 1), 0);
	assert_int_equal(f.problems.n, 1);
	finish(&f);
}

static void test_a_missing_plugin_is_one_problem_at_its_key(void **state)
{
	struct cbtm_stage plugged = stage;
	struct fixture f;

	(void)state;
	plugged.plugin_param = "plugin";
	begin(&f, "s: {plugin: not-there, dims: 4}\n");
	assert_int_equal(make(&f, &plugged, 1), 0);
	assert_int_equal(f.problems.n, 1);
	assert_int_equal(f.problems.name, CBTM_ERR_PLUGIN);
	assert_non_null(strstr(f.problems.text.data, "f:1:5: s.plugin: "));
	assert_non_null(strstr(f.problems.text.data, "not-there"));
	finish(&f);
}

static void test_errors_get_the_place_of_their_key(void **state)
{
	const struct layer *list[1];
	struct cbtm_error found = { 0 };
	struct fixture f;

	(void)state;
	begin(&f, "s: {n: 4}\n");
	list[0] = &f.first;
	error_set(&found, CBTM_ERR_CONFIG, "s.n", "is odd");
	assert_int_equal(config_take_error(&f.reading, &stage, list, 1, NULL, &found, &f.e), 0);
	error_set(&found, CBTM_ERR_CONFIG, "plugin", "is odd");
	assert_int_equal(config_take_error(&f.reading, &stage, list, 1, NULL, &found, &f.e), 0);
	assert_string_equal(f.problems.text.data, "f:1:5: s.n: is odd\nf:1:1: s.plugin: is odd\n");
	finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_then_layers),
		cmocka_unit_test(test_only_the_last_layer_has_unknown_keys),
		cmocka_unit_test(test_a_missing_plugin_is_one_problem_at_its_key),
		cmocka_unit_test(test_errors_get_the_place_of_their_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
