/* SPDX-License-Identifier: MIT */
#include "text/bpe_added.h"
#include "base/error.h"
#include "base/memory.h"
#include "text/unicode.h"
#include "text/utf8.h"
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 4096 }; /* bytes of a name: bounds the work at a place of the text */

/* Tokens of a pass, sorted by their bytes: those that begin alike stand together. */
struct pass {
	uint32_t *id;
	size_t n;
	bool begins[256]; /* a token begins with the byte */
	int alone;        /* the byte with which all begin, or -1 */
};

struct bpe_added {
	struct pass pass[2]; /* not normalized; normalized */
};

/* ---------------------------------------------------------------- the tokens */
static int symbol_order(const struct bpe_symbol *a, const struct bpe_symbol *b)
{
	int order = memcmp(a->bytes, b->bytes, a->n < b->n ? a->n : b->n);

	return order ? order : a->n < b->n ? -1 : a->n > b->n;
}

/* Heapsort: qsort_r is no standard C, and the order needs the vocabulary. */
static void sink(const struct bpe *b, uint32_t *id, size_t at, size_t n)
{
	uint32_t x = id[at];

	for (size_t child; (child = 2 * at + 1) < n; at = child) {
		if (child + 1 < n && symbol_order(&b->symbol[id[child]], &b->symbol[id[child + 1]]) < 0)
			child++;
		if (symbol_order(&b->symbol[x], &b->symbol[id[child]]) >= 0)
			break;
		id[at] = id[child];
	}
	id[at] = x;
}

static void sort(const struct bpe *b, uint32_t *id, size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		sink(b, id, i, n);
	for (size_t i = n; i-- > 1;) {
		uint32_t last = id[i];
		id[i] = id[0];
		id[0] = last;
		sink(b, id, 0, i);
	}
}

static bool emitted(const struct bpe *b, const struct bpe_symbol *s)
{
	return s->added && (!s->special || b->match_special);
}

/*
 * A special token that is not looked for still hides others that begin inside of it, so it stays
 * in its pass; but a pass of such tokens alone finds nothing and is left out.
 */
static int make_pass(const struct bpe *b, struct pass *p, uint8_t normalized, struct cbtm_error *e)
{
	bool any = false;

	p->alone = -1;
	for (uint32_t i = 0; i < b->size; i++)
		if (b->symbol[i].added && (b->symbol[i].added & BPE_NORMALIZED) == normalized) {
			any |= emitted(b, &b->symbol[i]);
			p->n++;
		}
	if (!any)
		p->n = 0;
	p->id = mem_zeroed(p->n, sizeof *p->id, "added tokens", e);
	if (!p->id || !any)
		return e->name;
	p->n = 0;
	for (uint32_t i = 0; i < b->size; i++)
		if (b->symbol[i].added && (b->symbol[i].added & BPE_NORMALIZED) == normalized) {
			p->begins[(unsigned char)b->symbol[i].bytes[0]] = true;
			p->id[p->n++] = i;
		}
	sort(b, p->id, p->n);
	if (b->symbol[p->id[0]].bytes[0] == b->symbol[p->id[p->n - 1]].bytes[0])
		p->alone = (unsigned char)b->symbol[p->id[0]].bytes[0];
	return 0;
}

/* Names of added tokens are told apart by content alone. */
static int check_names(const struct bpe *b, const char *where, struct cbtm_error *e)
{
	uint32_t *id = mem_zeroed(b->size, sizeof *id, "added tokens", e);
	size_t n = 0;

	for (uint32_t i = 0; id && i < b->size; i++) {
		const struct bpe_symbol *s = &b->symbol[i];
		if (!s->added)
			continue;
		id[n++] = i;
		if (!s->n || s->n > LONGEST)
			error_set(e, CBTM_ERR_BAD_DATA, where, "the added token %u has %u bytes, not 1 to %d",
			          i, s->n, LONGEST);
	}
	if (n)
		sort(b, id, n);
	for (size_t i = 1; i < n; i++)
		if (!symbol_order(&b->symbol[id[i - 1]], &b->symbol[id[i]]))
			error_set(e, CBTM_ERR_BAD_DATA, where, "the added token \"%.*s\" is there twice",
			          b->symbol[id[i]].n < 64 ? (int)b->symbol[id[i]].n : 64,
			          b->symbol[id[i]].bytes);
	free(id);
	return e->name;
}

int bpe_added_make(struct bpe *b, const char *where, struct cbtm_error *e)
{
	struct bpe_added *a;

	if (check_names(b, where, e) || !(a = mem_zeroed(1, sizeof *a, "added tokens", e)))
		return e->name;
	if (!make_pass(b, &a->pass[0], 0, e) && !make_pass(b, &a->pass[1], BPE_NORMALIZED, e) &&
	    a->pass[0].n + a->pass[1].n)
		b->added = a;
	else
		bpe_added_free(a);
	return e->name;
}

void bpe_added_free(struct bpe_added *a)
{
	if (!a)
		return;
	free(a->pass[0].id);
	free(a->pass[1].id);
	free(a);
}

/* ---------------------------------------------------------------- the text */
struct segment {
	const char *s;
	size_t n;
};

