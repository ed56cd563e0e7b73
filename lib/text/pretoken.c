/* SPDX-License-Identifier: MIT */
#include "text/pretoken.h"
#include "text/encode.h"
#include "text/unicode.h"
#include "text/utf8.h"

/* The class of the character at s[at]; *length is set to its bytes. */
static inline unsigned class_at(const uint8_t *flags, const char *s, size_t n, size_t at,
                                unsigned *length)
{
	unsigned char c = (unsigned char)s[at];
	uint32_t point;

	*length = 1;
	if (c < 0x80)
		return flags[c] & UNICODE_CLASS;
	point = utf8_get(s + at, n - at, length);
	return point == UTF8_INVALID ? UNICODE_OTHER : flags[point] & UNICODE_CLASS;
}

static size_t contraction_end(const char *s, size_t n, size_t at)
{
	char a = at + 1 < n ? s[at + 1] : 0, b = at + 2 < n ? s[at + 2] : 0;

	if (a == 's' || a == 't' || a == 'm' || a == 'd')
		return at + 2;
	if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l'))
		return at + 3;
	return at;
}

/* White space: all of it at the end of the text, else all but the last character, unless it is
 * the only one. */
static size_t space_end(const uint8_t *flags, const char *s, size_t n, size_t at)
{
	size_t end = at, last = at;
	unsigned length;

	while (end < n && class_at(flags, s, n, end, &length) == UNICODE_SPACE) {
		last = end;
		end += length;
	}
	return end == n || last == at ? end : last;
}

size_t pretoken_end(const uint8_t *flags, const char *s, size_t n, size_t at)
{
	unsigned length, class;

	if (s[at] == '\'') {
		size_t end = contraction_end(s, n, at);
		if (end > at)
			return end;
	}
	class = class_at(flags, s, n, at, &length);
	if (class == UNICODE_SPACE) {
		if (s[at] != ' ' || at + 1 == n)
			return space_end(flags, s, n, at);
		class = class_at(flags, s, n, at + 1, &length);
		if (class == UNICODE_SPACE)
			return space_end(flags, s, n, at);
		at++;
	}
	do
		at += length;
	while (at < n && class_at(flags, s, n, at, &length) == class);
	return at;
}

void pretoken_begin(struct pretoken *p, const char *text, size_t n)
{
	p->start = 0;
	p->n = n;
	scan_begin(&p->scan, (*encode_kernels())->scan, text, &p->start, &p->n, 1);
}

size_t pretoken_next(struct pretoken *p)
{
	size_t pieces = 0;

	while (!pieces && scan_next(&p->scan))
		for (size_t b = 0; b < SCAN_BLOCKS; b++)
			for (uint64_t bits = p->scan.start[b]; bits; bits &= bits - 1) {
				size_t at = p->scan.at + 64 * b + (size_t)__builtin_ctzll(bits);
				if (at) /* a start is an end, but for the first */
					p->end[pieces++] = at;
			}
	return pieces;
}
