/* SPDX-License-Identifier: MIT */
/*
 * GPT-2's pre-tokenizer on a chunk of bytes at a time. Each byte of a block of 64 gets a code; bit b of
 * the codes of a block is a word, its plane b. Where pieces start follows from shifts, ands and ors
 * of these words, without looking at characters again. The pieces are those of pretoken_end.
 *
 * A chunk is SCAN_BLOCKS blocks. Planes are kept of the block before it and of the one behind it,
 * so that neither edge of a chunk is special.
 */
#pragma once
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCAN_BLOCKS = 48, SCAN_BYTES = SCAN_BLOCKS * 64, SCAN_STRIDE = SCAN_BLOCKS + 8 };

/* Bits of a byte's code. The class is that of its character, as in lib/text/unicode.h; bytes that
 * are no valid UTF-8 are UNICODE_OTHER. */
enum {
	SCAN_LOW, /* the class, two bits */
	SCAN_HIGH,
	SCAN_MARK,  /* of white space: ' '; of the others: an apostrophe */
	SCAN_SDMT,  /* of letters: s, d, m or t; of the others: NUL */
	SCAN_L,     /* l */
	SCAN_E,     /* e */
	SCAN_VR,    /* v or r */
	SCAN_INNER, /* a byte of white space that is not its character's first */
	SCAN_PLANES
};

struct scan_kernel;

struct scan {
	/* Of the chunk: bit i of start[b] tells whether a piece starts at text[at + 64 b + i]. The end
	 * of the last text counts as one. */
	alignas(64) uint64_t start[SCAN_BLOCKS];
	size_t at;
	bool nul; /* whether a byte of it, or of the block behind it, is NUL */

	/* Inside: [0] is the block before the chunk, [1 + b] is block b. */
	alignas(64) uint64_t plane[SCAN_PLANES][SCAN_STRIDE];
	uint64_t edge[SCAN_STRIDE]; /* texts start or stop here */
	uint64_t two, three;        /* contractions of so many bytes in the block before the chunk */
	uint8_t over, over_code;    /* so many bytes of the next block belong to a character before */
	const struct scan_kernel *kernel;
	const uint8_t *flags;
	const char *text;
	const size_t *text_start, *text_stop;
	size_t n, texts, edges; /* the last stop; texts; starts and stops that `edge` has had */
};

/* One processor's way. Both work on s alone. */
struct scan_kernel {
	const char *name;
	/* Planes of blocks [first, first + blocks), counted as in `plane`. */
	void (*classify)(struct scan *s, size_t first, size_t blocks);
	/* Planes and edges -> start, nul, two, three. */
	void (*starts)(struct scan *s);
};
extern const struct scan_kernel scan_plain;

/* Begins with texts[start[i] .. stop[i]), start[i] <= stop[i] <= start[i + 1], texts > 0. All must
 * live on. Pieces are looked for between the texts as well, but none crosses a start or stop. */
void scan_begin(struct scan *s, const struct scan_kernel *kernel, const char *text,
                const size_t *start, const size_t *stop, size_t texts);
/* The next chunk; false: there is none. */
bool scan_next(struct scan *s);

/* ---------------------------------------------------------------- for kernels */
/* The codes of all bytes; those from 0x80 have that of UNICODE_OTHER. */
extern const uint8_t scan_codes[256];
/* Where block k begins. */
static inline size_t scan_position(const struct scan *s, size_t k)
{
	return s->at + 64 * k - 64;
}
/* Puts the characters of two bytes and more into the codes of block k: code has them of all bytes
 * as in scan_codes. `high`: which bytes are 0x80 and more. */
void scan_characters(struct scan *s, size_t k, uint64_t high, uint8_t code[64]);
