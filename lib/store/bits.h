/* SPDX-License-Identifier: MIT */
/* Bits on their way into bytes, the lowest first, as zstd's bit streams have them. */
#pragma once
#include <stdint.h>
#include <string.h>

struct bits {
	uint64_t waiting; /* the lowest n bits */
	unsigned n;
	unsigned char *at; /* up to 8 bytes are written there, also beyond the end */
};

/* The lowest `n` bits of v, which has no others; at most 57 in all between two flushes. */
static inline void bits_put(struct bits *b, uint64_t v, unsigned n)
{
	b->waiting |= v << b->n;
	b->n += n;
}

/* Fewer than 8 bits wait. */
static inline void bits_flush(struct bits *b)
{
	memcpy(b->at, &b->waiting, sizeof b->waiting);
	b->at += b->n >> 3;
	b->waiting >>= b->n & 56;
	b->n &= 7;
}

/* Whole bytes, with zeros; returns their end. */
static inline unsigned char *bits_end(struct bits *b)
{
	bits_flush(b);
	return b->at + (b->n > 0);
}

/* The same for a stream that is read from its end, which a bit 1 marks. */
static inline unsigned char *bits_end_mark(struct bits *b)
{
	bits_put(b, 1, 1);
	return bits_end(b);
}