/* The longest token that begins at s[at], or BPE_NONE. */
static uint32_t longest_at(const struct bpe *b, const struct pass *p, struct segment t, size_t at)
{
	size_t low = 0, high = p->n;
	uint32_t best = BPE_NONE;

	for (uint32_t depth = 0;; depth++) {
		unsigned char c;
		size_t end;

		if (depth && b->symbol[p->id[low]].n == depth) {
			best = p->id[low++];
			if (low == high)
				return best;
		}
		if (at + depth == t.n)
			return best;
		c = (unsigned char)t.s[at + depth];
		/* The range of those with c here: both borders by halving. */
		for (end = high; low < end;) {
			size_t middle = low + (end - low) / 2;
			if ((unsigned char)b->symbol[p->id[middle]].bytes[depth] < c)
				low = middle + 1;
			else
				end = middle;
		}
		for (size_t from = low; from < high;) {
			size_t middle = from + (high - from) / 2;
			if ((unsigned char)b->symbol[p->id[middle]].bytes[depth] > c)
				high = middle;
			else
				from = middle + 1;
		}
		if (low == high)
			return best;
	}
}

/* The next place from `at` where a token may begin; t.n: none. */
static size_t candidate(const struct pass *p, struct segment t, size_t at)
{
	if (p->alone >= 0) {
		const char *found = at < t.n ? memchr(t.s + at, p->alone, t.n - at) : NULL;
		return found ? (size_t)(found - t.s) : t.n;
	}
	while (at < t.n && !p->begins[(unsigned char)t.s[at]])
		at++;
	return at;
}

/* What the character that begins at s[at] is, and its bytes. */
static uint8_t flags_at(struct segment t, size_t at, unsigned *length)
{
	uint32_t point = utf8_get(t.s + at, t.n - at, length);

	return point == UTF8_INVALID ? UNICODE_OTHER : unicode_flags()[point];
}

/* The same of the character that ends before s[at], at > 0. */
static uint8_t flags_before(struct segment t, size_t at, unsigned *length)
{
	for (size_t back = 1; back <= 4 && back <= at; back++) {
		if (((unsigned char)t.s[at - back] & 0xc0) == 0x80)
			continue;
		uint8_t flags = flags_at((struct segment){ t.s, at }, at - back, length);
		if (*length == back)
			return flags;
		break;
	}
	*length = 1;
	return UNICODE_OTHER;
}

static bool is_single_word(struct segment t, size_t start, size_t stop)
{
	unsigned length;

	return !(start && flags_before(t, start, &length) & UNICODE_JOINS) &&
	       !(stop < t.n && flags_at(t, stop, &length) & UNICODE_JOINS);
}

/* Where the white space before s[at] begins; `done`, if what was found before has taken it. */
static size_t space_before(struct segment t, size_t at, size_t done)
{
	unsigned length;

	while (at > done && (flags_before(t, at, &length) & UNICODE_CLASS) == UNICODE_SPACE)
		at -= length;
	return at > done ? at : done;
}

static size_t space_behind(struct segment t, size_t at)
{
	unsigned length;

	while (at < t.n && (flags_at(t, at, &length) & UNICODE_CLASS) == UNICODE_SPACE)
		at += length;
	return at;
}

static int plain(struct bpe_encoder *c, struct segment t, struct bpe_ids *ids, struct cbtm_error *e)
{
	struct buffer spaced = { 0 };

	if (!t.n)
		return 0;
	if (!bpe_encoder_vocabulary(c)->prefix_space || t.s[0] == ' ')
		return bpe_encode_plain(c, t.s, t.n, ids, e);
	if (!buffer_add(&spaced, " ", 1, e) && !buffer_add(&spaced, t.s, t.n, e))
		bpe_encode_plain(c, spaced.data, spaced.n, ids, e);
	buffer_free(&spaced);
	return e->name;
}

static int add_id(struct bpe_ids *ids, uint32_t id, struct cbtm_error *e)
{
	if (array_reserve(&ids->v, &ids->cap, ids->n + 1, sizeof *ids->v, e))
		return e->name;
	ids->v[ids->n++] = id;
	return 0;
}

/*
 * One pass over a segment: tokens that are found, and what lies between through the next pass.
 * Matches that are not wanted (a special token, no single word) use their text up all the same;
 * where one took white space, the next match is still looked for behind its name.
 */
static int run_pass(struct bpe_encoder *c, unsigned number, struct segment t, struct bpe_ids *ids,
                    struct cbtm_error *e)
{
	const struct bpe *b = bpe_encoder_vocabulary(c);
	const struct pass *p = number < 2 && b->added ? &b->added->pass[number] : NULL;
	size_t at = 0, done = 0;

	if (!p)
		return plain(c, t, ids, e);
	while (p->n && (at = candidate(p, t, at)) < t.n) {
		uint32_t id = longest_at(b, p, t, at);
		size_t start = at, stop;

		if (id == BPE_NONE) {
			at++;
			continue;
		}
		stop = at += b->symbol[id].n;
		if (!emitted(b, &b->symbol[id]) ||
		    ((b->symbol[id].added & BPE_SINGLE_WORD) && !is_single_word(t, start, stop)))
			continue;
		if (b->symbol[id].added & BPE_LSTRIP)
			start = space_before(t, start, done);
		if (b->symbol[id].added & BPE_RSTRIP)
			stop = space_behind(t, stop);
		if (start >= stop)
			continue; /* white space that was taken already */
		if ((done < start &&
		     run_pass(c, number + 1, (struct segment){ t.s + done, start - done }, ids, e)) ||
		    add_id(ids, id, e))
			return e->name;
		done = stop;
	}
	return run_pass(c, number + 1, (struct segment){ t.s + done, t.n - done }, ids, e);
}

int bpe_encode(struct bpe_encoder *c, const char *text, size_t n, struct bpe_ids *ids,
               struct cbtm_error *e)
{
	if (bpe_is_plain(bpe_encoder_vocabulary(c)))
		return bpe_encode_plain(c, text, n, ids, e);
	return run_pass(c, 0, (struct segment){ text, n }, ids, e);
}
