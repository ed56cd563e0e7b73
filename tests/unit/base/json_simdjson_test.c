/* SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "base/random.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct json parse(struct json_parser *p, const char *text)
{
	struct cbtm_error e = { 0 };
	struct json root;
	if (json_parse(p, text, strlen(text), "test", &root, &e))
		fail_msg("%s: %s", text, e.what);
	return root;
}

static void test_types_and_getters_fit_together(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct json_parser *p = json_parser_new(&e);
	struct json root = parse(p, "[null,true,-3,18446744073709551615,2.5,\"a\\u0000b\",[],{}]"), v;
	static const enum json_type types[] = { JSON_NULL,   JSON_BOOL,   JSON_INT,   JSON_UINT,
		                                    JSON_DOUBLE, JSON_STRING, JSON_ARRAY, JSON_OBJECT };
	size_t cursor = 0, n = 0, i = 0;
	const char *s = NULL;
	while (json_next(root, &cursor, NULL, NULL, &v)) {
		uint64_t u = 7;
		int64_t k = 7;
		double d = 7;
		bool b = false;
		assert_int_equal(json_type(v), types[i]);
		assert_int_equal(json_bool(v, &b), i == 1);
		assert_int_equal(json_i64(v, &k), i == 2);
		assert_int_equal(json_u64(v, &u), i == 3);
		assert_int_equal(json_f64(v, &d), i >= 2 && i <= 4);
		assert_int_equal(json_string(v, &s, &n), i == 5);
		assert_true(b == (i == 1) && k == (i == 2 ? -3 : 7) && u == (i == 3 ? UINT64_MAX : 7));
		assert_true(d == (i == 2 ? -3 : i == 3 ? 0x1p64 : i == 4 ? 2.5 : 7));
		i++;
	}
	assert_int_equal(i, 8);
	assert_int_equal(n, 3);
	assert_memory_equal(s, "a\0b", 3);
	assert_false(json_next(root, &cursor, NULL, NULL, &v));
	json_parser_free(p);
	json_parser_free(NULL);
}

static void test_integers_are_signed_up_to_their_range(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct json_parser *p = json_parser_new(&e);
	uint64_t u;
	int64_t i;
	struct json v = parse(p, "9223372036854775807");
	assert_int_equal(json_type(v), JSON_INT);
	assert_true(json_u64(v, &u) && u == INT64_MAX && json_i64(v, &i) && i == INT64_MAX);
	v = parse(p, "9223372036854775808");
	assert_int_equal(json_type(v), JSON_UINT);
	assert_false(json_i64(v, &i));
	json_parser_free(p);
}

static void test_integers_without_64_bits_are_numbers_too(void **state)
{
	(void)state;
	static const char text[] = "[1000000000000000019884624838656,-9223372036854775809,"
							   "18446744073709551615,-9223372036854775808,"
							   "0.10000000000000000000000000001,1e-2,2.5E+1,"
							   "\"99999999999999999999999 \\\" 99999999999999999999999\"]";
	static const double doubles[] = { 1000000000000000019884624838656.0,
		                              -9223372036854775809.0,
		                              18446744073709551615.0,
		                              -9223372036854775808.0,
		                              0.1,
		                              0.01,
		                              25 };
	struct cbtm_error e = { 0 };
	struct json_parser *p = json_parser_new(&e);
	struct json root, v;
	size_t cursor = 0, n;
	uint64_t u;
	int64_t i;
	const char *s;
	assert_int_equal(json_parse(p, text, sizeof text - 1, "here", &root, &e), 0);
	for (size_t k = 0; k < sizeof doubles / sizeof *doubles; k++) {
		double x;
		assert_true(json_next(root, &cursor, NULL, NULL, &v) && json_f64(v, &x));
		assert_true(fabs(x - doubles[k]) <= fabs(doubles[k]) * 1e-15);
		assert_true(k != 2 || (json_u64(v, &u) && u == UINT64_MAX));
		assert_true(k != 3 || (json_i64(v, &i) && i == INT64_MIN));
	}
	assert_true(json_next(root, &cursor, NULL, NULL, &v) && json_string(v, &s, &n));
	assert_string_equal(s, "99999999999999999999999 \" 99999999999999999999999");
	json_parser_free(p);
}

static void test_numbers_of_any_size_are_spelt_as_they_came(void **state)
{
	(void)state;
	static const char text[] =
		"{\"a \\\" "
		"1e999\":[1e999,-1E+400,123456789012345678901234567890,{\"n\":-9223372036854775809,"
		"\"s\":\"1e999\"},18446744073709551615,0.1,1],\"z\":10000000000000000000000e-1,\"y\":"
		"1e308}";
	static const char printed[] =
		"{\"a \\\" "
		"1e999\":[1e999,-1E+400,123456789012345678901234567890,{\"n\":-9223372036854775809,"
		"\"s\":\"1e999\"},18446744073709551615,0.1,1],\"z\":1e+21,\"y\":1e+308}";
	struct cbtm_error e = { 0 };
	struct json_parser *p = json_parser_new(&e);
	struct json root = parse(p, text), list, v;
	struct buffer b = { 0 };
	size_t cursor = 0, n;
	const char *s;
	double x;
	uint64_t u;
	assert_int_equal(json_print(root, &b, &e), 0);
	buffer_add(&b, "", 1, &e);
	assert_string_equal(b.data, printed);
	assert_true(json_member(root, "a \" 1e999", &list));
	assert_true(json_next(list, &cursor, NULL, NULL, &v) && json_type(v) == JSON_DOUBLE);
	assert_true(json_spelling(v, &s, &n) && n == 5 && !memcmp(s, "1e999", 5));
	assert_false(json_f64(v, &x) || json_u64(v, &u) || json_string(v, &s, &n));
	assert_true(json_at(root, "z", &v) && !json_spelling(v, &s, &n) && json_f64(v, &x));
	buffer_free(&b);
	json_parser_free(p);
}

static void test_a_number_of_any_size_must_be_one_and_stand_where_one_may(void **state)
{
	(void)state;
	static const char *const texts[] = { "{1e999:1}", "{123456789012345678901234567890 : 1}",
		                                 "[1e999a]",  "[01e999]",
		                                 "[1e999.]",  "[1.e999]",
		                                 "[+1e999]",  "[--1e999]",
		                                 "[1e999 1]", "[\"a\"1e999]",
		                                 "[1e999",    "{\"a\":1e999,}",
		                                 "[.1e999]",  "[1e999,01]",
		                                 "1e999 \"" };
	struct cbtm_error e = { 0 };
	struct json_parser *p = json_parser_new(&e);
	struct json root;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		e = (struct cbtm_error){ 0 };
		assert_int_equal(json_parse(p, texts[i], strlen(texts[i]), "here", &root, &e),
		                 CBTM_ERR_BAD_JSON);
	}
	json_parser_free(p);
}

static void test_members_are_found_by_name_the_last_of_equals(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct json_parser *p = json_parser_new(&e);
	struct json
		root = parse(
			p, "{\"a\":{\"x\":[1,{\"b\":9}]},\"b\":1,\"bb\":3,\"b\":2,\"\":4,\"n\\u0061me\":5}"),
		v;
	int64_t i;
	assert_true(json_member(root, "b", &v) && json_i64(v, &i) && i == 2);
	assert_true(json_member(root, "", &v) && json_i64(v, &i) && i == 4);
	assert_true(json_member(root, "name", &v) && json_i64(v, &i) && i == 5);
	assert_false(json_member(root, "x", &v));
	assert_false(json_member(v, "x", &v)); /* a number has no members */
	assert_int_equal(json_count(root), 6);
	assert_int_equal(json_count(v), 0);
	json_parser_free(p);
}

