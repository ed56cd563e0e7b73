/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stage/card_fields.h"
#include <stdio.h>
#include <string.h>

static struct card_fields *open(const char *const *names, size_t n, size_t pairs)
{
	struct cbtm_error e = { 0 };
	struct cbtm_texts fields = { names, n };
	struct card_fields *f = card_fields_new(&fields, 2, pairs, &e);
	assert_non_null(f);
	return f;
}

static void add(struct card_fields *f, uint32_t cluster, const char *meta)
{
	struct cbtm_error e = { 0 };
	assert_int_equal(card_fields_add(f, cluster, meta, strlen(meta), &e), 0);
}

/* From "measured_on" on: the measures before it have their own test (math/agreement). */
static void is(struct card_fields *f, size_t i, size_t most, const char *expected)
{
	struct cbtm_error e = { 0 };
	struct buffer json = { 0 };
	assert_int_equal(card_fields_put(f, i, most, &json, &e), 0);
	const char *counts = strstr(json.data, "\"measured_on\"");
	assert_non_null(counts);
	assert_string_equal(counts, expected);
	buffer_free(&json);
}

static void test_values_others_and_missing_make_the_table(void **state)
{
	(void)state;
	const char *const names[] = { "meta.kind" };
	struct card_fields *f = open(names, 1, SIZE_MAX);
	add(f, 0, "{\"kind\":\"a\"}");
	add(f, 0, "{\"kind\":\"a\"}");
	add(f, 1, "{\"kind\":\"b\"}");
	add(f, 1, "{\"kind\":\"b\"}");
	add(f, 1, "{\"kind\":\"c\"}");
	add(f, 0, "{\"kind\":null}");
	add(f, 1, "{}");
	add(f, 1, "{\"other\":\"a\"}");
	is(f, 0, 2,
	   "\"measured_on\":5,"
	   "\"kept_values\":3,\"undercount\":0,\"values\":["
	   "{\"value\":\"a\",\"documents\":2,\"clusters\":[2,0]},"
	   "{\"value\":\"b\",\"documents\":2,\"clusters\":[0,2]}],"
	   "\"others\":{\"documents\":1,\"clusters\":[0,1]},"
	   "\"missing\":{\"documents\":3,\"clusters\":[1,2]}}");
	card_fields_free(f);
}

/* Paths go through objects; a member of the whole name goes first; other types are their JSON. */
static void test_paths_and_types(void **state)
{
	(void)state;
	static const struct {
		const char *name, *meta, *value; /* NULL: missing */
	} cases[] = {
		{ "a.b", "{\"a\":{\"b\":\"x\"}}", "x" },
		{ "meta.a.b", "{\"a\":{\"b\":\"x\"}}", "x" },
		{ "a.b", "{\"a\":{\"b\":\"x\"},\"a.b\":\"y\"}", "y" },
		{ "a.b.c", "{\"a\":{\"b.c\":\"z\"}}", "z" },
		{ "a.b", "{\"a\":\"text\"}", NULL },
		{ "a.b", "{\"a\":[{\"b\":1}]}", NULL },
		{ "a", "{\"a\":12}", "12" },
		{ "a", "{\"a\":true}", "true" },
		{ "a", "{\"a\":\"\"}", "" },
		{ "a", "{\"a\":[1,2]}", "[1,2]" },
		{ "", "{\"a\":1}", NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct cbtm_error e = { 0 };
		struct buffer json = { 0 };
		char expected[64];
		struct card_fields *f = open(&cases[i].name, 1, SIZE_MAX);
		add(f, 0, cases[i].meta);
		assert_int_equal(card_fields_put(f, 0, 5, &json, &e), 0);
		snprintf(expected, sizeof expected, "{\"value\":\"%s\",", cases[i].value);
		if (cases[i].value ? !strstr(json.data, expected) : !strstr(json.data, "\"values\":[]"))
			fail_msg("%s of %s: %s", cases[i].name, cases[i].meta, json.data);
		buffer_free(&json);
		card_fields_free(f);
	}
}

static void test_long_values_are_cut_between_characters(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer json = { 0 };
	const char *const names[] = { "a" };
	char meta[1000] = "{\"a\":\"x", expected[1000] = "\"value\":\"x";
	for (int i = 0; i < 200; i++)
		memcpy(meta + strlen(meta), "\xC3\xA9", 3);
	memcpy(meta + strlen(meta), "\"}", 3);
	for (int i = 0; i < 127; i++) /* 1 + 2 * 127 = 255: one more would make 257 bytes */
		memcpy(expected + strlen(expected), "\xC3\xA9", 3);
	memcpy(expected + strlen(expected), "\",", 3);
	struct card_fields *f = open(names, 1, SIZE_MAX);
	add(f, 0, meta);
	assert_int_equal(card_fields_put(f, 0, 5, &json, &e), 0);
	assert_non_null(strstr(json.data, expected));
	buffer_free(&json);
	card_fields_free(f);
}

/* A field of as many values as documents beside a frequent one: memory is bounded, what is frequent
 * stays, the rest is told together. */
static void test_millions_of_values_are_bounded(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct buffer json = { 0 };
	const char *const names[] = { "url" };
	struct card_fields *f = open(names, 1, 100);
	char meta[64];
	for (int i = 0; i < 9000; i++) {
		snprintf(meta, sizeof meta, "{\"url\":\"%d\"}", i % 3 ? i : -1);
		add(f, i % 3 == 0 ? 0 : 1, meta);
	}
	assert_int_equal(card_fields_put(f, 0, 1, &json, &e), 0);
	assert_null(strstr(json.data, "\"undercount\":0,"));
	assert_non_null(
		strstr(json.data, "{\"value\":\"-1\",\"documents\":3000,\"clusters\":[3000,0]}"));
	assert_non_null(strstr(json.data, "\"others\":{\"documents\":6000,\"clusters\":[0,6000]}"));
	buffer_free(&json);
	card_fields_free(f);
}

static void test_no_field_and_no_document(void **state)
{
	(void)state;
	const char *const names[] = { "a" };
	struct card_fields *f = open(names, 0, SIZE_MAX);
	add(f, 0, "this is not even read");
	card_fields_free(f);
	f = open(names, 1, SIZE_MAX);
	is(f, 0, 5,
	   "\"measured_on\":0,\"kept_values\":0,\"undercount\":0,\"values\":[],"
	   "\"others\":{\"documents\":0,\"clusters\":[0,0]},"
	   "\"missing\":{\"documents\":0,\"clusters\":[0,0]}}");
	card_fields_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_others_and_missing_make_the_table),
		cmocka_unit_test(test_paths_and_types),
		cmocka_unit_test(test_long_values_are_cut_between_characters),
		cmocka_unit_test(test_millions_of_values_are_bounded),
		cmocka_unit_test(test_no_field_and_no_document),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
