/* SPDX-License-Identifier: MIT */
#include "store/jsonl.h"
#include "store/sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *print(const char *folder, struct jsonl_choice choice)
{
	struct cbtm_error e = { 0 };
	struct store *s;
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	sample_ok(store_open(folder, 0, NULL, &s, &e), &e);
	sample_ok(jsonl_print(s, 0, &choice, out, &e), &e);
	store_close(s);
	fclose(out);
	return text;
}

static char *scores(void)
{
	struct cbtm_error e = { 0 };
	struct store_writer *w;
	const uint64_t keys[] = { 1, 2 };
	const uint8_t splits[] = { 2, 3 };
	const float logprob[] = { -0.5f, -1 };
	char *folder = sample_folder();
	sample_ok(store_create(folder, 0, store_kind_find("scores"), sample_fingerprint(1), &w, &e),
	          &e);
	sample_ok(store_append(w, "key", keys, 2, &e), &e);
	sample_ok(store_append(w, "split", splits, 2, &e), &e);
	sample_ok(store_append_row(w, "logprob", logprob, 2, &e), &e);
	sample_ok(store_set_text(w, "window", "stride", &e), &e);
	sample_ok(store_seal(w, &e), &e);
	return folder;
}

static void test_header_then_rows(void **state)
{
	(void)state;
	char *folder = scores();
	char *text = print(folder, (struct jsonl_choice){ NULL, 0, UINT64_MAX, 0 });
	const char *rows = strchr(text, '\n') + 1;
	assert_string_equal(rows, "{\"key\":1,\"logprob\":[-0.5,-1],\"split\":2}\n"
	                          "{\"key\":2,\"split\":3}\n");
	assert_memory_equal(text,
	                    "{\"store\":\"scores\",\"version\":1,\"part\":0,\"fingerprint\":", 53);
	assert_non_null(strstr(text, "\"facts\":{\"window\":\"stride\"}"));
	assert_non_null(strstr(text, "\"content\""));
	free(text);
	sample_folder_free(folder);
}

static void test_a_choice_promises_no_content(void **state)
{
	(void)state;
	const char *const columns[] = { "split" };
	char *folder = scores();
	char *text = print(folder, (struct jsonl_choice){ columns, 1, 1, 0 });
	assert_null(strstr(text, "\"content\""));
	assert_non_null(strstr(text, "\"rows\":1}]}\n{\"split\":2}\n"));
	free(text);
	text = print(folder, (struct jsonl_choice){ NULL, 0, UINT64_MAX, 1 });
	assert_null(strstr(text, "\"content\""));
	assert_string_equal(strchr(text, '\n') + 1, "{\"key\":2,\"split\":3}\n");
	assert_non_null(strstr(text, "\"width\":1,\"rows\":1}"));
	free(text);
	text = print(folder, (struct jsonl_choice){ NULL, 0, UINT64_MAX, 9 });
	assert_string_equal(strchr(text, '\n') + 1, "");
	free(text);
	struct cbtm_error e = { 0 };
	struct store *s;
	const char *const none[] = { "nothing" };
	const struct jsonl_choice bad = { none, 1, 1, 0 };
	sample_ok(store_open(folder, 0, NULL, &s, &e), &e);
	assert_int_equal(jsonl_print(s, 0, &bad, stdout, &e), CBTM_ERR_USAGE);
	store_close(s);
	sample_folder_free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header_then_rows),
		cmocka_unit_test(test_a_choice_promises_no_content),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
