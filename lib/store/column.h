/* SPDX-License-Identifier: MIT */
/*
 * What a column is: its type, its shape, and where its blocks end. Block borders follow from the
 * rows alone, so the same rows give the same blocks however they were appended and committed.
 */
#pragma once
#include "store/store.h"

enum {
	STORE_NAME_MAX = 200,             /* bytes of a column's or fact's name */
	STORE_BLOCK_BYTES = 256 << 10,    /* raw size at which a block is closed */
	STORE_TENSOR_BYTES = 64 << 20,    /* the same for a tensor's value */
	STORE_TENSOR_CHUNK = 256 << 10,   /* bytes under one CRC of a tensor */
	STORE_RAW_BYTES_MAX = 1 << 30,    /* no block or row is larger, in bytes */
	STORE_CURSOR_BYTES_MAX = 1 << 20, /* a resume cursor */
	STORE_DEFAULT_LEVEL = 3           /* zstd */
};

bool store_type_find(const char *name, size_t n, enum store_type *t);
bool store_shape_find(const char *name, size_t n, enum store_shape *s);

/* 1 to STORE_NAME_MAX bytes of A-Z a-z 0-9 . _ - and not a dot first: else USAGE. */
int column_check_name(const char *name, struct cbtm_error *e);

/* Bytes of a row of `width` elements; false if it overflows or is larger than any block may be. */
bool column_row_bytes(enum store_type type, uint64_t width, uint64_t *bytes);

/* Rows of a full block of a FIXED or TENSOR column; at least 1. */
uint64_t column_block_rows(enum store_shape shape, uint64_t row_bytes);

/*
 * VARIABLE: true if a block of `rows` rows and `bytes` bytes of elements must be closed before a
 * row of `more` bytes is added (each row costs 4 more bytes for its length).
 */
bool column_block_is_full(uint64_t rows, uint64_t bytes, uint64_t more);

/*
 * The digest of a column's logical content: its name, type, shape and width, then for each block
 * its number of rows and the digest of its raw bytes, then the number of rows. Where blocks end
 * follows from the rows alone, so this does too; and a block's digest is made while it is at hand.
 */
struct digest_stream *column_digest_begin(const char *name, enum store_type type,
                                          enum store_shape shape, uint64_t width,
                                          struct cbtm_error *e);
/* raw: of a block's raw bytes (elements of `rows` rows, then u32 lengths if VARIABLE). */
void column_digest_block(struct digest_stream *s, uint64_t rows, struct digest raw);
/* Frees s. */
struct digest column_digest_end(struct digest_stream *s, uint64_t rows);

/* Lengths of a VARIABLE block lie behind its elements; true if they add up to n bytes. */
bool column_lengths_fit(enum store_type type, uint64_t rows, const unsigned char *raw, size_t n);
/* The i-th of them, in elements. */
uint32_t column_length_at(const unsigned char *raw, size_t n, uint64_t rows, uint64_t i);
