/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"
#include "base/file.h"
#include "scratch.h"
#include "text/stream.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <zlib.h>
#include <zstd.h>

enum { N = 700000 };
static char content[N];

/* Two members or frames. */
static void pack_gzip(struct buffer *out)
{
	struct cbtm_error e = { 0 };
	for (int half = 0; half < 2; half++) {
		static Bytef packed[N];
		z_stream z = { 0 };
		deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
		z.next_in = (Bytef *)content + half * (N / 2);
		z.avail_in = N / 2;
		z.next_out = packed;
		z.avail_out = sizeof packed;
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		buffer_add(out, packed, z.total_out, &e);
		deflateEnd(&z);
	}
}

static void pack_zstd(struct buffer *out)
{
	struct cbtm_error e = { 0 };
	for (int half = 0; half < 2; half++) {
		static char packed[N];
		size_t n = ZSTD_compress(packed, sizeof packed, content + half * (N / 2), N / 2, 1);
		assert_false(ZSTD_isError(n));
		buffer_add(out, packed, n, &e);
	}
}

static int read_all(const char *path, uint64_t from, struct buffer *out, struct cbtm_error *e)
{
	enum stream_coding coding;
	struct stream *s;
	char bytes[5000];
	size_t n = 1;
	if (stream_coding(path, &coding, e) || stream_open(path, path, coding, from, &s, e))
		return e->name;
	while (n && !stream_read(s, bytes, sizeof bytes, &n, e))
		buffer_add(out, bytes, n, e);
	stream_close(s);
	return e->name;
}

static void write_file(void **state, const char *name, const struct buffer *b)
{
	struct cbtm_error e = { 0 };
	assert_int_equal(file_replace(scratch_path(state, name), b->data, b->n, &e), 0);
}

static void fill(void)
{
	uint32_t x = 1;
	for (size_t i = 0; i < N; i++) {
		x = x * 1664525 + 1013904223;
		content[i] = (char)('a' + (x >> 28));
	}
}

static void check(void **state, const char *name)
{
	for (uint64_t from = 0; from < N; from += 111111) {
		struct cbtm_error e = { 0 };
		struct buffer b = { 0 };
		assert_int_equal(read_all(scratch_path(state, name), from, &b, &e), 0);
		assert_int_equal(b.n, N - from);
		assert_memory_equal(b.data, content + from, b.n);
		buffer_free(&b);
	}
}

static void test_all_codings_give_the_same_bytes_from_any_place(void **state)
{
	struct cbtm_error e = { 0 };
	struct buffer b = { 0 };
	fill();
	buffer_add(&b, content, N, &e);
	write_file(state, "plain", &b);
	check(state, "plain");
	buffer_clear(&b);
	pack_gzip(&b);
	write_file(state, "a.gz", &b);
	write_file(state, "gzip-without-a-name", &b);
	check(state, "a.gz");
	check(state, "gzip-without-a-name");
	buffer_clear(&b);
	pack_zstd(&b);
	write_file(state, "a.zst", &b);
	write_file(state, "zstd-without-a-name", &b);
	check(state, "a.zst");
	check(state, "zstd-without-a-name");
	buffer_free(&b);
}

static void cut_off(void **state, const char *name, void (*pack)(struct buffer *))
{
	struct buffer b = { 0 };
	fill();
	pack(&b);
	for (size_t n = b.n - 1; n > b.n / 2 + 2000; n -= 9973) {
		struct buffer part = { b.data, n, b.capacity }, out = { 0 };
		struct cbtm_error e = { 0 };
		write_file(state, name, &part);
		assert_int_equal(read_all(scratch_path(state, name), 0, &out, &e), CBTM_ERR_BAD_DATA);
		assert_non_null(strstr(e.where, name));
		assert_non_null(strstr(e.what, "cut off"));
		assert_true(out.n <= N);
		buffer_free(&out);
	}
	buffer_free(&b);
}

static void test_a_file_that_is_cut_off_is_an_error(void **state)
{
	cut_off(state, "a.gz", pack_gzip);
	cut_off(state, "a.zst", pack_zstd);
}

static void test_damage_and_wrong_names_are_errors(void **state)
{
	static const char *const names[] = { "a.gz", "a.zst" };
	for (int i = 0; i < 2; i++) {
		struct buffer b = { 0 }, out = { 0 };
		struct cbtm_error e = { 0 };
		buffer_text(&b, "{\"text\": \"not packed at all\"}\n", &e);
		write_file(state, names[i], &b);
		assert_int_equal(read_all(scratch_path(state, names[i]), 0, &out, &e), CBTM_ERR_BAD_DATA);
		assert_non_null(strstr(e.what, "its name promises"));
		buffer_free(&b);
		buffer_free(&out);
	}
}

