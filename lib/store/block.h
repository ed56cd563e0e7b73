/* SPDX-License-Identifier: MIT */
/*
 * A block: consecutive rows of one column as one value of the file. Sixteen bytes of header, then
 * a zstd frame (or the raw bytes where compression gains nothing or is not wanted):
 *
 *   0  u32  rows
 *   4  u32  raw size in bytes, at most 1 GiB
 *   8  u32  CRC32C of (fingerprint, column, key, rows, raw bytes): a block that was moved to
 *           another place, column or part is found out, not only a changed one
 *  12  u8   codec: 0 raw, 1 zstd
 *  13  u8 x 3  zero
 *
 * Raw bytes are the elements of all rows; a VARIABLE column's are followed by one u32 a row, its
 * number of elements.
 */
#pragma once
#include "base/buffer.h"
#include "store/column.h"

enum { BLOCK_HEADER = 16 };

/* Where a block lies: what its CRC is bound to. */
struct block_place {
	struct digest fingerprint;
	const char *column;
	uint64_t key; /* number of its first row */
};

/* CRC32C of the place and the number of rows; goes on over the raw bytes. */
uint32_t block_crc_begin(const struct block_place *at, uint64_t rows);

/* zstd contexts and the memory of the last decoded block. Belongs to one thread. */
struct block_codec;
struct block_codec *block_codec_new(struct cbtm_error *e);
void block_codec_free(struct block_codec *c); /* NULL is fine */

/* Appends the encoded block to *out. level: 0 the default, -1 raw, STORE_FAST, else zstd's. */
int block_encode(struct block_codec *c, const struct block_place *at, uint64_t rows,
                 const void *raw, size_t n, int level, struct buffer *out, struct cbtm_error *e);

/* What a decoded block may be at most; exceeding it is BAD_STORE before memory is taken. */
struct block_limits {
	uint64_t rows;
	uint64_t raw_bytes;
};
struct block {
	uint64_t rows;
	const unsigned char *raw; /* 64-byte aligned; owned by the codec until its next call */
	size_t n;
};
/* `where` names the file in errors. */
int block_decode(struct block_codec *c, const struct block_place *at,
                 const struct block_limits *limits, const void *value, size_t n, const char *where,
                 struct block *b, struct cbtm_error *e);
