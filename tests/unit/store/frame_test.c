/* SPDX-License-Identifier: MIT */
#include "store/frame.h"
#include "store/sample.h"
#include "store/texts.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include <cmocka.h>

static const size_t sizes[] = {
	FRAME_LEAST, 5003, MATCHES_BYTES, MATCHES_BYTES + 1, 262144, 300001
};
enum { SIZES = sizeof sizes / sizeof *sizes };

static struct frame_writer *new_writer(const struct frame_kernel *k)
{
	struct cbtm_error e = { 0 };
	struct frame_writer *w = frame_writer_new(k, &e);

	sample_ok(e.name, &e);
	return w;
}

/* zstd's own library reads it. */
static void check(struct frame_writer *w, const unsigned char *text, size_t n, size_t most)
{
	unsigned char *frame = malloc(frame_bound(n)), *back = malloc(n);
	size_t size = frame_write(w, text, n, frame);

	assert_true(size <= frame_bound(n) && size <= most);
	assert_int_equal(ZSTD_getFrameContentSize(frame, size), n);
	assert_int_equal(ZSTD_findFrameCompressedSize(frame, size), size);
	assert_int_equal(ZSTD_decompress(back, n, frame, size), n);
	assert_memory_equal(back, text, n);
	free(frame);
	free(back);
}

static void test_zstd_reads_every_frame(void **state)
{
	(void)state;
	for (const struct frame_kernel *const *k = frame_kernels(); *k; k++) {
		struct frame_writer *w = new_writer(*k);

		for (unsigned kind = 0; kind < TEXTS_KINDS; kind++)
			for (size_t s = 0; s < SIZES; s++)
				for (unsigned seed = 0; seed < 3; seed++) {
					unsigned char *text = texts_make(kind, sizes[s], seed);
					check(w, text, sizes[s], frame_bound(sizes[s]));
					free(text);
				}
		free(w);
	}
}

/* Kinds one behind another, cut anywhere: pieces that are coded by the code of the one before. */
static void test_zstd_reads_mixtures(void **state)
{
	enum { N = 500000 };
	struct frame_writer *w = new_writer(*frame_kernels());
	unsigned char *text = malloc(N);

	(void)state;
	for (unsigned seed = 0; seed < 60; seed++) {
		for (size_t at = 0, turn = seed; at < N; turn++) {
			size_t n = 1 + (turn * 7919 + seed * 104729) % 90000;
			unsigned char *some = texts_make((turn * turn + seed / 9) % TEXTS_KINDS, n, seed);

			n = n < N - at ? n : N - at;
			memcpy(text + at, some, n);
			at += n;
			free(some);
		}
		check(w, text, N - seed, frame_bound(N));
	}
	free(text);
	free(w);
}

static void test_frames_are_small(void **state)
{
	static const struct {
		enum texts_kind kind;
		unsigned percent; /* of the bytes, at most */
	} expected[] = { { TEXTS_WORDS, 56 }, { TEXTS_IDS, 94 },   { TEXTS_RUN, 1 },
		             { TEXTS_PERIOD, 1 }, { TEXTS_LINES, 22 }, { TEXTS_RARE, 64 } };
	struct frame_writer *w = new_writer(*frame_kernels());

	(void)state;
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		unsigned char *text = texts_make(expected[i].kind, 262144, 1);

		check(w, text, 262144, 262144 / 100 * expected[i].percent);
		free(text);
	}
	free(w);
}

/* A frame tells nothing of what was written before it. */
static void test_frames_do_not_depend_on_those_before(void **state)
{
	struct frame_writer *w = new_writer(*frame_kernels());
	unsigned char *text = texts_make(TEXTS_WORDS, 262144, 1),
				  *other = texts_make(TEXTS_LINES, 262144, 2);
	unsigned char *first = malloc(frame_bound(262144)), *second = malloc(frame_bound(262144));
	size_t n = frame_write(w, text, 262144, first);

	(void)state;
	frame_write(w, other, 262144, second);
	assert_int_equal(frame_write(w, text, 262144, second), n);
	assert_memory_equal(first, second, n);
	free(text);
	free(other);
	free(first);
	free(second);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zstd_reads_every_frame),
		cmocka_unit_test(test_zstd_reads_mixtures),
		cmocka_unit_test(test_frames_are_small),
		cmocka_unit_test(test_frames_do_not_depend_on_those_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
