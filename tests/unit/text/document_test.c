/* SPDX-License-Identifier: MIT */
#include "base/digest.h"
#include "store/split.h"
#include "text/document.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct document_rules plain = { .format = DOCUMENT_JSONL,
	                                         .text = "text",
	                                         .id = "id",
	                                         .meta = "meta",
	                                         .split_field = "",
	                                         .valid = 0.1,
	                                         .test = 0.2,
	                                         .seed = 0.75,
	                                         .split_seed = 1 };

static int read_line(const struct document_rules *rules, const char *line, struct document *d,
                     struct cbtm_error *e)
{
	struct document_parser *p = document_parser_new(e);
	int status = document_read(p, rules, line, strlen(line), "f:7", d, e);
	document_parser_free(p);
	return status;
}

/* Reads a good line and compares; NULL: not compared. */
static void good(const struct document_rules *rules, const char *line, const char *text,
                 const char *id, const char *meta, uint64_t repaired)
{
	struct cbtm_error e = { 0 };
	struct document d = { 0 };
	assert_int_equal(read_line(rules, line, &d, &e), 0);
	assert_int_equal(d.text.n, strlen(text));
	assert_memory_equal(d.text.data ? d.text.data : "", text, d.text.n);
	if (id)
		assert_string_equal(d.id.data, id);
	if (meta)
		assert_string_equal(d.meta.data, meta);
	assert_int_equal(d.repaired, repaired);
	assert_int_equal(d.key, digest_bytes(d.id.data ? d.id.data : "", d.id.n).high);
	document_free(&d);
}

static void bad(const struct document_rules *rules, const char *line, enum cbtm_error_name name,
                const char *what)
{
	struct cbtm_error e = { 0 };
	struct document d = { 0 };
	assert_int_equal(read_line(rules, line, &d, &e), name);
	assert_string_equal(e.where, "f:7");
	assert_non_null(strstr(e.what, what));
	document_free(&d);
}

static void test_fields_are_read(void **state)
{
	(void)state;
	char hex[DIGEST_HEX];
	digest_hex(digest_bytes("hello", 5), hex);
	good(&plain, "{\"id\": \"x/1\", \"text\": \"a\\nb\\u00e9\", \"meta\": {\"d\": [1, 2]}}",
	     "a\nb\u00e9", "x/1", "{\"d\":[1,2]}", 0);
	good(&plain, "{\"text\": \"t\", \"id\": 18446744073709551615}", "t", "18446744073709551615",
	     "{}", 0);
	good(&plain, "{\"text\": \"t\", \"id\": -5, \"meta\": \"web\"}", "t", "-5",
	     "{\"meta\":\"web\"}", 0);
	good(&plain, "{\"text\": \"hello\"}", "hello", hex, "{}", 0);
	good(&plain, "{\"text\": \"hello\", \"id\": null, \"meta\": null}", "hello", hex, "{}", 0);
	good(&plain, "{\"text\": \"\"}", "", NULL, "{}", 0);
}

static void test_paths_have_dots(void **state)
{
	(void)state;
	struct document_rules rules = plain;
	rules.text = "data.body.text";
	rules.id = "a.b";
	rules.meta = "";
	good(&rules, "{\"data\": {\"body\": {\"text\": \"t\"}}, \"a.b\": \"whole\", \"a\": {\"b\": 1}}",
	     "t", "whole", "{}", 0);
	bad(&rules, "{\"data\": {\"body\": 1}}", CBTM_ERR_BAD_DATA, "data.body.text");
}

