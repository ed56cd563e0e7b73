/* SPDX-License-Identifier: MIT */
#include "text/bpe_spelt.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct json_parser *parser;

static int read(struct spelt *v, const char *text, struct cbtm_error *e)
{
	struct json root;
	*v = (struct spelt){ 0 };
	*e = (struct cbtm_error){ 0 };
	assert_int_equal(json_parse(parser, text, strlen(text), "here", &root, e), 0);
	return spelt_vocabulary(v, root, "here", e);
}

static void test_names_are_found_and_holes_have_none(void **state)
{
	(void)state;
	struct cbtm_error e;
	struct spelt v;
	assert_int_equal(read(&v, "{\"a\":0,\"b\":5,\"ab\":2}", &e), 0);
	assert_int_equal(v.size, 6);
	assert_int_equal(v.tokens, 3);
	assert_int_equal(spelt_find(&v, "b", 1), 5);
	assert_int_equal(spelt_find(&v, "c", 1), BPE_NONE);
	assert_int_equal(spelt_find(&v, "", 0), BPE_NONE);
	assert_null(v.name[1].bytes);
	assert_int_equal(spelt_merge_line(&v, "a b", 3, "there:7", &e), 0);
	assert_true(v.piece[2]);
	assert_int_equal(v.merge[0][1], 5);
	assert_int_equal(spelt_merge_line(&v, "b a", 3, "there:7", &e), CBTM_ERR_BAD_DATA);
	assert_string_equal(e.where, "there:7");
	assert_int_equal(v.merges, 1);
	spelt_free(&v);
}

/* What memory a file takes is bounded by its size, whatever ids it has. */
static void test_ids_are_bounded_by_the_number_of_names(void **state)
{
	(void)state;
	struct cbtm_error e;
	struct spelt v;
	assert_int_equal(read(&v, "{\"a\":1001}", &e), 0);
	spelt_free(&v);
	assert_int_equal(read(&v, "{\"a\":1002}", &e), CBTM_ERR_BAD_DATA);
	assert_null(v.name);
	spelt_free(&v);
	assert_int_equal(read(&v, "{\"a\":18446744073709551615}", &e), CBTM_ERR_BAD_DATA);
	spelt_free(&v);
}

static void test_bytes_without_a_name_are_missed(void **state)
{
	(void)state;
	static const struct bpe_choice choice = { .eod = "", .bos = "" };
	struct cbtm_error e;
	struct bpe *b;
	struct spelt v;
	assert_int_equal(read(&v, "{\"a\":0,\"<|endoftext|>\":1}", &e), 0);
	assert_int_equal(spelt_make(&v, &choice, "here", &b, &e), CBTM_ERR_BAD_DATA);
	assert_null(b);
	assert_non_null(strstr(e.what, "the byte 0x00"));
	spelt_free(&v);
}

static int begin(void **state)
{
	struct cbtm_error e = { 0 };
	(void)state;
	parser = json_parser_new(&e);
	return parser ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	json_parser_free(parser);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_found_and_holes_have_none),
		cmocka_unit_test(test_ids_are_bounded_by_the_number_of_names),
		cmocka_unit_test(test_bytes_without_a_name_are_missed),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
