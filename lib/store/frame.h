/* SPDX-License-Identifier: MIT */
/*
 * A writer of zstd's frames (RFC 8878) for what is written by the gigabyte: text and token ids. Any
 * zstd library reads them. Matches are found at anchors (matches.h); literals, and what tells of
 * matches, are coded as the format has it (huffman.h, fse.h), the former by the code of the piece
 * before where that does.
 */
#pragma once
#include "base/error.h"
#include "store/huffman.h"
#include "store/matches.h"

enum { FRAME_LEAST = 4 << 10, FRAME_MOST = 8 << 20 /* bytes of what it is meant for */ };

/* All give the same frames. */
struct frame_kernel {
	const char *name;
	matches_finder *find;
	huffman_stream *stream;
};

/* The kernels that this processor has, the fastest first, the plain one last, then NULL. */
const struct frame_kernel *const *frame_kernels(void);

/* Memory of one thread. NULL and a MEMORY error if there is none. Free with free(). */
struct frame_writer;
struct frame_writer *frame_writer_new(const struct frame_kernel *k, struct cbtm_error *e);

/* Bytes that a frame of n may have at most. */
size_t frame_bound(size_t n);
/* Writes a frame of raw[0 .. n), FRAME_LEAST to FRAME_MOST bytes; returns its size. */
size_t frame_write(struct frame_writer *w, const void *raw, size_t n, void *frame);