/* As gzip and Python have it: padding is no data, anything else behind a member is damage. */
static void test_zeros_behind_gzip_members_are_padding(void **state)
{
	struct buffer one = { 0 }, b = { 0 }, out = { 0 };
	struct cbtm_error e = { 0 };
	static const char zeros[1 << 19];
	pack_gzip(&one);
	for (int i = 0; i < 2; i++) {
		buffer_add(&b, one.data, one.n, &e);
		buffer_add(&b, zeros, i ? sizeof zeros : 3, &e);
	}
	write_file(state, "a.gz", &b);
	assert_int_equal(read_all(scratch_path(state, "a.gz"), 0, &out, &e), 0);
	assert_int_equal(out.n, 2 * N);
	assert_memory_equal(out.data + N, content, N);
	buffer_add(&b, "x", 1, &e);
	write_file(state, "a.gz", &b);
	assert_int_not_equal(read_all(scratch_path(state, "a.gz"), 0, &out, &e), 0);
	e = (struct cbtm_error){ 0 };
	buffer_clear(&b);
	buffer_add(&b, zeros, 1, &e);
	buffer_add(&b, one.data, one.n, &e);
	write_file(state, "a.gz", &b);
	assert_int_equal(read_all(scratch_path(state, "a.gz"), 0, &out, &e), CBTM_ERR_BAD_DATA);
	buffer_free(&one);
	buffer_free(&b);
	buffer_free(&out);
}

/* Frames to be skipped stand before, between and behind, also where no name tells the coding. */
static void test_frames_that_are_no_data_are_skipped(void **state)
{
	static const char skipped[] = "\x50\x2a\x4d\x18\x05\0\0\0abcde";
	struct buffer one = { 0 }, b = { 0 }, out = { 0 };
	struct cbtm_error e = { 0 };
	pack_zstd(&one);
	for (int i = 0; i < 2; i++) {
		buffer_add(&b, skipped, 13, &e);
		buffer_add(&b, one.data, one.n, &e);
		buffer_add(&b, skipped, 13, &e);
	}
	write_file(state, "a", &b);
	assert_int_equal(read_all(scratch_path(state, "a"), 0, &out, &e), 0);
	assert_int_equal(out.n, 2 * N);
	assert_memory_equal(out.data, content, N);
	assert_memory_equal(out.data + N, content, N);
	buffer_free(&one);
	buffer_free(&b);
	buffer_free(&out);
}

static void test_a_window_over_the_limit_is_refused_with_what_to_do(void **state)
{
	/* A header that asks for 2^31 bytes, then nothing. */
	static const char header[] = "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00";
	struct buffer b = { 0 }, out = { 0 };
	struct cbtm_error e = { 0 };
	buffer_add(&b, header, 9, &e);
	write_file(state, "a.zst", &b);
	assert_int_equal(read_all(scratch_path(state, "a.zst"), 0, &out, &e), CBTM_ERR_BAD_DATA);
	assert_non_null(strstr(e.what, "128 MiB"));
	assert_non_null(strstr(e.hint, "--long=27"));
	buffer_free(&b);
	buffer_free(&out);
}

static void test_an_empty_file_is_at_its_end(void **state)
{
	struct buffer empty = { 0 }, out = { 0 };
	struct cbtm_error e = { 0 };
	write_file(state, "empty", &empty);
	assert_int_equal(read_all(scratch_path(state, "empty"), 0, &out, &e), 0);
	assert_int_equal(out.n, 0);
	assert_int_equal(read_all(scratch_path(state, "nowhere"), 0, &out, &e), CBTM_ERR_MISSING_INPUT);
	buffer_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_codings_give_the_same_bytes_from_any_place,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_file_that_is_cut_off_is_an_error, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_damage_and_wrong_names_are_errors, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_zeros_behind_gzip_members_are_padding, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_frames_that_are_no_data_are_skipped, scratch_make,
		                                scratch_remove),
		cmocka_unit_test_setup_teardown(test_a_window_over_the_limit_is_refused_with_what_to_do,
		                                scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(test_an_empty_file_is_at_its_end, scratch_make,
		                                scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
