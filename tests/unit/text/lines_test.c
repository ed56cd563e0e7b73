/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "base/random.h"
#include "scratch.h"
#include "text/lines.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <zstd.h>

static struct source *plan(const char *path, uint64_t part_bytes, int whole_files)
{
	struct cbtm_error e = { 0 };
	struct source *s;
	assert_int_equal(source_plan(&path, 1, part_bytes, whole_files, &s, &e), 0);
	return s;
}

/* The lines of all parts, each with '|' behind it. */
static int read_lines(struct source *s, uint64_t line_bytes, bool whole_files, size_t bytes,
                      size_t max, struct buffer *out, struct cbtm_error *e)
{
	for (uint32_t part = 0; part < s->parts && !e->name; part++) {
		struct lines_batch b = { 0 };
		struct lines *l;
		assert_int_equal(lines_open(s, part, line_bytes, whole_files, &l, e), 0);
		do {
			if (lines_next(l, bytes, max, &b, e))
				break;
			for (size_t i = 0; i < b.lines; i++) {
				buffer_add(out, b.bytes.data + b.line[i].start, b.line[i].n, e);
				buffer_text(out, "|", e);
			}
		} while (b.lines);
		lines_batch_free(&b);
		lines_close(l);
	}
	return e->name;
}

static void test_every_cut_into_parts_and_batches_gives_the_same_lines(void **state)
{
	struct cbtm_error e = { 0 };
	struct random_key key = random_key(3, RANDOM_TEST);
	struct buffer text = { 0 }, expected = { 0 };
	for (uint64_t i = 0; i < 60; i++) {
		uint64_t n = random_below(key, i, 0, 20);
		for (uint64_t j = 0; j < n; j++)
			buffer_printf(&text, &e, "%c", (int)('a' + random_below(key, i, (uint32_t)j + 1, 26)));
		buffer_text(&text, "\n", &e);
	}
	buffer_text(&text, "the last one has no newline", &e);
	for (size_t i = 0; i < text.n; i++)
		buffer_add(&expected, text.data[i] == '\n' ? "|" : text.data + i, 1, &e);
	buffer_text(&expected, "|", &e);
	file_replace(scratch_path(state, "a"), text.data, text.n, &e);
	for (uint64_t part_bytes = 1; part_bytes < 100; part_bytes++) {
		struct source *s = plan(scratch_path(state, "a"), part_bytes, 0);
		struct buffer out = { 0 };
		assert_int_equal(read_lines(s, 1000, false, part_bytes, 1 + part_bytes % 7, &out, &e), 0);
		assert_string_equal(out.data, expected.data);
		buffer_free(&out);
		source_free(s);
	}
	buffer_free(&text);
	buffer_free(&expected);
}

static void test_a_byte_order_mark_is_left_out_and_carriage_returns_stay(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer out = { 0 };
	file_replace(scratch_path(state, "a"), "\xef\xbb\xbfone\r\ntwo", 11, &e);
	struct source *s = plan(scratch_path(state, "a"), 100, 0);
	assert_int_equal(read_lines(s, 100, false, 100, 100, &out, &e), 0);
	assert_string_equal(out.data, "one\r|two|");
	buffer_clear(&out);
	source_free(s);
	s = plan(scratch_path(state, "a"), 2, 0); /* a part ends inside the mark */
	assert_int_equal(read_lines(s, 100, false, 100, 100, &out, &e), 0);
	assert_string_equal(out.data, "one\r|two|");
	buffer_free(&out);
	source_free(s);
}

static void test_a_byte_order_mark_may_come_in_several_frames(void **state)
{
	static const char text[] = "\xef\xbb\xbfone";
	struct cbtm_error e = { 0 };
	struct buffer packed = { 0 }, out = { 0 };
	for (size_t i = 0; i + 1 < sizeof text; i++) {
		char frame[64];
		buffer_add(&packed, frame, ZSTD_compress(frame, sizeof frame, text + i, 1, 1), &e);
	}
	file_replace(scratch_path(state, "a.zst"), packed.data, packed.n, &e);
	struct source *s = plan(scratch_path(state, "a.zst"), 100, 0);
	assert_int_equal(read_lines(s, 100, false, 100, 100, &out, &e), 0);
	assert_string_equal(out.data, "one|");
	buffer_free(&packed);
	buffer_free(&out);
	source_free(s);
}

