/* SPDX-License-Identifier: MIT */
#include "base/param.h"
#include "base/random.h"
#include "param_table.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena *arena;

static int parse(const char *name, const char *text, struct options *o, struct cbtm_error *e)
{
	e->name = CBTM_OK;
	return param_parse(param_find(options_table, name), text, o, arena, CBTM_ERR_CONFIG,
	                   "p.yaml:3:7: test.key", e);
}

static void test_defaults_fill_every_row(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct options o;
	memset(&o, 0xAA, sizeof o);
	arena = arena_new(&e);
	assert_int_equal(param_defaults(options_table, &o, arena, &e), 0);
	assert_true(o.exact == 1 && o.rule == 1 && o.dims == 100 && o.shift == -3 && o.lr == 0.003);
	assert_true(o.tokens == 6000000 && o.free == 0 && o.ratio == 0);
	assert_string_equal(o.path, "");
	assert_string_equal(o.text, "text");
	assert_true(o.top_k.n == 3 && o.top_k.v[2] == 4);
	assert_true(o.temperature.n == 2 && o.temperature.v[0] == 0.05);
	assert_true(o.names.n == 0);
	arena_free(arena);
}

static void test_a_default_that_does_not_parse_is_our_bug(void **state)
{
	(void)state;
	const struct cbtm_param table[] = { { "n", CBTM_PARAM_COUNT, 0, "many", 0, 0, NULL, "", 0, 0 },
		                                CBTM_PARAM_END };
	struct cbtm_error e = { 0 };
	uint64_t n;
	arena = arena_new(&e);
	assert_int_equal(param_defaults(table, &n, arena, &e), CBTM_ERR_INTERNAL);
	arena_free(arena);
}

static void test_a_wrong_value_names_place_value_and_what_is_allowed(void **state)
{
	(void)state;
	static const char *const rows[][3] = {
		{ "dims", "0", "must be a count, 1 to 4096, not \"0\"" },
		{ "dims", "4097", "must be a count, 1 to 4096, not \"4097\"" },
		{ "dims", "many", "must be a count, 1 to 4096, not \"many\"" },
		{ "dims", "", "must be a count, 1 to 4096, not \"\"" },
		{ "rule", "pricd", "must be one of nearest, priced, not \"pricd\" (nearest: priced)" },
		{ "rule", "xyz", "must be one of nearest, priced, not \"xyz\"" },
		{ "rule", "near", "must be one of nearest, priced, not \"near\" (nearest: nearest)" },
		{ "rule", "", "must be one of nearest, priced, not \"\"" },
		{ "exact", "yes", "must be true or false, not \"yes\"" },
		{ "lr", "0", "must be a number, 1e-09 to 1, not \"0\"" },
		{ "lr", "nan", "must be a number, 1e-09 to 1, not \"nan\"" },
		{ "shift", "1.5", "must be an integer, not \"1.5\"" },
		{ "free", "18446744073709551616", "must be a count, not \"18446744073709551616\"" },
		{ "tokens", "0", "must be a count, 1 or more, not \"0\"" },
		{ "top_k", "1,x", "must be a list of counts, each 1 to 64, not \"x\"" },
		{ "top_k", "1,", "must be a list of counts, each 1 to 64, not \"1,\"" },
		{ "top_k", "[1,2", "must be a list of counts, each 1 to 64, not \"[1,2\"" },
		{ "names", "\"a", "must be a list of texts, not \"\"a\"" },
		{ "names", "\"a\"b", "must be a list of texts, not \"\"a\"b\"" },
		{ "temperature", "0.1,-1", "must be a list of numbers, each 0 to 10, not \"-1\"" },
	};
	struct cbtm_error e = { 0 };
	struct options o = { 0 };
	arena = arena_new(&e);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(parse(rows[i][0], rows[i][1], &o, &e), CBTM_ERR_CONFIG);
		assert_string_equal(e.what, rows[i][2]);
		assert_string_equal(e.where, "p.yaml:3:7: test.key");
	}
	arena_free(arena);
}

static void test_a_long_wrong_value_is_cut(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct options o = { 0 };
	char text[400];
	arena = arena_new(&e);
	memset(text, 'y', sizeof text);
	text[399] = 0;
	assert_int_equal(parse("dims", text, &o, &e), CBTM_ERR_CONFIG);
	assert_non_null(strstr(e.what, "yyy...\""));
	assert_true(strlen(e.what) < 130);
	arena_free(arena);
}

