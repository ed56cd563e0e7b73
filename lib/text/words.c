/* SPDX-License-Identifier: MIT */
#include "text/words.h"
#include "text/ascii.h"
#include "text/stop_words.h"
#include "text/unicode.h"
#include "text/utf8.h"
#include <pthread.h>
#include <string.h>

/* ---------------------------------------------------------------- stop words */

enum {
	STOP_BYTES = 16,
	STOP_PLACES = 4096, /* of 12 bits of a hash */
	STOP_WORDS = sizeof stop_words / sizeof *stop_words
};

/* A word of at most 16 bytes as two numbers, zeros behind its end. */
struct short_word {
	uint64_t low, high;
};
static struct short_word stop_table[STOP_WORDS];
static uint16_t stop_first[STOP_PLACES]; /* a word of this place + 1; 0: there is none */
static uint16_t stop_next[STOP_WORDS];   /* a further one of its place + 1 */
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* The first n <= STOP_BYTES bytes of s, of which STOP_BYTES can be read; what is behind is cut off. */
static struct short_word short_word(const char *s, size_t n)
{
	static const struct {
		uint64_t ones[2], zeros[2];
	} cut = { { UINT64_MAX, UINT64_MAX }, { 0, 0 } };
	struct short_word w, mask;
	memcpy(&w, s, sizeof w);
	memcpy(&mask, (const char *)&cut + STOP_BYTES - n, sizeof mask);
	return (struct short_word){ w.low & mask.low, w.high & mask.high };
}