static void test_what_was_read_ahead_are_the_same_lines_and_errors(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer text = { 0 }, expected = { 0 }, out = { 0 };
	atomic_bool enough = false, no = true;
	buffer_text(&text, "\xef\xbb\xbf", &e);
	for (int i = 0; i < 100000; i++) {
		buffer_printf(&text, &e, "line %d\n", i);
		buffer_printf(&expected, &e, "line %d|", i);
	}
	size_t bound = ZSTD_compressBound(text.n);
	char *packed = malloc(bound);
	size_t n = ZSTD_compress(packed, bound, text.data, text.n, 1);
	file_replace(scratch_path(state, "a"), text.data, text.n, &e);
	file_replace(scratch_path(state, "a.zst"), packed, n, &e);
	file_replace(scratch_path(state, "cut.zst"), packed, n - 9, &e);
	for (int i = 0; i < 3; i++) {
		struct source *s = plan(scratch_path(state, i ? "a" : "a.zst"), 400000, 0);
		lines_ahead(s, i ? s->parts - 1 : 0, 100, false, &no);
		assert_null(s->ahead);
		lines_ahead(s, i == 1 ? s->parts - 1 : 0, 100, false, &enough);
		assert_non_null(s->ahead);
		assert_int_equal(read_lines(s, 100, false, 50000, 10000, &out, &e), 0);
		assert_string_equal(out.data, expected.data);
		assert_null(s->ahead);
		buffer_clear(&out);
		source_free(s);
	}
	struct source *s = plan(scratch_path(state, "cut.zst"), 400000, 0);
	lines_ahead(s, 0, 100, false, &enough);
	assert_int_equal(read_lines(s, 100, false, 50000, 10000, &out, &e), CBTM_ERR_BAD_DATA);
	source_free(s);
	s = plan(scratch_path(state, "a"), 1 << 20, 0);
	lines_ahead(s, 0, 100, false, &enough); /* and nobody reads the part */
	source_free(s);
	buffer_free(&text);
	buffer_free(&expected);
	buffer_free(&out);
	free(packed);
}

static void test_a_file_may_be_one_line(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer out = { 0 };
	folder_make(scratch_path(state, "c"), &e);
	file_replace(scratch_path(state, "c/1"), "one\ntwo\n", 8, &e);
	file_replace(scratch_path(state, "c/2"), "", 0, &e);
	file_replace(scratch_path(state, "c/3"), "three", 5, &e);
	struct source *s = plan(scratch_path(state, "c"), 2, 1);
	assert_int_equal(read_lines(s, 100, true, 100, 100, &out, &e), 0);
	assert_string_equal(out.data, "one\ntwo\n|three|");
	buffer_free(&out);
	source_free(s);
}

static void test_a_line_that_is_too_long_is_cut_to_its_beginning(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer text = { 0 };
	for (int i = 0; i < 200000; i++)
		buffer_text(&text, "\xe2\x82\xac", &e); /* longer than what is read at once */
	buffer_text(&text, "\nfour\n12345\n\nfive5", &e);
	file_replace(scratch_path(state, "a"), text.data, text.n, &e);
	for (uint64_t part_bytes = 1 << 16; part_bytes <= 1 << 20; part_bytes *= 2) {
		struct source *s = plan(scratch_path(state, "a"), part_bytes, 0);
		struct buffer out = { 0 };
		assert_int_equal(read_lines(s, 4, false, 100, 100, &out, &e), 0);
		assert_string_equal(out.data, "\xe2\x82\xac|four|1234||five|");
		buffer_clear(&out);
		assert_int_equal(read_lines(s, 600000, false, 100, 100, &out, &e), 0);
		assert_int_equal(out.n, 600000 + strlen("|four|12345||five5|"));
		buffer_clear(&out);
		assert_int_equal(read_lines(s, 599999, false, 100, 100, &out, &e), 0);
		assert_int_equal(out.n, LINES_BEGINNING - 1 + strlen("|four|12345||five5|"));
		assert_memory_equal(out.data, text.data, LINES_BEGINNING - 1); /* of 3 bytes each */
		buffer_free(&out);
		source_free(s);
	}
	buffer_free(&text);
}