static void test_lists_are_read_in_three_ways(void **state)
{
	(void)state;
	static const char *const texts[] = { "1,2,4", "[1, 2, 4]", " [ 1,2 ,4 ] ", "[1,2,4]" };
	static const char *const items[] = { "a,b", "", " c" };
	struct cbtm_error e = { 0 };
	struct options o = { 0 };
	arena = arena_new(&e);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		assert_int_equal(parse("top_k", texts[i], &o, &e), 0);
		assert_true(o.top_k.n == 3 && o.top_k.v[0] == 1 && o.top_k.v[1] == 2 && o.top_k.v[2] == 4);
	}
	assert_int_equal(parse("top_k", "[]", &o, &e), 0);
	assert_int_equal(o.top_k.n, 0);
	assert_int_equal(param_parse_list(param_find(options_table, "names"), items, 3, &o, arena,
	                                  CBTM_ERR_CONFIG, "w", &e),
	                 0);
	assert_int_equal(o.names.n, 3);
	for (int i = 0; i < 3; i++)
		assert_string_equal(o.names.v[i], items[i]);
	assert_int_equal(parse("names", "\"a,b\", \"\", \"\\\"q\\\\\" , plain word", &o, &e), 0);
	assert_int_equal(o.names.n, 4);
	assert_string_equal(o.names.v[0], "a,b");
	assert_string_equal(o.names.v[2], "\"q\\");
	assert_string_equal(o.names.v[3], "plain word");
	assert_int_equal(param_parse_list(param_find(options_table, "dims"), items, 3, &o, arena,
	                                  CBTM_ERR_CONFIG, "w", &e),
	                 CBTM_ERR_CONFIG);
	arena_free(arena);
}

static void test_the_nearest_name_is_found(void **state)
{
	(void)state;
	char option[32];
	assert_string_equal(param_nearest(options_table, "dim")->name, "dims");
	assert_string_equal(param_nearest(options_table, "seed-token")->name, "seed.tokens");
	assert_string_equal(param_nearest(options_table, "tokens")->name, "tokens");
	assert_string_equal(param_nearest(options_table, "ratio")->name, "budget.ratio");
	assert_null(param_nearest(options_table, "quantisation"));
	assert_null(param_nearest(NULL, "x"));
	assert_null(param_find(options_table, "dim"));
	param_option_name(param_find(options_table, "seed.tokens"), option, sizeof option);
	assert_string_equal(option, "seed-tokens");
	param_option_name(param_find(options_table, "top_k"), option, 4);
	assert_string_equal(option, "top");
}

/* Random texts into every row: refused with an error, or a value that prints and reads back. */
static void test_no_text_breaks_the_parser(void **state)
{
	(void)state;
	static const char letters[] = "0123456789.-,,[]\"\\ eKMtrufalspicdn\xC3\xA9";
	struct random_key k = random_key(17, RANDOM_TEST);
	struct cbtm_error e = { 0 };
	size_t rows = 0, taken = 0;
	while (options_table[rows].name)
		rows++;
	for (uint64_t round = 0; round < 60000; round++) {
		const struct cbtm_param *p = &options_table[round % rows];
		struct options o, again;
		struct buffer once = { 0 }, twice = { 0 };
		size_t n = random_below(k, round, 0, 12);
		char *text = malloc(n + 1);
		arena = arena_new(&e);
		for (uint32_t i = 0; i < n; i++)
			text[i] = letters[random_below(k, round, i + 1, sizeof letters - 1)];
		text[n] = 0;
		if (parse(p->name, text, &o, &e) == 0) {
			taken++;
			assert_int_equal(param_print(p, &o, &once, &e), 0);
			assert_int_equal(parse(p->name, once.data ? once.data : "", &again, &e), 0);
			assert_int_equal(param_print(p, &again, &twice, &e), 0);
			assert_int_equal(once.n, twice.n);
			assert_true(once.n == 0 || memcmp(once.data, twice.data, once.n) == 0);
		} else {
			assert_int_equal(e.name, CBTM_ERR_CONFIG);
		}
		free(text);
		arena_free(arena);
		buffer_free(&once), buffer_free(&twice);
	}
	assert_true(taken > 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_fill_every_row),
		cmocka_unit_test(test_a_default_that_does_not_parse_is_our_bug),
		cmocka_unit_test(test_a_wrong_value_names_place_value_and_what_is_allowed),
		cmocka_unit_test(test_a_long_wrong_value_is_cut),
		cmocka_unit_test(test_lists_are_read_in_three_ways),
		cmocka_unit_test(test_the_nearest_name_is_found),
		cmocka_unit_test(test_no_text_breaks_the_parser),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
