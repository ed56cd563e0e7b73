/* SPDX-License-Identifier: MIT */
/*
 * The vector of a growing prefix. What is behind the last sure border of words is the tail: its
 * words may still grow, so they are counted anew for each vector; all before it is closed, its
 * weighted sum is kept. Nothing is ever subtracted: vector = closed + words of the tail.
 *
 * A sure border is a character that is no word character and that the lower-casing of a capital
 * sigma does not look through: so the words on both sides are those of the two texts by themselves.
 */
#include "tfidf.h"
#include <string.h>

#define LONG_TAIL 4096 /* bytes; from here on a run of word characters is watched */
#define RUN 512        /* characters: twice what the word analyser keeps of a word */

struct context {
	const struct state *s;
	double *closed, *sum; /* dims */
	char *tail, *repaired;
	size_t n, room, repaired_room;
	size_t run; /* word characters at the end of a long tail */
};

static bool is_ascii_word(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Sure borders: ASCII but for words and ' . : ^ `, which are case-ignorable; of the others the
 * common CJK and general punctuation (Unicode 15: no Mn, no Word_Break=MidLetter and the like). */
static bool is_border(const unsigned char *s, size_t n)
{
	if (s[0] < 0x80)
		return !is_ascii_word(s[0]) && !memchr("'.:^`", s[0], 5);
	if (n < 3 || (s[0] & 0xF0) != 0xE0)
		return false;
	unsigned c = (s[0] & 0xFu) << 12 | (s[1] & 0x3Fu) << 6 | (s[2] & 0x3Fu);
	return (c >= 0x2010 && c <= 0x2015) || (c >= 0x3000 && c <= 0x3003) ||
	       (c >= 0x3008 && c <= 0x3011) || c == 0xFF01 || c == 0xFF08 || c == 0xFF09 ||
	       c == 0xFF0C || c == 0xFF1B || c == 0xFF1F || c == 0xFFFD;
}

/* The length of the valid character at s, or minus the length of the longest invalid or
 * unfinished start of one (Unicode 15, table 3-7). */
static int character(const unsigned char *s, size_t n)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xC2 || s[0] > 0xF4)
		return -1;
	int length = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
	unsigned low = s[0] == 0xE0 ? 0xA0 : s[0] == 0xF0 ? 0x90 : 0x80;
	unsigned high = s[0] == 0xED ? 0x9F : s[0] == 0xF4 ? 0x8F : 0xBF;
	for (int i = 1; i < length; i++) {
		if ((size_t)i >= n || s[i] < low || s[i] > high)
			return -i;
		low = 0x80, high = 0xBF;
	}
	return length;
}

struct sink {
	const struct state *s;
	double *sum;
};

static int add_word(void *arg, const char *word, size_t n)
{
	struct sink *k = arg;
	uint32_t number = vocabulary_find(&k->s->words, word, n);
	if (number != NO_WORD)
		tfidf_add(k->s, number, k->s->idf[number], k->sum);
	return 0;
}

/* Adds the words of the first n bytes of the tail, decoded with U+FFFD for what is no UTF-8. */
static int add_words(struct context *c, size_t n, double *sum, struct cbtm_error *e)
{
	struct sink sink = { c->s, sum };
	size_t used = 0, next;
	if (grow(&c->repaired, &c->repaired_room, 0, 3 * n + 1, 1, e))
		return e->name;
	for (size_t i = 0; i < n; i += next) {
		int length = character((const unsigned char *)c->tail + i, n - i);
		next = (size_t)(length < 0 ? -length : length);
		memcpy(c->repaired + used, length < 0 ? "\xEF\xBF\xBD" : c->tail + i,
		       length < 0 ? 3 : next);
		used += length < 0 ? 3 : next;
	}
	host->words(c->repaired, used, add_word, &sink);
	return 0;
}

/* Counts the tail up to its byte n into the closed words. */
static int close_words(struct context *c, size_t n, struct cbtm_error *e)
{
	if (add_words(c, n, c->closed, e))
		return e->name;
	memmove(c->tail, c->tail + n, c->n - n);
	c->n -= n;
	c->run = 0;
	return 0;
}

/* Finds the end of the last sure border that is whole; 0: none. */
static size_t last_border(const char *s, size_t from, size_t n)
{
	for (size_t i = n; i-- > from;) {
		const unsigned char *c = (const unsigned char *)s + i;
		if ((*c & 0xC0) == 0x80)
			continue;
		int length = character(c, n - i);
		if (length > 0 && is_border(c, n - i))
			return i + (size_t)length;
	}
	return 0;
}

void *context_new(const void *state, struct cbtm_error *e)
{
	const struct state *s = state;
	struct context *c = host->take(1, sizeof *c, e);
	if (!c)
		return NULL;
	*c = (struct context){ .s = s };
	c->closed = host->take(s->dims, sizeof *c->closed, e);
	c->sum = host->take(s->dims, sizeof *c->sum, e);
	if (e->name) {
		context_free(c);
		return NULL;
	}
	context_reset(c, e);
	return c;
}

void context_free(void *context)
{
	struct context *c = context;
	if (!c)
		return;
	host->release(c->repaired);
	host->release(c->tail);
	host->release(c->sum);
	host->release(c->closed);
	host->release(c);
}

int context_reset(void *context, struct cbtm_error *e)
{
	struct context *c = context;
	(void)e;
	for (size_t i = 0; i < c->s->dims; i++)
		c->closed[i] = 0;
	c->n = c->run = 0;
	return 0;
}

int context_add(void *context, const char *bytes, size_t n, struct cbtm_error *e)
{
	struct context *c = context;
	/* A border of three bytes may have begun in what was there. */
	size_t from = c->n < 2 ? 0 : c->n - 2;
	if (grow(&c->tail, &c->room, c->n, c->n + n, 1, e))
		return e->name;
	for (size_t i = 0; i < n; i++) {
		/* Base64 and the like: a word is cut off long before, so its further characters are no
		 * news, and the tail need not grow with them. */
		bool word = is_ascii_word((unsigned char)bytes[i]);
		c->run = word && c->n >= LONG_TAIL ? c->run + 1 : 0;
		if (c->run <= RUN)
			c->tail[c->n++] = bytes[i];
	}
	size_t border = last_border(c->tail, from, c->n);
	return border ? close_words(c, border, e) : 0;
}

int context_vector(void *context, float *vector, struct cbtm_error *e)
{
	struct context *c = context;
	memcpy(c->sum, c->closed, c->s->dims * sizeof *c->sum);
	if (add_words(c, c->n, c->sum, e))
		return e->name;
	tfidf_normalise(c->sum, c->s->dims, vector);
	return 0;
}
