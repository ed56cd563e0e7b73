/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "store/manifest.h"
#include "store/sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct store_column_info column(const char *name, uint64_t rows)
{
	struct store_column_info c = { .type = STORE_F32,
		                           .shape = STORE_FIXED,
		                           .width = 3,
		                           .rows = rows,
		                           .elements = 3 * rows,
		                           .raw_bytes = 12 * rows,
		                           .stored_bytes = 5,
		                           .content = { 7, rows } };
	memcpy(c.name, name, strlen(name) + 1);
	return c;
}

static void write_manifest(const char *path, struct manifest *m)
{
	struct cbtm_error e = { 0 };
	struct buffer header = { 0 };
	sample_ok(manifest_content(m, &m->content, &e), &e);
	sample_ok(manifest_header(m, &header, &e), &e);
	m->header = header.data;
	sample_ok(manifest_write(m, path, &e), &e);
	buffer_free(&header);
}

static void test_reads_back_what_was_written(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct store_column_info columns[] = { column("a", 4), column("b", UINT32_MAX) };
	struct manifest_fact facts[] = { { "n", "18446744073709551615" },
		                             { "options", "{\"k\":[1]}" } };
	struct manifest m = { .kind = "vectors",
		                  .version = 1,
		                  .fingerprint = { 1, 2 },
		                  .page = 4096,
		                  .n_facts = 2,
		                  .n_columns = 2,
		                  .facts = facts,
		                  .columns = columns,
		                  .file_bytes = 8192,
		                  .file = { 3, 4 } },
					got;
	char *folder = sample_folder(), *path = sample_path(folder, "part-00000.json");
	struct arena *a = arena_new(&e);
	write_manifest(path, &m);
	sample_ok(manifest_read(path, a, &got, &e), &e);
	assert_string_equal(got.kind, "vectors");
	assert_string_equal(manifest_fact_json(&got, "options"), "{\"k\":[1]}");
	assert_null(manifest_fact_json(&got, "option"));
	assert_true(digest_equal(got.fingerprint, m.fingerprint) && digest_equal(got.file, m.file) &&
	            digest_equal(got.content, m.content));
	assert_int_equal(got.n_facts, 2);
	assert_string_equal(got.facts[0].json, "18446744073709551615");
	assert_string_equal(got.facts[1].json, "{\"k\":[1]}");
	assert_int_equal(got.n_columns, 2);
	assert_int_equal(got.columns[1].rows, UINT32_MAX);
	assert_true(digest_equal(got.columns[0].content, columns[0].content));
	struct buffer header = { 0 };
	sample_ok(manifest_header(&got, &header, &e), &e);
	assert_string_equal(got.header, header.data);
	buffer_free(&header);
	arena_free(a);
	free(path);
	sample_folder_free(folder);
}

static void test_content_is_of_columns_and_facts(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct store_column_info columns[] = { column("a", 4) };
	struct manifest_fact facts[] = { { "n", "1" } };
	struct manifest m = { .kind = "vectors",
		                  .version = 1,
		                  .n_facts = 1,
		                  .n_columns = 1,
		                  .facts = facts,
		                  .columns = columns };
	struct digest first, other;
	sample_ok(manifest_content(&m, &first, &e), &e);
	m.file_bytes = 99;
	m.fingerprint.low = 5;
	columns[0].stored_bytes = 1;
	sample_ok(manifest_content(&m, &other, &e), &e);
	assert_true(digest_equal(first, other));
	facts[0].json = "2";
	sample_ok(manifest_content(&m, &other, &e), &e);
	assert_false(digest_equal(first, other));
	facts[0].json = "1";
	columns[0].content.low++;
	sample_ok(manifest_content(&m, &other, &e), &e);
	assert_false(digest_equal(first, other));
}

/* Signed rightly, but not a manifest that may be believed. */
static void test_claims_that_cannot_be_are_refused(void **state)
{
	(void)state;
	const char *const bad[] = {
		"{\"store\": {\"format\": 3},\n", "{\"other\": 1,\n", "{\"store\": 1,\n", "[\n",
		"{\"store\": {\"format\": 2, \"kind\": \"vectors\", \"version\": 1, \"page\": 4096,\n"
		"\"fingerprint\": \"xxh3-128:00000000000000000000000000000000\",\n"
		"\"content\": \"xxh3-128:00000000000000000000000000000000\",\n\"facts\": {},\n"
		"\"columns\": [{\"name\": \"a\", \"type\": \"f32\", \"shape\": \"fixed\", \"width\": "
		"4611686018427387905, \"rows\": 4, \"elements\": 4, \"raw_bytes\": 16, \"stored_bytes\": "
		"16, "
		"\"content\": \"xxh3-128:00000000000000000000000000000000\"}]},\n\"file\": {\"bytes\": "
		"4096, "
		"\"digest\": \"xxh3-128:00000000000000000000000000000000\"},\n"
	};
	char *folder = sample_folder(), *path = sample_path(folder, "part-00000.json");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct cbtm_error e = { 0 };
		struct buffer text = { 0 };
		struct manifest m;
		struct arena *a = arena_new(&e);
		sample_ok(buffer_text(&text, bad[i], &e), &e);
		sample_ok(manifest_sign(&text, &e), &e);
		sample_ok(manifest_check(text.data, text.n, path, &e), &e);
		sample_ok(file_replace(path, text.data, text.n, &e), &e);
		assert_int_equal(manifest_read(path, a, &m, &e), CBTM_ERR_BAD_STORE);
		assert_string_equal(e.where, path);
		buffer_free(&text);
		arena_free(a);
	}
	free(path);
	sample_folder_free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_back_what_was_written),
		cmocka_unit_test(test_content_is_of_columns_and_facts),
		cmocka_unit_test(test_claims_that_cannot_be_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
