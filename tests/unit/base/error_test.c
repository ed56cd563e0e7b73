/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_the_first_error_wins(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	assert_int_equal(error_set(&e, CBTM_ERR_BAD_JSON, "a.jsonl:3", "no %s", "brace"),
	                 CBTM_ERR_BAD_JSON);
	assert_int_equal(error_set(&e, CBTM_ERR_IO, "b", "later"), CBTM_ERR_BAD_JSON);
	errno = EIO;
	assert_int_equal(error_errno(&e, CBTM_ERR_IO, "b", "later"), CBTM_ERR_BAD_JSON);
	assert_string_equal(e.where, "a.jsonl:3");
	assert_string_equal(e.what, "no brace");
}

static void test_a_system_error_is_named_by_its_number(void **state)
{
	(void)state;
	static const struct {
		int number;
		enum cbtm_error_name name;
	} rows[] = {
		{ ENOSPC, CBTM_ERR_DISK_FULL },     { EDQUOT, CBTM_ERR_DISK_FULL },
		{ ENOENT, CBTM_ERR_MISSING_INPUT }, { ENOMEM, CBTM_ERR_MEMORY },
		{ EIO, CBTM_ERR_CREATE },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct cbtm_error e = { 0 };
		errno = rows[i].number;
		assert_int_equal(error_errno(&e, CBTM_ERR_CREATE, "f", "cannot open"), rows[i].name);
		assert_int_equal(e.sys_errno, rows[i].number);
		assert_non_null(strstr(e.what, "cannot open: "));
		assert_non_null(strstr(e.what, strerror(rows[i].number)));
	}
}

static void test_a_hint_replaces_the_default(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char text[2048];
	assert_int_equal(error_hint(&e, "nothing to hint at"), CBTM_OK);
	assert_int_equal(e.hint[0], 0);
	error_set(&e, CBTM_ERR_MISSING_INPUT, "in.txt", "cannot open");
	error_format(&e, "cbtm", text, sizeof text);
	assert_string_equal(text, "cbtm: in.txt: cannot open\ncbtm: hint: check the path");
	error_hint(&e, "run %s first", "tokenize");
	error_format(&e, "cbtm", text, sizeof text);
	assert_string_equal(text, "cbtm: in.txt: cannot open\ncbtm: hint: run tokenize first");
}

static void test_an_error_without_place_and_hint_is_one_line(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char text[64];
	error_set(&e, CBTM_ERR_IO, NULL, "broken");
	error_format(&e, "cbtm", text, sizeof text);
	assert_string_equal(text, "cbtm: broken");
	error_format(&e, "cbtm", text, 6);
	assert_string_equal(text, "cbtm:");
}

static void test_every_name_has_a_sysexits_status(void **state)
{
	(void)state;
	assert_int_equal(error_exit_status(CBTM_OK), 0);
	for (int i = 1; i < CBTM_ERROR_COUNT; i++) {
		assert_in_range(error_exit_status((enum cbtm_error_name)i), 64, 78);
		assert_true(strlen(error_name((enum cbtm_error_name)i)) > 0);
		assert_non_null(error_default_hint((enum cbtm_error_name)i));
	}
	assert_string_equal(error_name(CBTM_ERR_BAD_JSON), "BAD_JSON");
	assert_int_equal(error_exit_status(CBTM_ERR_STOPPED), 75);
	assert_int_equal(error_exit_status((enum cbtm_error_name)9999), 70);
}

static void test_a_long_text_is_cut_between_characters(void **state)
{
	(void)state;
	char text[1024] = "";
	for (int shift = 0; shift < 3; shift++) {
		struct cbtm_error e = { 0 };
		memset(text, 'x', (size_t)shift);
		for (size_t i = (size_t)shift; i + 3 < sizeof text; i += 3)
			memcpy(text + i, "\xE2\x82\xAC", 4); /* a euro sign */
		error_set(&e, CBTM_ERR_IO, text, "%s", text);
		assert_int_equal((strlen(e.what) - (size_t)shift) % 3, 0);
		assert_int_equal((strlen(e.where) - (size_t)shift) % 3, 0);
		assert_true(strlen(e.what) > sizeof e.what - 4);
	}
}

static void test_a_quoted_text_gives_no_escape_sequences(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	error_set(&e, CBTM_ERR_IO, "a\nb", "the name \"%s\"", "\x1b[31m\tred\x7f");
	error_hint(&e, "not %s", "\r");
	assert_string_equal(e.where, "a b");
	assert_string_equal(e.what, "the name \"?[31m red?\"");
	assert_string_equal(e.hint, "not ?");
}

static void test_copy_keeps_what_is_there(void **state)
{
	(void)state;
	struct cbtm_error a = { 0 }, b = { 0 };
	assert_int_equal(error_copy(&a, &b), CBTM_OK);
	error_set(&b, CBTM_ERR_IO, "b", "second");
	assert_int_equal(error_copy(&a, &b), CBTM_ERR_IO);
	assert_string_equal(a.what, "second");
	b.name = CBTM_ERR_USAGE;
	assert_int_equal(error_copy(&a, &b), CBTM_ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_error_wins),
		cmocka_unit_test(test_a_system_error_is_named_by_its_number),
		cmocka_unit_test(test_a_hint_replaces_the_default),
		cmocka_unit_test(test_an_error_without_place_and_hint_is_one_line),
		cmocka_unit_test(test_every_name_has_a_sysexits_status),
		cmocka_unit_test(test_a_long_text_is_cut_between_characters),
		cmocka_unit_test(test_a_quoted_text_gives_no_escape_sequences),
		cmocka_unit_test(test_copy_keeps_what_is_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
