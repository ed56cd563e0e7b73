/* SPDX-License-Identifier: MIT */
#include "store/block.h"
#include "store/sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include <cmocka.h>

static const struct block_place place = { { 1, 2 }, "text", 7 };
static const struct block_limits any = { UINT32_MAX, STORE_RAW_BYTES_MAX };

struct fixture {
	struct block_codec *codec;
	struct buffer value;
};

static int set_up(void **state)
{
	struct cbtm_error e = { 0 };
	struct fixture *f = calloc(1, sizeof *f);
	f->codec = block_codec_new(&e);
	*state = f;
	return e.name;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	block_codec_free(f->codec);
	buffer_free(&f->value);
	free(f);
	return 0;
}

static int decode_at(struct fixture *f, const struct block_place *at,
                     const struct block_limits *limits, struct block *b)
{
	struct cbtm_error e = { 0 };
	return block_decode(f->codec, at, limits, f->value.data, f->value.n, "x", b, &e);
}

static void encode(struct fixture *f, uint64_t rows, const void *raw, size_t n, int level)
{
	struct cbtm_error e = { 0 };
	buffer_clear(&f->value);
	sample_ok(block_encode(f->codec, &place, rows, raw, n, level, &f->value, &e), &e);
}

static void test_raw_and_compressed_read_back(void **state)
{
	struct fixture *f = *state;
	static char raw[100000];
	struct block b;
	for (size_t i = 0; i < sizeof raw; i++)
		raw[i] = (char)(i * i >> 9);
	for (int level = -1; level <= 19; level += 5) {
		encode(f, 10, raw, sizeof raw, level);
		assert_true(level < 0 ? f->value.n == sizeof raw + BLOCK_HEADER : f->value.n < sizeof raw);
		assert_int_equal(decode_at(f, &place, &any, &b), 0);
		assert_int_equal(b.rows, 10);
		assert_int_equal(b.n, sizeof raw);
		assert_memory_equal(b.raw, raw, sizeof raw);
	}
	encode(f, 3, "", 0, 0);
	assert_int_equal(decode_at(f, &place, &any, &b), 0);
	assert_int_equal(b.n, 0);
}

static void test_block_of_another_place_is_refused(void **state)
{
	struct fixture *f = *state;
	struct block b;
	const struct block_place others[] = { { { 1, 3 }, "text", 7 },
		                                  { { 2, 2 }, "text", 7 },
		                                  { { 1, 2 }, "texu", 7 },
		                                  { { 1, 2 }, "text", 8 } };
	encode(f, 1, "some text", 9, 0);
	assert_int_equal(decode_at(f, &place, &any, &b), 0);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_int_equal(decode_at(f, &others[i], &any, &b), CBTM_ERR_BAD_STORE);
}

static void test_every_changed_bit_is_seen(void **state)
{
	struct fixture *f = *state;
	static char raw[600];
	struct block b;
	for (int level = -1; level <= 0; level++) {
		memset(raw, 'a', sizeof raw);
		memcpy(raw + 100, "and something else", 18);
		encode(f, 4, raw, sizeof raw, level);
		for (size_t bit = 0; bit < 8 * f->value.n; bit++) {
			f->value.data[bit / 8] ^= (char)(1 << bit % 8);
			int rc = decode_at(f, &place, &any, &b);
			/* A frame may have bits that mean nothing; then the rows are the same. */
			if (!rc)
				assert_true(b.rows == 4 && b.n == sizeof raw && !memcmp(b.raw, raw, b.n));
			if (!rc)
				assert_int_equal(level, 0);
			f->value.data[bit / 8] ^= (char)(1 << bit % 8);
		}
		for (size_t n = 0; n < f->value.n; n++) {
			struct cbtm_error e = { 0 };
			assert_int_equal(block_decode(f->codec, &place, &any, f->value.data, n, "x", &b, &e),
			                 CBTM_ERR_BAD_STORE);
		}
	}
}

static void put_header(struct fixture *f, uint32_t rows, uint32_t raw, uint8_t codec)
{
	struct cbtm_error e = { 0 };
	const unsigned char tail[4] = { codec, 0, 0, 0 };
	buffer_clear(&f->value);
	buffer_u32(&f->value, rows, &e);
	buffer_u32(&f->value, raw, &e);
	buffer_u32(&f->value, 0, &e);
	buffer_add(&f->value, tail, 4, &e);
}

static void test_bombs_are_refused_before_memory_is_taken(void **state)
{
	struct fixture *f = *state;
	struct cbtm_error e = { 0 };
	struct block b;
	const struct block_limits limits = { 10, 1 << 28 };
	/* Nine bytes that ask for a window of 512 MiB. */
	static const unsigned char window[] = { 0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x98, 0x01, 0x00, 0x00 };
	put_header(f, 1, 1 << 28, 1);
	buffer_add(&f->value, window, sizeof window, &e);
	assert_int_equal(decode_at(f, &place, &limits, &b), CBTM_ERR_BAD_STORE);
	/* 256 MiB of zeros in a frame of a few kB. */
	const size_t n = 1 << 28;
	char *zeros = calloc(1, n), *frame = malloc(1 << 20);
	put_header(f, 1, 1 << 28, 1);
	buffer_add(&f->value, frame, ZSTD_compress(frame, 1 << 20, zeros, n, 3), &e);
	assert_true(f->value.n < n / 1000);
	assert_int_equal(decode_at(f, &place, &limits, &b), CBTM_ERR_BAD_STORE);
	free(zeros);
	free(frame);
	/* Counts beyond the column. */
	put_header(f, 11, 0, 0);
	assert_int_equal(decode_at(f, &place, &limits, &b), CBTM_ERR_BAD_STORE);
	put_header(f, 1, UINT32_MAX, 0);
	assert_int_equal(decode_at(f, &place, &any, &b), CBTM_ERR_BAD_STORE);
	put_header(f, 0, 0, 0);
	assert_int_equal(decode_at(f, &place, &limits, &b), CBTM_ERR_BAD_STORE);
}

static void test_honest_zeros_are_not_taken_for_a_bomb(void **state)
{
	struct fixture *f = *state;
	const size_t n = 8 << 20;
	struct block b;
	char *zeros = calloc(1, n);
	encode(f, 1, zeros, n, 0);
	assert_int_equal(decode_at(f, &place, &any, &b), 0);
	assert_int_equal(b.n, n);
	free(zeros);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_raw_and_compressed_read_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_block_of_another_place_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_every_changed_bit_is_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bombs_are_refused_before_memory_is_taken, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_honest_zeros_are_not_taken_for_a_bomb, set_up,
		                                tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
