/* SPDX-License-Identifier: MIT */
/* UTF-8: validity, decoding and repair against a reference that tries out what could follow. */
#include "text/utf8.h"
#include "fuzz.h"
#include <string.h>

/* The value of exactly these n bytes if they are one character as table 3-7 of Unicode says. */
static bool is_character(const uint8_t *s, size_t n, uint32_t *value)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t v;

	if (!n || n > 4)
		return false;
	v = n == 1 ? s[0] : s[0] & (0x7fu >> n);
	if (n == 1 ? s[0] >= 0x80 : (s[0] & (0xff << (7 - n) & 0xff)) != (0xff << (8 - n) & 0xff))
		return false;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return false;
		v = v << 6 | (s[i] & 0x3fu);
	}
	*value = v;
	return v >= least[n] && v <= 0x10ffff && (v < 0xd800 || v > 0xdfff);
}

/* Whether some continuation makes a character of these bytes. */
static bool can_begin(const uint8_t *s, size_t n)
{
	static const uint8_t next[] = { 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf };
	uint8_t longer[4];
	uint32_t value;

	if (is_character(s, n, &value))
		return true;
	if (n == 4)
		return false;
	memcpy(longer, s, n);
	for (size_t i = 0; i < sizeof next; i++) {
		longer[n] = next[i];
		if (can_begin(longer, n + 1))
			return true;
	}
	return false;
}

/* The next character, or the maximal subpart of an invalid one; its length is returned. */
static size_t slow_get(const uint8_t *s, size_t n, uint32_t *value)
{
	size_t length = 1;

	for (size_t i = 1; i <= 4 && i <= n; i++)
		if (is_character(s, i, value))
			return i;
	while (length < n && length < 3 && can_begin(s, length) && can_begin(s, length + 1))
		length++;
	*value = UTF8_INVALID;
	return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buffer fast = { 0 }, slow = { 0 }, again = { 0 };
	struct cbtm_error e = { 0 };
	uint64_t replaced = 0, expected = 0, none = 0;
	size_t valid = n;

	for (size_t at = 0; at < n;) {
		uint32_t value, got;
		unsigned length;
		size_t expect = slow_get(data + at, n - at, &value);

		got = utf8_get((const char *)data + at, n - at, &length);
		fuzz_require(got == value, "utf8_get gives the reference's character");
		fuzz_require(length == expect, "utf8_get takes the reference's bytes");
		if (value == UTF8_INVALID) {
			valid = valid == n ? at : valid;
			expected++;
			buffer_add(&slow, "\xef\xbf\xbd", 3, &e);
		} else {
			char out[4];
			unsigned put = utf8_put(value, out);
			fuzz_require(put == length && !memcmp(out, data + at, put), "utf8_put writes it back");
			buffer_add(&slow, data + at, length, &e);
		}
		at += length;
	}
	if (n)
		fuzz_require(expected ? utf8_valid_prefix((const char *)data, n) == valid
		                      : utf8_valid_prefix((const char *)data, n) == n,
		             "the valid prefix ends at the first invalid byte");
	utf8_repair(&fast, (const char *)data, n, &replaced, &e);
	fuzz_require(!e.name && replaced == expected, "the reference's number of replacements");
	fuzz_require(fast.n == slow.n && (!fast.n || !memcmp(fast.data, slow.data, fast.n)),
	             "the reference's repaired text");
	if (fast.n) {
		utf8_repair(&again, fast.data, fast.n, &none, &e);
		fuzz_require(!none && again.n == fast.n, "repaired text needs no repair");
	}
	buffer_free(&fast);
	buffer_free(&slow);
	buffer_free(&again);
	return 0;
}
