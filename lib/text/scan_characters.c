/* SPDX-License-Identifier: MIT */
/* Codes of characters: those of ASCII as a table, the others by decoding UTF-8. */
#include "text/scan.h"
#include "text/unicode.h"

#define L UNICODE_LETTER
#define N UNICODE_NUMBER
#define S UNICODE_SPACE
#define O UNICODE_OTHER
enum {
	NUL = UNICODE_OTHER | 1 << SCAN_SDMT,
	BLANK = UNICODE_SPACE | 1 << SCAN_MARK,
	QUOTE = UNICODE_OTHER | 1 << SCAN_MARK,
	SDMT = UNICODE_LETTER | 1 << SCAN_SDMT,
	EL = UNICODE_LETTER | 1 << SCAN_L,
	E = UNICODE_LETTER | 1 << SCAN_E,
	VR = UNICODE_LETTER | 1 << SCAN_VR,
	INNER = 1 << SCAN_INNER
};

/* clang-format off */
const uint8_t scan_codes[256] = {
	NUL,   O, O, O, O,    O, O, O,     O, S, S, S, S,  S, O, O,  O, O, O,  O,    O,    O, O,  O, O, O, O, O, O, O, O, O,
	BLANK, O, O, O, O,    O, O, QUOTE, O, O, O, O, O,  O, O, O,  N, N, N,  N,    N,    N, N,  N, N, N, O, O, O, O, O, O,
	O,     L, L, L, L,    L, L, L,     L, L, L, L, L,  L, L, L,  L, L, L,  L,    L,    L, L,  L, L, L, L, O, O, O, O, O,
	O,     L, L, L, SDMT, E, L, L,     L, L, L, L, EL, SDMT, L, L, L, L, VR, SDMT, SDMT, L, VR, L, L, L, L, O, O, O, O, O,
	O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
	O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
	O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
	O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
};
/* clang-format on */

static inline bool continues(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* The character at p, of which n bytes may be read: its length; 0 if it is not valid. */
static inline unsigned character(const unsigned char *p, size_t n, uint32_t *point)
{
	uint32_t c = p[0];

	if (c < 0xe0) {
		*point = (c & 0x1f) << 6 | (n > 1 ? p[1] & 0x3fu : 0);
		return c >= 0xc2 && n > 1 && continues(p[1]) ? 2 : 0;
	}
	if (c < 0xf0) {
		if (n < 3 || !continues(p[1]) || !continues(p[2]))
			return 0;
		*point = c = (c & 0xf) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
		return c >= 0x800 && (c < 0xd800 || c > 0xdfff) ? 3 : 0;
	}
	if (n < 4 || c > 0xf4 || !continues(p[1]) || !continues(p[2]) || !continues(p[3]))
		return 0;
	*point = c = (c & 7) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
	return c >= 0x10000 && c < UNICODE_POINTS ? 4 : 0;
}

void scan_characters(struct scan *s, size_t k, uint64_t high, uint8_t code[64])
{
	size_t at = scan_position(s, k);
	uint64_t edge = s->edge[k], next_edge = s->edge[k + 1];

	for (unsigned i = 0; i < s->over; i++)
		code[i] = s->over_code;
	high &= ~0ull << s->over;
	s->over = 0;
	while (high) {
		unsigned i = (unsigned)__builtin_ctzll(high), length, end;
		/* Bit j: a text stops behind j + 1 bytes of this character. */
		uint64_t stops = edge >> i >> 1 | next_edge << (63 - i) | 8;
		size_t left = s->n - at - i, whole = (size_t)__builtin_ctzll(stops) + 1;
		const unsigned char *p = (const unsigned char *)s->text + at + i;
		uint32_t point;
		uint8_t class;

		high &= high - 1;
		if (p[0] < 0xc2)
			continue;
		length = character(p, left < whole ? left : whole, &point);
		if (!length)
			continue;
		class = s->flags[point] & UNICODE_CLASS;
		end = i + length;
		code[i] = class;
		if (class == UNICODE_SPACE)
			class |= INNER;
		for (unsigned j = i + 1; j < end && j < 64; j++)
			code[j] = class;
		if (end >= 64) {
			s->over = (uint8_t)(end - 64);
			s->over_code = class;
			return;
		}
		high &= ~0ull << end;
	}
}
