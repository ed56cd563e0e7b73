/* SPDX-License-Identifier: MIT */
#include "text/prefix.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "text/unicode.h"
#include "text/utf8.h"
#include "text/words.h"
#include <stdlib.h>
#include <string.h>

enum {
	LONG_TAIL = 4096,     /* bytes; from here on a run of word characters is watched */
	RUN = 2 * WORD_POINTS /* characters: of a longer one the word analyser keeps no more */
};

struct cbtm_prefix {
	struct buffer tail, repaired;
	size_t run; /* ASCII word characters at the end of a long tail */
};

static bool is_border(const uint8_t *flags, uint32_t c)
{
	return c != UTF8_INVALID && !(flags[c] & (UNICODE_WORD | UNICODE_CASED | UNICODE_IGNORABLE));
}

struct cbtm_prefix *prefix_new(struct cbtm_error *e)
{
	return mem_zeroed(1, sizeof(struct cbtm_prefix), "a growing text", e);
}

void prefix_free(struct cbtm_prefix *p)
{
	if (!p)
		return;
	buffer_free(&p->tail);
	buffer_free(&p->repaired);
	free(p);
}

void prefix_reset(struct cbtm_prefix *p)
{
	buffer_clear(&p->tail);
	p->run = 0;
}

/* The words of the first n bytes of the tail. */
static int each_word(struct cbtm_prefix *p, size_t n, cbtm_word_function *each, void *arg,
                     struct cbtm_error *e)
{
	uint64_t replaced = 0;
	buffer_clear(&p->repaired);
	if (n == 0 || utf8_repair(&p->repaired, p->tail.data, n, &replaced, e))
		return e->name;
	words_each(p->repaired.data, p->repaired.n, each, arg);
	return 0;
}

/* Where the last sure border of s[0 .. n) ends, if it does so behind `from`; 0: nowhere. */
static size_t last_border(const char *s, size_t from, size_t n)
{
	const uint8_t *flags = unicode_flags();
	for (size_t i = n; i-- > from;) {
		unsigned length;
		if (((unsigned char)s[i] & 0xc0) != 0x80 &&
		    is_border(flags, utf8_get(s + i, n - i, &length)))
			return i + length;
	}
	return 0;
}

int prefix_add(struct cbtm_prefix *p, const char *bytes, size_t n, cbtm_word_function *each,
               void *arg, struct cbtm_error *e)
{
	const uint8_t *flags = unicode_flags();
	/* A border of up to four bytes may have begun in what was there. */
	size_t from = p->tail.n < 3 ? 0 : p->tail.n - 3, start = 0;
	if (p->tail.n + n <= LONG_TAIL) {
		p->run = 0;
		start = n;
		if (buffer_add(&p->tail, bytes, n, e))
			return e->name;
	}
	for (size_t i = start; i < n; i++) {
		/* Base64 and the like: a word is cut off long before, so its further characters are no
		 * news, and the tail need not grow with them. */
		unsigned char c = (unsigned char)bytes[i];
		bool word = c < 0x80 && flags[c] & UNICODE_WORD;
		p->run = word && p->tail.n >= LONG_TAIL ? p->run + 1 : 0;
		if (p->run <= RUN && buffer_add(&p->tail, bytes + i, 1, e))
			return e->name;
	}
	size_t border = last_border(p->tail.data, from, p->tail.n);
	if (border == 0)
		return 0;
	if (each_word(p, border, each, arg, e))
		return e->name;
	memmove(p->tail.data, p->tail.data + border, p->tail.n - border);
	p->tail.n -= border;
	p->run = 0;
	return 0;
}

int prefix_tail(struct cbtm_prefix *p, cbtm_word_function *each, void *arg, struct cbtm_error *e)
{
	return each_word(p, p->tail.n, each, arg, e);
}