static void test_what_is_passed_over_fills_a_batch_but_no_memory(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer text = { 0 };
	struct lines_batch b = { 0 };
	struct lines *l;
	for (int i = 0; i < 100; i++)
		buffer_printf(&text, &e, "%0100000d\n", i);
	file_replace(scratch_path(state, "a"), text.data, text.n, &e);
	struct source *s = plan(scratch_path(state, "a"), UINT64_MAX, 0);
	assert_int_equal(lines_open(s, 0, 100, false, &l, &e), 0);
	for (uint64_t i = 0; i < 100; i += b.lines) {
		assert_int_equal(lines_next(l, 300000, 100, &b, &e), 0);
		assert_int_equal(b.lines, i < 99 ? 3 : 1);
		assert_true(b.line[0].cut && b.line[0].n == 100 && b.line[0].number == i + 1);
		assert_int_equal(b.line[0].offset, i * 100001);
	}
	assert_in_range(b.bytes.capacity, 300, 1 << 20);
	lines_batch_free(&b);
	lines_close(l);
	source_free(s);
	buffer_free(&text);
}

static void test_places_are_those_in_the_file_whatever_the_part(void **state)
{
	static const char *const expected[] = { "a:1:0", "a:2:4", "a:3:8", "a:4:9" };
	for (uint64_t part_bytes = 3; part_bytes < 20; part_bytes++) {
		struct cbtm_error e = { 0 };
		size_t seen = 0;
		file_replace(scratch_path(state, "a"), "one\ntwo\n\nfour", 13, &e);
		struct source *s = plan(scratch_path(state, "a"), part_bytes, 0);
		for (uint32_t part = 0; part < s->parts; part++) {
			struct lines_batch b = { 0 };
			struct lines *l;
			char where[512];
			lines_open(s, part, 100, false, &l, &e);
			assert_int_equal(lines_next(l, 100, 100, &b, &e), 0);
			for (size_t i = 0; i < b.lines; i++, seen++) {
				lines_place(l, &b.line[i], where, sizeof where);
				assert_in_range(seen, 0, 3);
				assert_non_null(strstr(where, expected[seen]));
			}
			lines_batch_free(&b);
			lines_close(l);
		}
		assert_int_equal(seen, 4);
		source_free(s);
	}
}

static void test_a_file_that_changed_since_it_was_found_is_named(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer out = { 0 };
	file_replace(scratch_path(state, "a"), "one\ntwo\n", 8, &e);
	struct source *s = plan(scratch_path(state, "a"), 100, 0);
	/* Before it is opened, and while it is read. */
	FILE *f = fopen(scratch_path(state, "a"), "a");
	fputs("three\n", f);
	fclose(f);
	assert_int_equal(read_lines(s, 100, false, 100, 100, &out, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.what, "changed while it was read"));
	source_free(s);
	s = plan(scratch_path(state, "a"), 100, 0);
	struct lines_batch b = { 0 };
	struct lines *l;
	e = (struct cbtm_error){ 0 };
	assert_int_equal(lines_open(s, 0, 100, false, &l, &e), 0);
	assert_int_equal(lines_next(l, 100, 1, &b, &e), 0);
	file_replace(scratch_path(state, "a"), "one\nTWO\nthree\n", 14, &e);
	assert_int_equal(lines_next(l, 100, 100, &b, &e), CBTM_ERR_BAD_DATA);
	lines_batch_free(&b);
	lines_close(l);
	source_free(s);
	buffer_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_cut_into_parts_and_batches_gives_the_same_lines,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(
			test_a_byte_order_mark_is_left_out_and_carriage_returns_stay, scratch_make,
			scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_byte_order_mark_may_come_in_several_frames,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_what_was_read_ahead_are_the_same_lines_and_errors,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_file_may_be_one_line, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_line_that_is_too_long_is_cut_to_its_beginning,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_what_is_passed_over_fills_a_batch_but_no_memory,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_places_are_those_in_the_file_whatever_the_part,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_file_that_changed_since_it_was_found_is_named,
		                                scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
