/* SPDX-License-Identifier: MIT */
#include "text/scan.h"
#include "text/unicode.h"
#include <string.h>

enum { AHEAD = SCAN_BLOCKS + 1, EDGED = SCAN_BLOCKS + 2 }; /* the last blocks with planes; edges */

/* Marks the starts and stops of texts before the end of block EDGED. */
static void mark_edges(struct scan *s)
{
	size_t first = scan_position(s, 0), end = scan_position(s, EDGED + 1);

	for (; s->edges < 2 * s->texts; s->edges++) {
		size_t at = (s->edges % 2 ? s->text_stop : s->text_start)[s->edges / 2];
		if (at - first >= end - first)
			return;
		s->edge[(at - first) / 64] |= 1ull << (at - first) % 64;
	}
}

void scan_begin(struct scan *s, const struct scan_kernel *kernel, const char *text,
                const size_t *start, const size_t *stop, size_t texts)
{
	memset(s, 0, sizeof *s);
	s->kernel = kernel;
	s->flags = unicode_flags();
	s->text = text;
	s->text_start = start;
	s->text_stop = stop;
	s->texts = texts;
	s->n = stop[texts - 1];
	/* As if a chunk lay before: its last block but one and the one ahead are the first two here. */
	s->at = start[0] - SCAN_BYTES;
	mark_edges(s);
	kernel->classify(s, AHEAD, 1);
}

bool scan_next(struct scan *s)
{
	size_t at = s->at + SCAN_BYTES, left;

	if (at > s->n)
		return false;
	s->at = at;
	for (int b = 0; b < SCAN_PLANES; b++)
		memcpy(s->plane[b], s->plane[b] + SCAN_BLOCKS, 2 * sizeof **s->plane);
	memmove(s->edge, s->edge + SCAN_BLOCKS, 3 * sizeof *s->edge);
	memset(s->edge + 3, 0, sizeof s->edge - 3 * sizeof *s->edge);
	mark_edges(s);
	s->kernel->classify(s, 2, SCAN_BLOCKS);
	s->kernel->starts(s);
	left = s->n - at;
	for (size_t b = left / 64; left < SCAN_BYTES && b < SCAN_BLOCKS; b++)
		s->start[b] &= b == left / 64 ? (2ull << left % 64) - 1 : 0;
	return true;
}

/* ---------------------------------------------------------------- the portable kernel */
/* Bit b of byte i becomes bit i of byte b. */
static uint64_t transposed(uint64_t x)
{
	uint64_t t;

	t = (x ^ x >> 7) & 0x00aa00aa00aa00aau;
	x ^= t ^ t << 7;
	t = (x ^ x >> 14) & 0x0000cccc0000ccccu;
	x ^= t ^ t << 14;
	t = (x ^ x >> 28) & 0x00000000f0f0f0f0u;
	return x ^ t ^ t << 28;
}

static void classify_block(struct scan *s, size_t k)
{
	size_t at = scan_position(s, k), n = at < s->n ? s->n - at : 0;
	uint8_t code[64] = { 0 };
	uint64_t high = 0;

	n = n < 64 ? n : 64;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s->text[at + i];
		code[i] = scan_codes[c];
		high |= (uint64_t)(c >> 7) << i;
	}
	if (high | s->over)
		scan_characters(s, k, high, code);
	for (int b = 0; b < SCAN_PLANES; b++)
		s->plane[b][k] = 0;
	for (size_t i = 0; i < 64; i += 8) {
		uint64_t x = 0;
		for (size_t j = 0; j < 8; j++)
			x |= (uint64_t)code[i + j] << 8 * j;
		x = transposed(x);
		for (int b = 0; b < SCAN_PLANES; b++)
			s->plane[b][k] |= (x >> 8 * b & 0xff) << i;
	}
}

static void classify(struct scan *s, size_t first, size_t blocks)
{
	for (size_t k = first; k < first + blocks; k++)
		classify_block(s, k);
}

/* The word as seen from `by` bytes before, of a plane at block k; and from a byte behind. */
static inline uint64_t later(const uint64_t *plane, size_t k, int by)
{
	return plane[k] >> by | plane[k + 1] << (64 - by);
}
static inline uint64_t earlier(const uint64_t *plane, size_t k)
{
	return plane[k] << 1 | plane[k - 1] >> 63;
}

static void starts(struct scan *s)
{
	const uint64_t *low = s->plane[SCAN_LOW], *high = s->plane[SCAN_HIGH], *edge = s->edge;
	const uint64_t *mark = s->plane[SCAN_MARK], *sdmt = s->plane[SCAN_SDMT], *l = s->plane[SCAN_L];
	const uint64_t *e = s->plane[SCAN_E], *vr = s->plane[SCAN_VR], *inner = s->plane[SCAN_INNER];
	uint64_t space[SCAN_BLOCKS + 2], blank[SCAN_BLOCKS + 2], real[SCAN_BLOCKS + 2], nul = 0;

	for (size_t k = 0; k < SCAN_BLOCKS + 2; k++) {
		space[k] = high[k] & ~low[k];
		blank[k] = mark[k] & space[k];
		real[k] = ~space[k] & ~edge[k];
		nul |= k ? sdmt[k] & low[k] : 0;
	}
	for (size_t k = 1; k <= SCAN_BLOCKS; k++) {
		uint64_t changed = (low[k] ^ earlier(low, k)) | (high[k] ^ earlier(high, k));
		uint64_t start = (changed & ~earlier(blank, k)) | edge[k];
		uint64_t inner1 = later(inner, k, 1), inner2 = later(inner, k, 2);
		uint64_t last = (~inner1 & later(real, k, 1)) | (inner1 & ~inner2 & later(real, k, 2)) |
		                (inner1 & inner2 & later(real, k, 3));
		uint64_t whole1 = ~later(edge, k, 1), whole2 = whole1 & ~later(edge, k, 2), quote, two,
				 three;

		start |= space[k] & ~inner[k] & last;
		quote = start & mark[k] & low[k] & high[k];
		two = quote & later(sdmt, k, 1) & ~later(low, k, 1) & whole1;
		three = quote & whole2 &
		        ((later(l, k, 1) & later(l, k, 2)) | (later(vr, k, 1) & later(e, k, 2)));
		start &= ~((two | three) << 1 | (s->two | s->three) >> 63);
		s->start[k - 1] = start | two << 2 | s->two >> 62 | three << 3 | s->three >> 61;
		s->two = two;
		s->three = three;
	}
	s->nul = nul;
}

const struct scan_kernel scan_plain = { "plain", classify, starts };