static void test_a_path_leads_through_members_and_whole_names_go_first(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct json_parser *p = json_parser_new(&e);
	struct json root = parse(
					p, "{\"a\":{\"b\":{\"c\":1},\"b.c\":2,\"d\":{\"e\":3}},\"a.d.e\":4,\"f\":5}"),
				v;
	int64_t i;
	assert_true(json_at(root, "f", &v) && json_i64(v, &i) && i == 5);
	assert_true(json_at(root, "a.b.c", &v) && json_i64(v, &i) && i == 2);
	assert_true(json_at(root, "a.d.e", &v) && json_i64(v, &i) && i == 4);
	assert_false(json_at(root, "a.c", &v));
	assert_false(json_at(root, "f.a", &v)); /* a number has no members */
	json_parser_free(p);
}

static void test_a_walk_gives_keys_and_values_in_order(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct json_parser *p = json_parser_new(&e);
	struct buffer text = { 0 };
	enum { N = 50000 };
	json_put_open(&text, '{', &e);
	for (uint64_t i = 0; i < N; i++) {
		buffer_printf(&text, &e, "%s\"token %d\":[%d]", i ? "," : "", (int)i, (int)i);
	}
	json_put_close(&text, '}', &e);
	struct json root = parse(p, text.data), v, number;
	size_t cursor = 0, n, inner;
	const char *key;
	int64_t i = 0, got;
	while (json_next(root, &cursor, &key, &n, &v)) {
		assert_int_equal(atoi(key + 6), i);
		inner = 0;
		assert_true(json_next(v, &inner, NULL, NULL, &number) && json_i64(number, &got));
		assert_true(got == i);
		assert_false(json_next(v, &inner, NULL, NULL, &number));
		i++;
	}
	assert_int_equal(i, N);
	assert_int_equal(json_count(root), N);
	buffer_free(&text);
	json_parser_free(p);
}