static unsigned stop_place(struct short_word w)
{
	return (unsigned)((w.low ^ w.high * 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u >> 52);
}

static void fill_table(void)
{
	for (uint16_t i = 0; i < STOP_WORDS; i++) {
		char bytes[STOP_BYTES] = { 0 };
		size_t n = strlen(stop_words[i]);
		memcpy(bytes, stop_words[i], n);
		stop_table[i] = short_word(bytes, n);
		uint16_t *place = &stop_first[stop_place(stop_table[i])];
		stop_next[i] = *place;
		*place = i + 1;
	}
}

/* STOP_BYTES of word can be read, whatever n is. One branch that nobody foresees: most places are
 * free, and of those that are not most have one word. */
static bool is_stop_word(const char *word, size_t n)
{
	if (n > STOP_BYTES)
		return false;
	struct short_word w = short_word(word, n);
	for (unsigned i = stop_first[stop_place(w)]; i; i = stop_next[i - 1])
		if (stop_table[i - 1].low == w.low && stop_table[i - 1].high == w.high)
			return true;
	return false;
}

bool words_stop(const char *word, size_t n)
{
	char bytes[STOP_BYTES] = { 0 };
	if (n == 0 || n > STOP_BYTES)
		return false;
	pthread_once(&once, fill_table);
	memcpy(bytes, word, n);
	return is_stop_word(bytes, n);
}

/* ---------------------------------------------------------------- any text */

/* The word under way. */
struct word {
	char bytes[4 * WORD_POINTS];
	size_t n;
	unsigned points; /* of the whole word; behind WORD_POINTS they are dropped */
	bool digit;      /* its first character is one */
};

static int end_word(struct word *w, cbtm_word_function *each, void *arg)
{
	int status = 0;

	if (w->points >= 2 && !w->digit && !is_stop_word(w->bytes, w->n))
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

/* Words from s[*at] on, until there is an ASCII border again or the text ends. */
static int any_words(const char *s, size_t n, size_t *at, cbtm_word_function *each, void *arg)
{
	const uint8_t *flags = unicode_flags();
	struct word w = { .n = 0 };
	unsigned length;
	int status = 0;

	for (; *at < n; *at += length) {
		uint32_t c = utf8_get(s + *at, n - *at, &length), lower;

		if (c == UTF8_INVALID)
			c = UNICODE_REPLACEMENT;
		lower = c == CAPITAL_I_DOT ? 'i' : unicode_lower(c);
		if (c == CAPITAL_SIGMA && cased_before(flags, s, *at) &&
		    !cased_behind(flags, s, n, *at + length))
			lower = FINAL_SIGMA;
		if (flags[lower] & UNICODE_WORD)
			add_point(&w, flags, lower);
		/* U+0130 becomes i and a combining dot, which is no word character. */
		if ((!(flags[lower] & UNICODE_WORD) || c == CAPITAL_I_DOT) &&
		    (status = end_word(&w, each, arg)))
			return status;
		if (c < 0x80 && !w.points)
			return 0;
	}
	return end_word(&w, each, arg);
}

/* ---------------------------------------------------------------- ASCII */

/* The words of a run of ASCII, block by block: their lower-cased bytes, one behind the other. */
struct ascii_run {
	char bytes[WORD_POINTS + ASCII_BLOCK + STOP_BYTES];
	size_t open; /* bytes[0 .. open): a word that has not ended; at most WORD_POINTS */
	cbtm_word_function *each;
	void *arg;
};

static int ascii_word(const struct ascii_run *run, const char *word, size_t n)
{
	if (n > WORD_POINTS)
		n = WORD_POINTS;
	if (n < 2 || (word[0] <= '9') || is_stop_word(word, n))
		return 0;
	return run->each(run->arg, word, n);
}

/*
 * A block's words; bit i of `letters`: byte i is of a word, `size`: bytes of it. The word that the
 * block ends in stays open. *status: what `each` said.
 */
static void ascii_block(struct ascii_run *run, uint64_t letters, size_t size, int *status)
{
	const char *block = run->bytes + run->open;
	size_t at = 0;

	if (run->open && !(letters & 1)) {
		*status = ascii_word(run, run->bytes, run->open);
		run->open = 0;
	}
	while (!*status && letters >> at) {
		size_t start = at + (size_t)__builtin_ctzll(letters >> at);
		uint64_t gaps = ~letters >> start;
		size_t end = gaps ? start + (size_t)__builtin_ctzll(gaps) : 64;
		const char *word = start ? block + start : run->bytes;
		size_t n = (size_t)(block + (end < size ? end : size) - word);

		if (end >= size) {
			n = n < WORD_POINTS ? n : WORD_POINTS;
			memmove(run->bytes, word, n);
			run->open = n;
			return;
		}
		*status = ascii_word(run, word, n);
		at = end;
	}
	run->open = 0;
}

/* Words from s[*at] on, as long as the text is ASCII: *at then is where a word that touches another
 * character begins, or that character, or n. No word is open at s[*at] before. */
static int ascii_words(const char *s, size_t n, size_t *at, cbtm_word_function *each, void *arg)
{
	struct ascii_run run = { .open = 0, .each = each, .arg = arg };
	size_t open_at = *at;
	int status = 0;

	while (*at < n) {
		size_t size = n - *at < ASCII_BLOCK ? n - *at : ASCII_BLOCK;
		struct ascii_masks masks = ascii_block_masks(s + *at, size, run.bytes + run.open);
		if (masks.others)
			size = (size_t)__builtin_ctzll(masks.others);
		uint64_t all = size < 64 ? (UINT64_C(1) << size) - 1 : UINT64_MAX;
		bool goes_on = run.open && (masks.letters & all) == all;

		if (size)
			ascii_block(&run, masks.letters & all, size, &status);
		*at += size;
		if (status)
			return status;
		if (run.open && !goes_on)
			open_at = *at - run.open;
		if (masks.others) {
			*at = run.open ? open_at : *at;
			return 0;
		}
	}
	return run.open ? ascii_word(&run, run.bytes, run.open) : 0;
}

int words_each(const char *text, size_t n, cbtm_word_function *each, void *arg)
{
	int status = 0;

	pthread_once(&once, fill_table);
	for (size_t at = 0; at < n && !status;) {
		status = ascii_words(text, n, &at, each, arg);
		if (at < n && !status)
			status = any_words(text, n, &at, each, arg);
	}
	return status;
}
