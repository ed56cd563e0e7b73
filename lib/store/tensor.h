/* SPDX-License-Identifier: MIT */
/*
 * A tensor's value: whole rows, uncompressed, lying so that they can be used where they are
 * mapped. LMDB puts a value of at least a page on pages of its own behind a header of 16 bytes,
 * so a header of 48 makes the data start on 64:
 *
 *   0  u64  rows
 *   8  u64  raw size in bytes
 *  16  u32  CRC32C of (fingerprint, column, key, rows, then the CRCs of the chunks)
 *  20  u8 x 28  zero
 *  48  data, then zeros up to a page if the value would be shorter than one
 *
 * Each 256 KiB of data (the last chunk may be shorter) has a CRC32C; they lie, one u32 each, as a
 * value of the database ".crc" under the key (column, NUL, key as u64 big endian).
 */
#pragma once
#include "store/block.h"

enum { TENSOR_HEADER = 48 };

/* Bytes of the value of n raw bytes where the file has pages of `page` bytes. */
size_t tensor_value_size(size_t n, size_t page);

/* Fills value[0 .. tensor_value_size()) and *crcs (cleared first). */
int tensor_encode(const struct block_place *at, uint64_t rows, const void *raw, size_t n,
                  unsigned char *value, size_t size, struct buffer *crcs, struct cbtm_error *e);

/* Checks everything; b->raw points into `value`. */
int tensor_decode(const struct block_place *at, const struct block_limits *limits,
                  const void *value, size_t size, const void *crcs, size_t crcs_n,
                  const char *where, struct block *b, struct cbtm_error *e);