static void test_metadata_may_come_from_several_fields(void **state)
{
	(void)state;
	struct document_rules rules = plain;
	rules.meta = "source.name,url,missing,tags,empty";
	good(&rules,
	     "{\"text\": \"t\", \"url\": \"u\", \"tags\": [1, {\"a\": 2}], \"source\": {\"name\": "
	     "\"web\"}, "
	     "\"empty\": null, \"other\": 1}",
	     "t", NULL, "{\"name\":\"web\",\"url\":\"u\",\"tags\":[1,{\"a\":2}]}", 0);
	good(&rules, "{\"text\": \"t\"}", "t", NULL, "{}", 0);
	assert_true(document_meta_is_clear(""));
	assert_true(document_meta_is_clear("meta"));
	assert_true(document_meta_is_clear("a.b,c,d.e"));
	assert_false(document_meta_is_clear("a.b,c.b"));
	assert_false(document_meta_is_clear("a,,b"));
	assert_false(document_meta_is_clear("a,b."));
}

/* Cut off in the middle of a long line, so that what lies behind it is not what simdjson expects. */
static void test_padding_changes_nothing(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct document_parser *p = document_parser_new(&e);
	struct document d = { 0 };
	char text[256] = "{\"text\": \"a\\nb\"}\n{\"text\": \"next\", \"x\": [1, 2]}";
	document_parser_padded(p);
	assert_int_equal(document_read(p, &plain, text, 16, NULL, &d, &e), 0);
	assert_string_equal(d.text.data, "a\nb");
	assert_int_equal(document_read(p, &plain, text, 15, NULL, &d, &e), CBTM_ERR_BAD_JSON);
	e = (struct cbtm_error){ 0 };
	memcpy(text + 10, "\xff\xfe", 2);
	assert_int_equal(document_read(p, &plain, text, 16, NULL, &d, &e), 0);
	assert_int_equal(d.repaired, 2);
	document_free(&d);
	document_parser_free(p);
}

static void test_bad_lines_say_what_is_wrong(void **state)
{
	(void)state;
	bad(&plain, "{\"text\": \"t\"", CBTM_ERR_BAD_JSON, "");
	bad(&plain, "[1]", CBTM_ERR_BAD_JSON, "not a JSON object");
	bad(&plain, "{\"id\": 1}", CBTM_ERR_BAD_DATA, "no field \"text\"");
	bad(&plain, "{\"text\": 1}", CBTM_ERR_BAD_DATA, "not a string");
	bad(&plain, "{\"text\": null}", CBTM_ERR_BAD_DATA, "not a string");
	bad(&plain, "{\"text\": \"t\", \"id\": 1.5}", CBTM_ERR_BAD_DATA, "neither a string nor");
	bad(&plain, "{\"text\": \"t\", \"id\": [1]}", CBTM_ERR_BAD_DATA, "neither a string nor");
}

static void test_what_is_not_unicode_becomes_the_replacement_character(void **state)
{
	(void)state;
	good(&plain,
	     "{\"text\": \"a\xff"
	     "b\xe2\x82\"}",
	     "a\ufffdb\ufffd", NULL, NULL, 2);
	good(&plain, "{\"text\": \"\\ud800x\"}", "\ufffdx", NULL, NULL, 1);
	good(&plain, "{\"text\": \"\\udc00\\ud83d\\ude42\\uD83D\"}", "\ufffd\U0001f642\ufffd", NULL,
	     NULL, 2);
	good(&plain, "{\"text\": \"\\\\ud800\"}", "\\ud800", NULL, NULL, 0);
	good(&plain, "{\"text\": \"\\ud800\\ud83d\\ude42\"}", "\ufffd\U0001f642", NULL, NULL, 1);
	good(&plain, "{\"text\": \"\\ud800\\\\ude42\"}", "\ufffd\\ude42", NULL, NULL, 1);
}

