/* SPDX-License-Identifier: MIT */
#include "text/utf8.h"
#include <string.h>

uint32_t utf8_get(const char *s, size_t n, unsigned *length)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned c = p[0], need, low = 0x80, high = 0xbf; /* bounds of the second byte */
	uint32_t v;

	*length = 1;
	if (c < 0x80)
		return c;
	if (c >= 0xc2 && c <= 0xdf) {
		need = 2;
		v = c & 0x1f;
	} else if (c >= 0xe0 && c <= 0xef) {
		need = 3;
		v = c & 0x0f;
		low = c == 0xe0 ? 0xa0 : low;
		high = c == 0xed ? 0x9f : high;
	} else if (c >= 0xf0 && c <= 0xf4) {
		need = 4;
		v = c & 0x07;
		low = c == 0xf0 ? 0x90 : low;
		high = c == 0xf4 ? 0x8f : high;
	} else {
		return UTF8_INVALID;
	}
	for (unsigned i = 1; i < need; i++) {
		if (i == n || p[i] < low || p[i] > high)
			return UTF8_INVALID;
		low = 0x80;
		high = 0xbf;
		v = v << 6 | (p[i] & 0x3f);
		*length = i + 1;
	}
	return v;
}

size_t utf8_valid_prefix(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		uint64_t eight;
		unsigned length;

		while (i + 8 <= n) {
			memcpy(&eight, s + i, 8);
			if (eight & 0x8080808080808080u)
				break;
			i += 8;
		}
		if (i == n)
			break;
		if (utf8_get(s + i, n - i, &length) == UTF8_INVALID)
			return i;
		i += length;
	}
	return n;
}

unsigned utf8_put(uint32_t c, char out[4])
{
	unsigned char *p = (unsigned char *)out;

	if (c < 0x80) {
		p[0] = (unsigned char)c;
		return 1;
	}
	if (c < 0x800) {
		p[0] = (unsigned char)(0xc0 | c >> 6);
		p[1] = (unsigned char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		p[0] = (unsigned char)(0xe0 | c >> 12);
		p[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		p[2] = (unsigned char)(0x80 | (c & 0x3f));
		return 3;
	}
	p[0] = (unsigned char)(0xf0 | c >> 18);
	p[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
	p[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
	p[3] = (unsigned char)(0x80 | (c & 0x3f));
	return 4;
}

int utf8_repair(struct buffer *out, const char *s, size_t n, uint64_t *replaced,
                struct cbtm_error *e)
{
	size_t i = 0;

	while (i < n) {
		size_t valid = utf8_valid_prefix(s + i, n - i);
		unsigned length;

		if (buffer_add(out, s + i, valid, e))
			return e->name;
		i += valid;
		if (i == n)
			break;
		utf8_get(s + i, n - i, &length);
		if (buffer_add(out, "\xef\xbf\xbd", 3, e))
			return e->name;
		i += length;
		++*replaced;
	}
	return 0;
}
