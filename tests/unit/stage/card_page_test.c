/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "scratch.h"
#include "stage/card_page.h"
#include <stdio.h>
#include <string.h>

/* A store of k clusters whose cards say as little as they may; one field of one value. */
static struct store *write_cards(const char *dir, uint64_t k, const char *value)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w = NULL;
	struct store *s = NULL;
	struct buffer b = { 0 };
	store_create(dir, 0, store_kind_find("cards"), digest_bytes("c", 1), &w, &e);
	for (uint64_t j = 0; j < k; j++) {
		buffer_clear(&b);
		buffer_printf(
			&b, &e,
			"{\"cluster\":%d,\"documents\":{\"all\":%d},\"terms\":null,\"words\":[{\"word\":"
			"\"word%d\"}],\"overlap\":{\"neighbours\":[{\"cluster\":%d,\"distance\":0.5,"
			"\"second\":1}]}}",
			(int)j, (int)j + 1, (int)j, (int)((j + 1) % k));
		store_append_row(w, "card", b.data, b.n, &e);
	}
	buffer_clear(&b);
	buffer_text(&b,
	            "{\"field\":\"f\",\"measured_on\":9,\"undercount\":2,\"kept_values\":1,"
	            "\"values\":[{\"value\":",
	            &e);
	json_put_string(&b, value, strlen(value), &e);
	buffer_text(&b, ",\"documents\":9,\"clusters\":[", &e);
	for (uint64_t j = 0; j < k; j++)
		buffer_printf(&b, &e, "%s%d", j ? "," : "", (int)(j * 7 % k));
	buffer_text(&b, "]}]}", &e);
	store_append_row(w, "field", b.data, b.n, &e);
	store_append_row(w, "summary", "{\"clusters\":2}", 14, &e);
	store_set_u64(w, "clusters", k, &e);
	assert_int_equal(store_seal(w, &e), 0);
	assert_int_equal(store_open(dir, 0, NULL, &s, &e), 0);
	buffer_free(&b);
	return s;
}

static void page(const struct store *s, struct buffer *out)
{
	struct cbtm_error e = { 0 };
	if (card_page(s, 2, out, &e))
		fail_msg("%s: %s", e.where, e.what);
	for (const char *line = out->data, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		if (end - line > 100)
			fail_msg("%d bytes: %.*s", (int)(end - line), (int)(end - line), line);
	}
}

static void test_few_clusters_have_a_column_each(void **state)
{
	struct buffer out = { 0 };
	struct store *s = write_cards(scratch_path(state, "few"), 10, "v");
	page(s, &out);
	assert_non_null(strstr(out.data, "Distances of centres\n"));
	assert_non_null(strstr(out.data, ", over 1 kept values\n"));
	assert_non_null(strstr(out.data, "\nv                          9      0      7      4      1"));
	buffer_free(&out);
	store_close(s);
}

static void test_of_many_the_largest_are_listed(void **state)
{
	struct buffer out = { 0 };
	struct store *s = write_cards(scratch_path(state, "many"), 40, "v");
	page(s, &out);
	assert_null(strstr(out.data, "Distances of centres\n"));
	assert_non_null(strstr(out.data, "Nearest other centres"));
	assert_non_null(strstr(out.data, "9  17: 39  34: 38  11: 37  28: 36  5: 35\n"));
	assert_non_null(strstr(out.data, "word39"));
	buffer_free(&out);
	store_close(s);
}

/* Values come from the corpus: they move no cursor and colour no terminal. */
static void test_control_characters_are_not_printed(void **state)
{
	struct buffer out = { 0 };
	struct store *s = write_cards(scratch_path(state, "odd"), 2,
	                              "a\x1b[2J\nb\x7f\xC2\x9b"
	                              "c");
	page(s, &out);
	assert_null(strpbrk(out.data, "\x1b\x7f"));
	assert_null(strstr(out.data, "\xC2\x9b"));
	assert_non_null(strstr(out.data, "\na [2J b  c "));
	buffer_free(&out);
	store_close(s);
}

static void test_json_is_all_rows(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer out = { 0 };
	struct json_parser *parser = json_parser_new(&e);
	struct json root, list;
	struct store *s = write_cards(scratch_path(state, "json"), 3, "v");
	assert_int_equal(card_json(s, &out, &e), 0);
	assert_int_equal(json_parse(parser, out.data, out.n, "cards", &root, &e), 0);
	assert_true(json_member(root, "clusters", &list) && json_count(list) == 3);
	assert_true(json_member(root, "fields", &list) && json_count(list) == 1);
	assert_true(json_member(root, "summary", &list) && json_count(list) == 1);
	json_parser_free(parser);
	buffer_free(&out);
	store_close(s);
}

static void test_other_stores_are_refused(void **state)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w = NULL;
	struct store *s = NULL;
	struct buffer out = { 0 };
	store_create(scratch_path(state, "bad"), 0, store_kind_find("cards"), digest_bytes("c", 1), &w,
	             &e);
	store_set_u64(w, "clusters", 3, &e);
	store_seal(w, &e);
	store_open(scratch_path(state, "bad"), 0, NULL, &s, &e);
	assert_int_equal(card_page(s, 2, &out, &e), CBTM_ERR_BAD_STORE);
	buffer_free(&out);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_few_clusters_have_a_column_each, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_of_many_the_largest_are_listed, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_control_characters_are_not_printed, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_json_is_all_rows, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_other_stores_are_refused, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
