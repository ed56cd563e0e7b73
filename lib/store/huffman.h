/* SPDX-License-Identifier: MIT */
/*
 * Huffman's code as zstd's literals have it (RFC 8878, section 4.2): of at most HUFFMAN_BITS bits a
 * byte; four streams of a quarter of the bytes each, which are read from their ends.
 */
#pragma once
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HUFFMAN_BITS = 11,
	HUFFMAN_TREE = 130, /* bytes of a description, at most */
	HUFFMAN_STREAMS = 4,
	HUFFMAN_JUMPS = 6,  /* bytes that tell where streams begin */
	HUFFMAN_LEAST = 64, /* bytes that it is used for */
	HUFFMAN_EXCESS = 64 /* bytes that a writer of a stream may write behind it */
};

struct huffman {
	/* A byte's code and how many bits it has, in two ways: code | bits << 12, and as bytes for
	 * lookups in registers: the code's lower 8 bits; the others | bits << 4. */
	uint16_t code[256];
	alignas(64) uint8_t low[256], high[256];
	unsigned char tree[HUFFMAN_TREE];
	size_t tree_n;
	size_t bits; /* of all bytes together */
};

/* count[c]: how often byte c comes; several bytes come, together at most 2^17 times. False if the
 * code cannot be described: then it would gain nothing. */
bool huffman_make(struct huffman *h, const uint32_t count[256]);

/* How often bytes come. */
void huffman_count(const unsigned char *text, size_t n, uint32_t count[256]);

/* A stream of the codes of text[0 .. n); returns its end, NULL if some byte has none. */
typedef unsigned char *huffman_stream(const struct huffman *h, const unsigned char *text, size_t n,
                                      unsigned char *to);
huffman_stream huffman_stream_plain, huffman_stream_avx512;

/* Jumps and streams of n >= HUFFMAN_LEAST bytes (at most 2^17); returns their end, NULL if some
 * byte has no code. */
unsigned char *huffman_write(const struct huffman *h, huffman_stream *stream,
                             const unsigned char *text, size_t n, unsigned char *to);
