/* SPDX-License-Identifier: MIT */
/*
 * What the partial file says of a packed block: the digest of its raw bytes, and where the value of
 * the sealed file is. A value that a leaf of the sealed file holds lies behind the record; behind it
 * come a tensor's CRCs.
 */
#pragma once
#include "base/buffer.h"
#include "base/digest.h"
#include "store/column.h"
#include <stdbool.h>

struct packed_record {
	struct digest raw;    /* of its raw bytes */
	uint64_t rows, raw_n; /* raw_n: bytes */
	uint64_t at, n;       /* page in the file of blocks, 0: behind the record; bytes of the value */
	const unsigned char *value, *crcs; /* value: NULL if it is on pages */
	size_t crcs_n;
};

/* Appends it with its value, if at = 0, and CRCs. */
int packed_record_write(const struct packed_record *r, struct buffer *out, struct cbtm_error *e);
/* Reads p[0..n), to which *r then points; false if that is no record. */
bool packed_record_read(const void *p, size_t n, struct packed_record *r);

/*
 * Values come into the sealed file in an order that follows from the rows alone: tensors first, then the
 * others as their rows were complete: a variable column's block when the row behind it came, a fixed
 * one's when it was full, what was open at the end last; then by the names of columns, then by rows.
 * The order's first number: `rows` is that of the column, `full` that of a full block (of no account
 * for a variable column), `end` the row behind the block.
 */
uint64_t packed_time(enum store_shape shape, uint64_t end, uint64_t block, uint64_t full,
                     uint64_t rows);
