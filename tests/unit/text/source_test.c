/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "scratch.h"
#include "text/source.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void put(void **state, const char *name, const char *text)
{
	struct cbtm_error e = { 0 };
	assert_int_equal(file_replace(scratch_path(state, name), text, strlen(text), &e), 0);
}

static struct source *plan(const char *path, uint64_t part_bytes)
{
	struct cbtm_error e = { 0 };
	struct source *s;
	assert_int_equal(source_plan(&path, 1, part_bytes, 0, &s, &e), 0);
	return s;
}

static void refused(const char *path, enum cbtm_error_name name)
{
	struct cbtm_error e = { 0 };
	struct source *s;
	assert_int_equal(source_plan(&path, 1, 100, 0, &s, &e), name);
	assert_null(s);
	assert_non_null(strstr(e.where, path));
}

static void test_files_are_found_sorted_and_once(void **state)
{
	struct cbtm_error e = { 0 };
	struct source *s;
	folder_make(scratch_path(state, "c/below"), &e);
	put(state, "c/b.jsonl", "b\n");
	put(state, "c/a.jsonl", "a\n");
	put(state, "c/.hidden", "h\n");
	put(state, "c/below/z.txt", "z\n");
	char *folder = strdup(scratch_path(state, "c")),
		 *glob = strdup(scratch_path(state, "c/*.jsonl"));
	const char *paths[] = { glob, folder };
	assert_int_equal(source_plan(paths, 2, 1000, 0, &s, &e), 0);
	assert_int_equal(s->files, 3);
	assert_non_null(strstr(s->file[0].path, "c/a.jsonl"));
	assert_non_null(strstr(s->file[1].path, "c/b.jsonl"));
	assert_non_null(strstr(s->file[2].path, "below/z.txt"));
	source_free(s);
	free(folder);
	free(glob);
}

static void test_small_files_go_together_and_large_ones_are_cut(void **state)
{
	struct cbtm_error e = { 0 };
	char text[251];
	folder_make(scratch_path(state, "c"), &e);
	memset(text, 'x', 250);
	text[250] = 0;
	put(state, "c/3", text);
	put(state, "c/1", "12345\n");
	put(state, "c/2", "12345\n");
	put(state, "c/4", "12345\n");
	struct source *s = plan(scratch_path(state, "c"), 100);
	assert_int_equal(s->parts, 5);
	assert_int_equal(s->part[0].files, 2);
	assert_int_equal(s->part[1].from, 0);
	assert_int_equal(s->part[1].to, 100);
	assert_int_equal(s->part[3].to, 250);
	assert_int_equal(s->part[4].first, 3);
	source_free(s);
	s = plan(scratch_path(state, "c"), 6);
	assert_int_equal(s->parts, 1 + 1 + 42 + 1);
	source_free(s);
}

static void test_nothing_to_read_is_said_by_path(void **state)
{
	struct cbtm_error e = { 0 };
	struct source *s;
	folder_make(scratch_path(state, "empty"), &e);
	refused(scratch_path(state, "nowhere"), CBTM_ERR_MISSING_INPUT);
	refused(scratch_path(state, "no*where"), CBTM_ERR_MISSING_INPUT);
	refused(scratch_path(state, "empty"), CBTM_ERR_EMPTY_CORPUS);
	put(state, "empty/file", "");
	refused(scratch_path(state, "empty"), CBTM_ERR_EMPTY_CORPUS);
	assert_int_equal(source_plan(NULL, 0, 100, 0, &s, &e), CBTM_ERR_EMPTY_CORPUS);
}

static struct digest digest_of(const char *path, uint64_t part_bytes, uint32_t part)
{
	struct cbtm_error e = { 0 };
	struct source *s = plan(path, part_bytes);
	struct digest d;
	assert_int_equal(source_digest(s, part, &d, &e), 0);
	source_free(s);
	return d;
}

static void test_a_slice_digest_depends_on_content_alone(void **state)
{
	put(state, "a", "one\ntwo\nthree\nfour\n");
	put(state, "b", "one\ntwo\nthree\nfour\n");
	put(state, "changed", "one\ntwo\nthree\nfive\n");
	struct digest a0 = digest_of(scratch_path(state, "a"), 10, 0);
	struct digest a1 = digest_of(scratch_path(state, "a"), 10, 1);
	assert_true(digest_equal(a0, digest_of(scratch_path(state, "b"), 10, 0)));
	assert_true(digest_equal(a0, digest_of(scratch_path(state, "changed"), 10, 0)));
	assert_false(digest_equal(a1, digest_of(scratch_path(state, "changed"), 10, 1)));
	assert_false(digest_equal(a0, a1));
}

static void test_line_starts(void **state)
{
	put(state, "a", "one\ntwo\nthree");
	struct source *s = plan(scratch_path(state, "a"), 100);
	static const uint64_t expected[] = { 0, 4, 4, 4, 4, 8, 8, 8, 8, 13, 13, 13, 13, 13 };
	for (uint64_t from = 0; from < 14; from++) {
		struct cbtm_error e = { 0 };
		uint64_t start;
		assert_int_equal(source_line_start(&s->file[0], from, &start, &e), 0);
		assert_int_equal(start, expected[from]);
	}
	source_free(s);
}

static void test_the_corpus_is_measured_before_it_is_read(void **state)
{
	struct cbtm_error e = { 0 };
	uint64_t bytes, documents;
	struct source *s;
	bool exact;

	put(state, "a.jsonl", "one\ntwo\nthree\n");
	put(state, "b.jsonl", "four\n");
	s = plan(*state, 1000);
	assert_int_equal(source_measure(s, 0, &bytes, &documents, &exact, &e), 0);
	assert_int_equal(bytes, 19);
	assert_int_equal(documents, 4);
	assert_true(exact);
	assert_int_equal(source_measure(s, 1, &bytes, &documents, &exact, &e), 0);
	assert_int_equal(documents, 2);
	s->file[1].coding = STREAM_GZIP;
	s->file[1].size = UINT64_MAX / 3;
	assert_int_equal(source_measure(s, 1, &bytes, &documents, &exact, &e), 0);
	assert_true(bytes == UINT64_MAX);
	assert_false(exact);
	source_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_files_are_found_sorted_and_once, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_small_files_go_together_and_large_ones_are_cut,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_nothing_to_read_is_said_by_path, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_slice_digest_depends_on_content_alone, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_line_starts, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_the_corpus_is_measured_before_it_is_read, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
