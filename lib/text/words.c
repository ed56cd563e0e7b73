/* SPDX-License-Identifier: MIT */
#include "text/words.h"
#include "text/stop_words.h"
#include "text/unicode.h"
#include "text/utf8.h"
#include <string.h>

/* The word under way. */
struct word {
	char bytes[4 * WORD_POINTS];
	size_t n;
	unsigned points; /* of the whole word; behind WORD_POINTS they are dropped */
	bool digit;      /* its first character is one */
};

bool words_stop(const char *word, size_t n)
{
	size_t low = 0, high = sizeof stop_words / sizeof *stop_words;

	while (low < high) {
		size_t middle = (low + high) / 2;
		size_t m = strlen(stop_words[middle]);
		int order = memcmp(stop_words[middle], word, m < n ? m : n);

		if (!order && m == n)
			return true;
		if (order < 0 || (!order && m < n))
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static int end_word(struct word *w, cbtm_word_function *each, void *arg)
{
	int status = 0;

	if (w->points >= 2 && !w->digit && !words_stop(w->bytes, w->n))
		status = each(arg, w->bytes, w->n);
	w->n = w->points = 0;
	return status;
}

static void add_point(struct word *w, const uint8_t *flags, uint32_t c)
{
	if (!w->points)
		w->digit = flags[c] & UNICODE_DIGIT;
	if (w->points++ < WORD_POINTS)
		w->n += utf8_put(c, w->bytes + w->n);
}

/* Does a cased character come before s[at], looking through ignorable ones? */
static bool cased_before(const uint8_t *flags, const char *s, size_t start)
{
	for (size_t at = start; at;) {
		unsigned length;
		uint32_t c;

		for (at--; at && (s[at] & 0xc0) == 0x80;)
			at--;
		c = utf8_get(s + at, start - at, &length);
		if (c != UTF8_INVALID && flags[c] & UNICODE_IGNORABLE)
			continue;
		return c != UTF8_INVALID && flags[c] & UNICODE_CASED;
	}
	return false;
}

static bool cased_behind(const uint8_t *flags, const char *s, size_t n, size_t at)
{
	while (at < n) {
		unsigned length;
		uint32_t c = utf8_get(s + at, n - at, &length);

		if (c == UTF8_INVALID || !(flags[c] & UNICODE_IGNORABLE))
			return c != UTF8_INVALID && flags[c] & UNICODE_CASED;
		at += length;
	}
	return false;
}

enum { CAPITAL_SIGMA = 0x3a3, FINAL_SIGMA = 0x3c2, CAPITAL_I_DOT = 0x130 };

int words_each(const char *s, size_t n, cbtm_word_function *each, void *arg)
{
	const uint8_t *flags = unicode_flags();
	struct word w = { .n = 0 };
	unsigned length;
	int status;

	for (size_t at = 0; at < n; at += length) {
		uint32_t c = utf8_get(s + at, n - at, &length), lower;

		if (c == UTF8_INVALID)
			c = UNICODE_REPLACEMENT;
		lower = c == CAPITAL_I_DOT ? 'i' : unicode_lower(c);
		if (c == CAPITAL_SIGMA && cased_before(flags, s, at) &&
		    !cased_behind(flags, s, n, at + length))
			lower = FINAL_SIGMA;
		if (flags[lower] & UNICODE_WORD)
			add_point(&w, flags, lower);
		/* U+0130 becomes i and a combining dot, which is no word character. */
		if ((!(flags[lower] & UNICODE_WORD) || c == CAPITAL_I_DOT) &&
		    (status = end_word(&w, each, arg)))
			return status;
	}
	return end_word(&w, each, arg);
}