static void test_what_is_not_json_is_refused_by_name(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum cbtm_error_name name;
	} rows[] = {
		{ "", CBTM_ERR_BAD_JSON },
		{ "  ", CBTM_ERR_BAD_JSON },
		{ "{", CBTM_ERR_BAD_JSON },
		{ "{\"a\":}", CBTM_ERR_BAD_JSON },
		{ "{} {}", CBTM_ERR_BAD_JSON },
		{ "[1,]", CBTM_ERR_BAD_JSON },
		{ "\"abc", CBTM_ERR_BAD_JSON },
		{ "'a'", CBTM_ERR_BAD_JSON },
		{ "nul", CBTM_ERR_BAD_JSON },
		{ "01", CBTM_ERR_BAD_JSON },
		{ "NaN", CBTM_ERR_BAD_JSON },
		{ "\"\xFF\"", CBTM_ERR_BAD_UTF8 },
		{ "\"\xED\xA0\x80\"", CBTM_ERR_BAD_UTF8 },
		{ "\"\\ud800\"", CBTM_ERR_BAD_JSON },
		{ "\"a\nb\"", CBTM_ERR_BAD_JSON },
	};
	struct cbtm_error e = { 0 };
	struct json_parser *p = json_parser_new(&e);
	struct json root;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		e.name = CBTM_OK;
		int r = json_parse(p, rows[i].text, strlen(rows[i].text), "a.jsonl:7", &root, &e);
		if (r != (int)rows[i].name)
			fail_msg("%s gave %d %s", rows[i].text, r, e.what);
		assert_string_equal(e.where, "a.jsonl:7");
	}
	parse(p, "{}"); /* and the parser goes on working */
	json_parser_free(p);
}

static void test_nesting_stops_at_64(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct json_parser *p = json_parser_new(&e);
	struct json root;
	char *text = malloc(200000);
	memset(text, '[', 64);
	memset(text + 64, ']', 64);
	assert_int_equal(json_parse(p, text, 128, "t", &root, &e), 0);
	memset(text, '[', 65);
	memset(text + 65, ']', 65);
	assert_int_equal(json_parse(p, text, 130, "t", &root, &e), CBTM_ERR_BAD_JSON);
	assert_non_null(strstr(e.what, "nested more than 64 deep"));
	memset(text, '[', 100000);
	e.name = CBTM_OK;
	assert_int_equal(json_parse(p, text, 100000, "t", &root, &e), CBTM_ERR_BAD_JSON);
	memset(text, '[', 65); /* the limit does not grow with the memory */
	memset(text + 65, ']', 65);
	assert_int_equal(json_parse(p, text, 130, "t", &root, &e), CBTM_ERR_BAD_JSON);
	free(text);
	json_parser_free(p);
}

/* Random bytes of JSON's letters in memory of their exact size: refused, or printed and read back
 * to the same text. */
static void test_no_text_breaks_the_parser(void **state)
{
	(void)state;
	static const char *const pieces[] = {
		"{", "}",  "[",       "]",        ",",    ":",     "\"",       "\\",
		"a", "0",  "-1",      "1.5e3",    "true", "null",  "\"k\":",   "[1,2]",
		" ", "\n", "\\u00e9", "\xC3\xA9", "\xFF", "\"x\"", "{\"a\":1}"
	};
	struct random_key k = random_key(13, RANDOM_TEST);
	struct cbtm_error e = { 0 };
	struct json_parser *p = json_parser_new(&e);
	unsigned taken = 0;
	for (uint64_t round = 0; round < 100000; round++) {
		struct buffer b = { 0 }, once = { 0 }, twice = { 0 };
		struct json root;
		size_t n = random_below(k, round, 0, round % 2 ? 6 : 30);
		buffer_reserve(&b, 1, &e);
		for (uint32_t i = 0; i < n; i++)
			buffer_text(&b, pieces[random_below(k, round, i + 1, sizeof pieces / sizeof *pieces)],
			            &e);
		char *exact = malloc(b.n ? b.n : 1);
		memcpy(exact, b.data, b.n);
		e.name = CBTM_OK;
		if (json_parse(p, exact, b.n, "t", &root, &e) == 0) {
			taken++;
			assert_int_equal(json_print(root, &once, &e), 0);
			assert_int_equal(json_parse(p, once.data, once.n, "t", &root, &e), 0);
			assert_int_equal(json_print(root, &twice, &e), 0);
			assert_string_equal(once.data, twice.data);
		} else {
			assert_int_not_equal(e.name, CBTM_OK);
		}
		free(exact);
		buffer_free(&b), buffer_free(&once), buffer_free(&twice);
	}
	assert_true(taken > 1000);
	json_parser_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types_and_getters_fit_together),
		cmocka_unit_test(test_integers_without_64_bits_are_numbers_too),
		cmocka_unit_test(test_numbers_of_any_size_are_spelt_as_they_came),
		cmocka_unit_test(test_a_number_of_any_size_must_be_one_and_stand_where_one_may),
		cmocka_unit_test(test_integers_are_signed_up_to_their_range),
		cmocka_unit_test(test_members_are_found_by_name_the_last_of_equals),
		cmocka_unit_test(test_a_path_leads_through_members_and_whole_names_go_first),
		cmocka_unit_test(test_a_walk_gives_keys_and_values_in_order),
		cmocka_unit_test(test_what_is_not_json_is_refused_by_name),
		cmocka_unit_test(test_nesting_stops_at_64),
		cmocka_unit_test(test_no_text_breaks_the_parser),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
