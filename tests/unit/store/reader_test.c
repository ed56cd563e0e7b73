/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "store/reader.h"
#include "store/sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_a_file_is_mapped_once(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct store *a, *b;
	char *folder = sample_folder();
	sample_ok(sample_write(folder, 50, 10, &e), &e);
	sample_ok(store_open(folder, 0, NULL, &a, &e), &e);
	sample_ok(store_open(folder, 0, sample_kind(), &b, &e), &e);
	assert_ptr_equal(a, b);
	store_close(a);
	assert_int_equal(store_row_count(b, "text"), 50);
	store_close(b);
	store_close(NULL);
	sample_folder_free(folder);
}

static void test_wrong_kind_says_what_it_is(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct store *s;
	char *folder = sample_folder();
	sample_ok(sample_write(folder, 5, 10, &e), &e);
	assert_int_equal(store_open(folder, 0, store_kind_find("tokens"), &s, &e), CBTM_ERR_BAD_STORE);
	assert_null(s);
	assert_non_null(strstr(e.what, "holds 'state', but 'tokens'"));
	e = (struct cbtm_error){ 0 };
	assert_int_equal(store_open(folder, 1, NULL, &s, &e), CBTM_ERR_MISSING_INPUT);
	sample_folder_free(folder);
}

/* A manifest that is whole, with one word replaced. */
static int open_changed(const char *folder, const char *from, const char *to, char what[512])
{
	struct cbtm_error e = { 0 };
	struct buffer text = { 0 }, changed = { 0 };
	struct store *s;
	char *path = sample_path(folder, "part-00000.json");
	sample_ok(file_read(path, 1 << 20, &text, &e), &e);
	char *at = strstr(text.data, from), *last = strstr(text.data, "\"digest\": \"xxh3-128:");
	while (strstr(last + 1, "\"digest\": \"xxh3-128:"))
		last = strstr(last + 1, "\"digest\": \"xxh3-128:");
	assert_non_null(at);
	sample_ok(buffer_add(&changed, text.data, (size_t)(at - text.data), &e), &e);
	sample_ok(buffer_text(&changed, to, &e), &e);
	sample_ok(buffer_add(&changed, at + strlen(from), (size_t)(last - at) - strlen(from), &e), &e);
	sample_ok(manifest_sign(&changed, &e), &e);
	sample_ok(file_replace(path, changed.data, changed.n, &e), &e);
	int rc = store_open(folder, 0, NULL, &s, &e);
	store_close(s);
	memcpy(what, e.what, 512);
	e = (struct cbtm_error){ 0 };
	sample_ok(file_replace(path, text.data, text.n, &e), &e);
	buffer_free(&text);
	buffer_free(&changed);
	free(path);
	return rc;
}

static void test_other_versions_are_refused_by_number(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	char *folder = sample_folder(), what[512];
	sample_ok(sample_write(folder, 5, 10, &e), &e);
	assert_int_equal(open_changed(folder, "\"version\": 1", "\"version\": 2", what),
	                 CBTM_ERR_BAD_STORE);
	assert_string_equal(what, "kind 'state' version 2, this cbtm reads version 1");
	assert_int_equal(open_changed(folder, "\"format\": 2", "\"format\": 9", what),
	                 CBTM_ERR_BAD_STORE);
	assert_string_equal(what, "store format 9, this cbtm reads format 2");
	assert_int_equal(open_changed(folder, "\"kind\": \"state\"", "\"kind\": \"statue\"", what),
	                 CBTM_ERR_BAD_STORE);
	assert_int_equal(open_changed(folder, "\"page\": 4096", "\"page\": 65536", what),
	                 CBTM_ERR_BAD_STORE);
	assert_int_equal(open_changed(folder, "{\"name\": \"text\"", "{\"name\": \"test\"", what),
	                 CBTM_ERR_BAD_STORE);
	sample_check(folder, 5);
	sample_folder_free(folder);
}

static void test_facts_have_their_types(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct store *s;
	uint64_t u;
	double d;
	char text[5];
	const char *name, *json;
	char *folder = sample_folder();
	sample_ok(sample_write(folder, 5, 10, &e), &e);
	sample_ok(store_open(folder, 0, NULL, &s, &e), &e);
	assert_false(store_get_u64(s, "name", &u));
	assert_false(store_get_u64(s, "share", &u));
	assert_true(store_get_f64(s, "rows", &d) && d == 5);
	assert_false(store_get_text(s, "name", text, sizeof text)); /* too long */
	assert_false(store_get_text(s, "rows", text, sizeof text));
	assert_null(store_get_json(s, "nothing"));
	size_t i = 0;
	for (const char *before = ""; store_fact_at(s, i, &name, &json); i++, before = name)
		assert_true(strcmp(before, name) < 0);
	assert_int_equal(i, 4);
	store_close(s);
	sample_folder_free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_is_mapped_once),
		cmocka_unit_test(test_wrong_kind_says_what_it_is),
		cmocka_unit_test(test_other_versions_are_refused_by_number),
		cmocka_unit_test(test_facts_have_their_types),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