static void test_lone_surrogates_are_found_in_every_place(void **state)
{
	(void)state;
	const char *const escapes[] = { "\\ud800", "\\uDBFF", "\\udc00", "\\uDfff" };
	for (size_t at = 0; at < 200; at++)
		for (size_t behind = 0; behind < 70; behind += 23) {
			char line[400], text[400], spaces[201] = { 0 }, end[71] = { 0 };
			memset(spaces, ' ', at);
			memset(end, 'x', behind);
			snprintf(line, sizeof line, "{\"text\":\"%s%s%s\"}", spaces, escapes[at % 4], end);
			snprintf(text, sizeof text, "%s\ufffd%s", spaces, end);
			good(&plain, line, text, NULL, NULL, 1);
			/* Pairs, and what only looks like one. */
			snprintf(line, sizeof line, "{\"text\":\"%s\\uD83D\\ude42%s\"}", spaces, end);
			snprintf(text, sizeof text, "%s\U0001f642%s", spaces, end);
			good(&plain, line, text, NULL, NULL, 0);
			snprintf(line, sizeof line, "{\"text\":\"%s\\\\ud800%s\"}", spaces, end);
			snprintf(text, sizeof text, "%s\\ud800%s", spaces, end);
			good(&plain, line, text, NULL, NULL, 0);
		}
}

static void test_other_formats_take_the_line_as_it_is(void **state)
{
	(void)state;
	struct document_rules rules = plain;
	rules.format = DOCUMENT_LINES;
	good(&rules, "{\"text\": \\ud800\r", "{\"text\": \\ud800", NULL, "{}", 0);
	rules.format = DOCUMENT_TEXT;
	good(&rules, "two\nlines\xff\r", "two\nlines\ufffd\r", NULL, "{}", 1);
}

static void test_the_split_field_decides_and_train_is_divided_by_the_key(void **state)
{
	(void)state;
	struct document_rules rules = plain;
	struct cbtm_error e = { 0 };
	struct document d = { 0 };
	rules.split_field = "meta.split";
	read_line(&rules, "{\"text\": \"t\", \"meta\": {\"split\": \"validation\"}}", &d, &e);
	assert_int_equal(d.split, SPLIT_VALID);
	read_line(&rules, "{\"text\": \"t\", \"meta\": {\"split\": \"test\"}}", &d, &e);
	assert_int_equal(d.split, SPLIT_TEST);
	rules.seed = 1;
	read_line(&rules, "{\"text\": \"t\", \"meta\": {\"split\": \"train\"}}", &d, &e);
	assert_int_equal(d.split, SPLIT_SEED);
	rules.seed = 0;
	read_line(&rules, "{\"text\": \"t\", \"meta\": {\"split\": \"train\"}}", &d, &e);
	assert_int_equal(d.split, SPLIT_BRANCH);
	assert_int_equal(e.name, 0);
	document_free(&d);
	bad(&rules, "{\"text\": \"t\", \"meta\": {\"split\": \"dev\"}}", CBTM_ERR_BAD_DATA, "\"dev\"");
	bad(&rules, "{\"text\": \"t\"}", CBTM_ERR_BAD_DATA, "meta.split");
}

static void test_shares_are_kept(void **state)
{
	(void)state;
	unsigned count[SPLIT_COUNT] = { 0 };
	for (uint64_t i = 0; i < 100000; i++)
		count[document_split(&plain, digest_bytes(&i, sizeof i).high)]++;
	assert_in_range(count[SPLIT_TEST], 19500, 20500);
	assert_in_range(count[SPLIT_VALID], 9600, 10400);
	assert_in_range(count[SPLIT_SEED], 51900, 53100);
	assert_in_range(count[SPLIT_BRANCH], 17000, 18000);
}

static void test_blank_lines(void **state)
{
	(void)state;
	assert_true(document_blank("", 0));
	assert_true(document_blank(" \t\r", 3));
	assert_false(document_blank(" x ", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_are_read),
		cmocka_unit_test(test_paths_have_dots),
		cmocka_unit_test(test_metadata_may_come_from_several_fields),
		cmocka_unit_test(test_padding_changes_nothing),
		cmocka_unit_test(test_bad_lines_say_what_is_wrong),
		cmocka_unit_test(test_what_is_not_unicode_becomes_the_replacement_character),
		cmocka_unit_test(test_lone_surrogates_are_found_in_every_place),
		cmocka_unit_test(test_other_formats_take_the_line_as_it_is),
		cmocka_unit_test(test_the_split_field_decides_and_train_is_divided_by_the_key),
		cmocka_unit_test(test_shares_are_kept),
		cmocka_unit_test(test_blank_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
