/* SPDX-License-Identifier: MIT */
#include "store/jsonl.h"
#include "store/sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int load(const char *text, const char *folder, uint32_t *parts, struct cbtm_error *e)
{
	FILE *in = fmemopen((void *)text, strlen(text), "r");
	int rc = jsonl_load(in, "text", folder, parts, e);
	fclose(in);
	return rc;
}

static void test_printed_part_loads_to_the_same_bytes(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct store *s;
	char *from = sample_folder(), *to = sample_folder(), *text;
	size_t n;
	uint32_t parts;
	const struct jsonl_choice all = { NULL, 0, UINT64_MAX, 0 };
	sample_ok(sample_write(from, 300, 50, &e), &e);
	FILE *out = open_memstream(&text, &n);
	sample_ok(store_open(from, 0, NULL, &s, &e), &e);
	sample_ok(jsonl_print(s, 0, &all, out, &e), &e);
	store_close(s);
	fclose(out);
	sample_ok(load(text, to, &parts, &e), &e);
	assert_int_equal(parts, 1);
	sample_same_files(from, to, "part-00000.lmdb");
	sample_same_files(from, to, "part-00000.json");
	/* Again: it is there. */
	sample_ok(load(text, to, &parts, &e), &e);
	sample_check(to, 300);
	free(text);
	sample_folder_free(from);
	sample_folder_free(to);
}

static void test_several_parts_make_a_dataset(void **state)
{
	(void)state;
	struct cbtm_error e = { 0 };
	struct dataset *d;
	uint32_t parts;
	uint64_t rows;
	char *folder = sample_folder();
	const char *text = "{\"store\":\"assignments\"}\n{\"key\":1,\"cluster\":0,\"distance\":0}\n\n"
					   "{\"store\":\"assignments\",\"facts\":{\"zero_vectors\":3}}\n"
					   "{\"key\":2,\"cluster\":1,\"distance\":0.5}\n{\"key\":3}\n";
	sample_ok(load(text, folder, &parts, &e), &e);
	assert_int_equal(parts, 2);
	sample_ok(dataset_open(folder, store_kind_find("assignments"), &d, &e), &e);
	sample_ok(dataset_rows(d, "key", &rows, &e), &e);
	assert_int_equal(rows, 3);
	dataset_close(d);
	/* A single part of another number is a part, not a dataset. */
	char *other = sample_folder();
	sample_ok(load("{\"store\":\"assignments\",\"part\":4}\n", other, &parts, &e), &e);
	assert_int_equal(dataset_open(other, NULL, &d, &e), CBTM_ERR_MISSING_INPUT);
	sample_folder_free(folder);
	sample_folder_free(other);
}

static void test_bad_text_is_refused(void **state)
{
	(void)state;
	const char *const bad[] = {
		"{}",
		"[1]",
		"\n",
		"{\"store\":1}",
		"{\"store\":\"nonsense\"}",
		"{\"store\":\"state\",\"version\":2}",
		"{\"store\":\"state\",\"part\":100000}",
		"{\"store\":\"state\",\"part\":-1}",
		"{\"store\":\"state\",\"fingerprint\":\"xyz\"}",
		"{\"store\":\"state\",\"content\":7}\n{\"a\":1}",
		"{\"store\":\"state\",\"columns\":[{\"name\":\"a\"}]}",
		"{\"store\":\"state\",\"columns\":[{\"name\":\".crc\",\"type\":\"u8\",\"shape\":"
		"\"variable\"}]}",
		"{\"store\":\"vectors\",\"columns\":[{\"name\":\"a\",\"type\":\"u8\",\"shape\":"
		"\"variable\"}]}",
		"{\"store\":\"vectors\"}\n{\"vector\":[1]}",
		"{\"store\":\"assignments\"}\n{\"key\":{}}",
		"{\"store\":\"assignments\",\"content\":\"xxh3-128:00000000000000000000000000000000\"}"
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct cbtm_error e = { 0 };
		uint32_t parts;
		char *folder = sample_folder();
		assert_int_not_equal(load(bad[i], folder, &parts, &e), 0);
		assert_true(e.where[0] && e.what[0]);
		sample_folder_free(folder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printed_part_loads_to_the_same_bytes),
		cmocka_unit_test(test_several_parts_make_a_dataset),
		cmocka_unit_test(test_bad_text_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
