/* SPDX-License-Identifier: MIT */
#include "base/json.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_commas_stand_where_they_must(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	json_put_open(&b, '{', &e);
	json_put_key(&b, "a", &e), json_put_open(&b, '[', &e);
	json_put_u64(&b, UINT64_MAX, &e), json_put_i64(&b, INT64_MIN, &e);
	json_put_open(&b, '{', &e), json_put_close(&b, '}', &e);
	json_put_open(&b, '[', &e), json_put_close(&b, ']', &e);
	json_put_string(&b, "x{", 2, &e), json_put_string(&b, "", 0, &e);
	json_put_close(&b, ']', &e);
	json_put_key(&b, "b:", &e), json_put_bool(&b, true, &e);
	json_put_key(&b, "c", &e), json_put_null(&b, &e);
	json_put_key(&b, "d", &e), json_put_f64(&b, 0.1, &e);
	json_put_key(&b, "e", &e), json_put_f64(&b, NAN, &e);
	json_put_close(&b, '}', &e);
	buffer_text(&b, "\n", &e);
	json_put_open(&b, '[', &e);
	assert_string_equal(b.data,
	                    "{\"a\":[18446744073709551615,-9223372036854775808,{},[],\"x{\",\"\"],"
	                    "\"b:\":true,\"c\":null,\"d\":0.1,\"e\":null}\n[");
	buffer_free(&b);
}

static void test_strings_are_escaped(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	json_put_string(&b, "\"\\/\b\f\n\r\t\v\0\x1F\x7F\xC3\xA9", 14, &e);
	assert_string_equal(b.data, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u000b\\u0000\\u001f\x7F\xC3\xA9\"");
	buffer_free(&b);
}

/* As bytes.decode(errors="replace") of Python 3.11 does. */
static void test_bytes_that_are_no_utf8_are_replaced(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "a\xFFz", "a?z" },
		{ "\xC3", "?" },
		{ "\xC3(", "?(" },
		{ "\xE2\x82", "?" },
		{ "\xE2\x82z", "?z" },
		{ "\xED\xA0\x80", "???" },
		{ "\xC0\xAF", "??" },
		{ "\xF0\x9F\x98", "?" },
		{ "\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80" },
		{ "\xF4\x90\x80\x80", "????" },
		{ "\xF0\x80\x80\x80", "????" },
		{ "\xE0\x80\x80", "???" },
		{ "\x80\x80", "??" },
		{ "\xEF\xBF\xBF", "\xEF\xBF\xBF" },
		{ "\xF0\x9F\xC3\xA9", "?\xC3\xA9" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct cbtm_error e = { 0 };
		struct buffer got = { 0 }, want = { 0 };
		json_put_string(&got, rows[i][0], strlen(rows[i][0]), &e);
		buffer_text(&want, "\"", &e);
		for (const char *c = rows[i][1]; *c; c++)
			*c == '?' ? buffer_text(&want, "\xEF\xBF\xBD", &e) : buffer_add(&want, c, 1, &e);
		buffer_text(&want, "\"", &e);
		assert_string_equal(got.data, want.data);
		buffer_free(&got), buffer_free(&want);
	}
}

static void test_what_is_printed_reads_back(void **state)
{
	(void)state;
	const char *text = "{\"a\":[1,-2,0.30000000000000004,-0.0,true,null,{\"b\":{},\"c\":[[]]}],"
					   "\"\\u0001\":\"\xF0\x9F\x98\x80\\\"\",\"n\":18446744073709551615}";
	struct cbtm_error e = { 0 };
	struct json_parser *p = json_parser_new(&e);
	struct json root;
	struct buffer b = { 0 };
	assert_int_equal(json_parse(p, text, strlen(text), "t", &root, &e), 0);
	assert_int_equal(json_print(root, &b, &e), 0);
	assert_string_equal(b.data, text);
	buffer_free(&b);
	json_parser_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commas_stand_where_they_must),
		cmocka_unit_test(test_strings_are_escaped),
		cmocka_unit_test(test_bytes_that_are_no_utf8_are_replaced),
		cmocka_unit_test(test_what_is_printed_reads_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
