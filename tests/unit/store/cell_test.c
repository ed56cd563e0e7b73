/* SPDX-License-Identifier: MIT */
#include "store/cell.h"
#include "store/column.h"
#include "store/sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct json_parser *parser;

static int parse(enum store_type type, enum store_shape shape, uint64_t width, const char *text,
                 struct buffer *out)
{
	struct cbtm_error e = { 0 };
	struct json v;
	uint64_t n;
	sample_ok(json_parse(parser, text, strlen(text), "cell", &v, &e), &e);
	return cell_parse(type, shape, width, v, out, &n, &e);
}

/* The bits print as this text, and the text reads as these bits. */
static void both_ways(enum store_type type, uint64_t bits, const char *text)
{
	struct cbtm_error e = { 0 };
	struct store_column_info c = { .type = type, .shape = STORE_FIXED, .width = 1 };
	struct buffer out = { 0 };
	sample_ok(cell_print(&c, &bits, 1, &out, &e), &e);
	assert_string_equal(out.data, text);
	assert_int_equal(parse(type, STORE_FIXED, 1, text, &out), 0);
	assert_int_equal(out.n, store_type_size(type));
	assert_memory_equal(out.data, &bits, out.n);
	buffer_free(&out);
}

static void test_numbers_lose_no_bit(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	parser = json_parser_new(&e);
	both_ways(STORE_U8, 255, "255");
	both_ways(STORE_U64, UINT64_MAX, "18446744073709551615");
	both_ways(STORE_F32, 0x3dcccccd, "0.1");
	both_ways(STORE_F32, 0x80000000, "-0.0");
	both_ways(STORE_F32, 0x00000001, "1e-45");
	both_ways(STORE_F32, 0x7f800000, "\"inf\"");
	both_ways(STORE_F32, 0x7fc00000, "\"nan\"");
	both_ways(STORE_F32, 0xff800001, "\"nan:ff800001\"");
	both_ways(STORE_F64, 0x3fb999999999999a, "0.1");
	both_ways(STORE_F64, 0xfff0000000000000, "\"-inf\"");
	both_ways(STORE_F64, 0x7ff8000000000001, "\"nan:7ff8000000000001\"");
	both_ways(STORE_BF16, 0x3fc0, "1.5");
	both_ways(STORE_BF16, 0x7f81, "\"nan:7f81\"");
	for (uint64_t bits = 0; bits < 65536; bits++) {
		struct store_column_info c = { .type = STORE_BF16, .shape = STORE_FIXED, .width = 1 };
		struct buffer out = { 0 };
		sample_ok(cell_print(&c, &bits, 1, &out, &e), &e);
		char *text = strdup(out.data);
		assert_int_equal(parse(STORE_BF16, STORE_FIXED, 1, text, &out), 0);
		assert_memory_equal(out.data, &bits, 2);
		free(text);
		buffer_free(&out);
	}
	json_parser_free(parser);
}

static void bytes_both_ways(const char *bytes, size_t n, const char *text)
{
	struct cbtm_error e = { 0 };
	struct store_column_info c = { .type = STORE_U8, .shape = STORE_VARIABLE };
	struct buffer out = { 0 };
	sample_ok(cell_print(&c, bytes, n, &out, &e), &e);
	assert_string_equal(out.data, text);
	assert_int_equal(parse(STORE_U8, STORE_VARIABLE, 0, text, &out), 0);
	assert_int_equal(out.n, n);
	assert_memory_equal(out.data, bytes, n);
	buffer_free(&out);
}

static void test_bytes_are_text_or_base64(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	parser = json_parser_new(&e);
	bytes_both_ways("", 0, "\"\"");
	bytes_both_ways("a\0b", 3, "\"a\\u0000b\"");
	bytes_both_ways("\xF0\x9F\x90\x88", 4, "\"\xF0\x9F\x90\x88\"");
	bytes_both_ways("\xFF", 1, "{\"base64\":\"/w==\"}");
	bytes_both_ways("\xFF\xFE", 2, "{\"base64\":\"//4=\"}");
	bytes_both_ways("\xED\xA0\x80", 3, "{\"base64\":\"7aCA\"}"); /* a lone surrogate */
	bytes_both_ways("\xC0\x80", 2, "{\"base64\":\"wIA=\"}");
	bytes_both_ways("ab\xE2\x82", 4, "{\"base64\":\"YWLigg==\"}");
	json_parser_free(parser);
}

static void test_values_that_do_not_fit_are_refused(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer out = { 0 };
	parser = json_parser_new(&e);
	const struct {
		enum store_type type;
		enum store_shape shape;
		uint64_t width;
		const char *text;
	} bad[] = { { STORE_U8, STORE_FIXED, 1, "256" },
		        { STORE_U8, STORE_FIXED, 1, "-1" },
		        { STORE_U8, STORE_FIXED, 1, "1.5" },
		        { STORE_U8, STORE_FIXED, 1, "\"1\"" },
		        { STORE_U32, STORE_FIXED, 2, "[1]" },
		        { STORE_U32, STORE_FIXED, 2, "[1,2,3]" },
		        { STORE_U32, STORE_FIXED, 2, "1" },
		        { STORE_F32, STORE_FIXED, 1, "1e39" },
		        { STORE_F32, STORE_FIXED, 1, "\"nan:7f800000\"" },
		        { STORE_F32, STORE_FIXED, 1, "\"nan:7fc0\"" },
		        { STORE_U8, STORE_VARIABLE, 0, "[1]" },
		        { STORE_U8, STORE_VARIABLE, 0, "{\"base64\":\"/w\"}" },
		        { STORE_U8, STORE_VARIABLE, 0, "{\"base64\":\"/-==\"}" } };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(parse(bad[i].type, bad[i].shape, bad[i].width, bad[i].text, &out),
		                 CBTM_ERR_BAD_DATA);
	buffer_free(&out);
	json_parser_free(parser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_lose_no_bit),
		cmocka_unit_test(test_bytes_are_text_or_base64),
		cmocka_unit_test(test_values_that_do_not_fit_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
