/* SPDX-License-Identifier: MIT */
/*
 * The encoder: a chunk of the text at a time, each step over all of them before the next. The scan says where
 * words start (scan.h); their keys are compared with the cache's lines (encode.h); those that differ
 * are looked for further, or claim a place and are merged many at a time (encode_cache.h); then the
 * ids of all words are written in a row. Words whose ids are not in a line stand aside in a list that
 * parts this row.
 */
#include "base/error.h"
#include "base/memory.h"
#include "text/encode.h"
#include "text/encode_cache.h"
#include "text/encode_merge.h"
#include <stdlib.h>
#include <string.h>

enum {
	SLOTS = 1 << 18,
	MOST_SLOTS = 1 << 20,
	CHUNK_IDS = SCAN_BYTES + ENCODE_KEY + ENCODE_EXCESS, /* room for those not aside */
	MERGED = 0,                                          /* as a list: merged when it is written */
	FIRST_ROOM = 256 << 10 /* ids that are made room for at once, at most */
};
#define WAITING UINT32_MAX /* as a list: not known yet */

/* A word whose ids are a list of the cache, MERGED, or WAITING. */
struct aside {
	uint32_t word, list;
};

struct bpe_encoder {
	struct encode_words words;
	struct scan scan;
	struct aside aside[ENCODE_WORDS];
	size_t asides;
	struct encode_merging merging[ENCODE_MERGINGS];
	uint16_t waiting[ENCODE_MERGINGS]; /* new words */
	size_t waiting_n;
	bool again;                       /* some word is aside since it waits */
	const struct encode_ranks *ranks; /* may be NULL */
	const struct encode_kernel *kernel;
	struct encode_cache cache;
	struct encode_merger merger;
	struct bpe_ids merged; /* of a word */
	bool wide;
	size_t pending; /* where the word begins that has not ended */
};

struct bpe_encoder *encode_new(const struct bpe *b, const struct encode_kernel *kernel,
                               size_t slots, size_t most_slots, struct cbtm_error *e)
{
	struct bpe_encoder *c = mem_aligned(1, sizeof *c, "an encoder", e);

	if (!c)
		return NULL;
	memset(c, 0, sizeof *c);
	c->kernel = kernel;
	c->merger.bpe = b;
	c->ranks = b->ranks;
	c->wide = b->size > 1 << 16;
	if (!encode_cache_make(&c->cache, kernel, c->wide, slots, most_slots, e))
		return c;
	bpe_encoder_free(c);
	return NULL;
}

struct bpe_encoder *bpe_encoder_new(const struct bpe *b, struct cbtm_error *e)
{
	return encode_new(b, *encode_kernels(), SLOTS, MOST_SLOTS, e);
}

void bpe_encoder_free(struct bpe_encoder *c)
{
	if (!c)
		return;
	encode_cache_free(&c->cache);
	encode_merger_free(&c->merger);
	bpe_ids_free(&c->merged);
	free(c);
}

/* Where word i of the chunk begins. */
static size_t word_start(const struct bpe_encoder *c, size_t i)
{
	return i ? c->scan.at + c->words.position[i] : c->pending;
}

/* ---------------------------------------------------------------- words -> slots and lists */
static const struct encode_key no_bytes = { { ENCODE_SALT, ENCODE_SALT } };

/* The word from the chunk before. */
static void set_first_key(struct bpe_encoder *c)
{
	size_t n = word_start(c, 1) - c->pending;
	struct encode_key bytes = { 0 };

	if (n <= ENCODE_KEY)
		memcpy(&bytes, c->scan.text + c->pending, n);
	for (int i = 0; i < 2; i++)
		c->words.key[0].half[i] = bytes.half[i] ^ ENCODE_SALT;
}

/* A NUL may stand in a word, whose key would be the same as without it. */
static void forget_keys_with_nul(struct bpe_encoder *c)
{
	for (size_t i = 0; i < c->words.n; i++) {
		size_t at = word_start(c, i), n = word_start(c, i + 1) - at;
		if (n <= ENCODE_KEY && n && memchr(c->scan.text + at, 0, n))
			c->words.key[i] = no_bytes;
	}
}

static int merge(struct bpe_encoder *c, const char *word, size_t n, struct cbtm_error *e)
{
	c->merged.n = 0;
	return encode_merge(&c->merger, word, n, &c->merged, e);
}

/* Puts a word aside; they are in order, but for new ones. */
static void put_aside(struct bpe_encoder *c, size_t word, uint32_t list)
{
	size_t i = c->asides++;

	for (; i && c->aside[i - 1].word > word; i--)
		c->aside[i] = c->aside[i - 1];
	c->aside[i] = (struct aside){ (uint32_t)word, list };
}

/* The ids of a new word, which has its slot. */
static int set_ids(struct bpe_encoder *c, size_t i, const uint32_t ids[ENCODE_KEY], size_t n,
                   struct cbtm_error *e)
{
	uint32_t list;

	if (encode_cache_set(&c->cache, c->words.slot[i], ids, n, &list, e))
		return e->name;
	if (list)
		put_aside(c, i, list);
	return 0;
}

/* Merges the new words that wait. */
static int merge_waiting(struct bpe_encoder *c, struct cbtm_error *e)
{
	const struct encode_key *key[ENCODE_MERGINGS] = { 0 };
	size_t n = c->waiting_n;

	c->waiting_n = 0;
	for (size_t i = 0; i < n; i++)
		key[i] = &c->words.key[c->waiting[i]];
	c->kernel->merge(c->ranks, key, c->merging, n);
	for (size_t i = 0; i < n; i++) {
		const struct encode_merging *m = &c->merging[i];
		uint32_t ids[ENCODE_KEY];

		if (m->n <= ENCODE_NARROW_IDS) {
			encode_cache_set_few(&c->cache, c->words.slot[c->waiting[i]], m->id, m->n);
			continue;
		}
		for (size_t j = 0; j < ENCODE_KEY; j++)
			ids[j] = m->id[j];
		if (set_ids(c, c->waiting[i], ids, m->n, e))
			return e->name;
	}
	return 0;
}

static int new_word(struct bpe_encoder *c, size_t i, const char *word, size_t n,
                    struct cbtm_error *e)
{
	encode_cache_claim(&c->cache, &c->words.key[i], c->words.slot[i]);
	if (!c->ranks) {
		uint32_t ids[ENCODE_KEY] = { 0 };

		if (merge(c, word, n, e))
			return e->name;
		memcpy(ids, c->merged.v, c->merged.n * sizeof *ids);
		return set_ids(c, i, ids, c->merged.n, e);
	}
	c->waiting[c->waiting_n++] = (uint16_t)i;
	return c->waiting_n == ENCODE_MERGINGS ? merge_waiting(c, e) : 0;
}

static int resolve_long(struct bpe_encoder *c, const char *word, size_t n, uint32_t *list,
                        struct cbtm_error *e)
{
	uint64_t hash;

	*list = MERGED;
	if (n > ENCODE_LONG)
		return 0;
	*list = encode_cache_find_long(&c->cache, word, n, &hash);
	if (*list || merge(c, word, n, e))
		return e->name;
	return encode_cache_add_long(&c->cache, word, n, hash, c->merged.v, c->merged.n, list, e);
}

/* Word i is not what its slot has. */
static int resolve_word(struct bpe_encoder *c, size_t i, struct cbtm_error *e)
{
	size_t at = word_start(c, i), n = word_start(c, i + 1) - at;
	const char *word = c->scan.text + at;
	const struct encode_key *key = &c->words.key[i];
	uint32_t list;

	if (!n)
		return 0;
	if (encode_same(key, &no_bytes)) {
		if (resolve_long(c, word, n, &list, e))
			return e->name;
		put_aside(c, i, list);
		return 0;
	}
	if (!encode_cache_find(&c->cache, key, &c->words.slot[i], &list))
		return new_word(c, i, word, n, e);
	if (list) {
		put_aside(c, i, list);
	} else if (!encode_ids_at(c->cache.line, c->words.slot[i])->as.n) {
		put_aside(c, i, WAITING);
		c->again = true;
	}
	return 0;
}

/* Words that came again while they waited: most have their ids in their slots now. */
static void resolve_waiting(struct bpe_encoder *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->asides; i++) {
		struct aside a = c->aside[i];

		if (a.list == WAITING &&
		    (encode_cache_find(&c->cache, &c->words.key[a.word], &c->words.slot[a.word], &a.list),
		     !a.list))
			continue;
		c->aside[n++] = a;
	}
	c->asides = n;
}

static int resolve_all(struct bpe_encoder *c, struct cbtm_error *e)
{
	for (size_t group = 0; group < c->words.n; group += 64) {
		uint64_t differs = c->words.differs[group / 64];

		if (c->words.n - group < 64)
			differs &= (1ull << (c->words.n - group)) - 1;
		for (; differs; differs &= differs - 1)
			if (resolve_word(c, group + (size_t)__builtin_ctzll(differs), e))
				return e->name;
	}
	return merge_waiting(c, e);
}

static int resolve(struct bpe_encoder *c, struct cbtm_error *e)
{
	c->asides = c->waiting_n = 0;
	c->again = false;
	if (resolve_all(c, e))
		encode_cache_forget(&c->cache);
	else if (c->again)
		resolve_waiting(c);
	return e->name;
}

/* ---------------------------------------------------------------- slots and lists -> ids */
static int write_aside(struct bpe_encoder *c, const struct aside *a, struct bpe_ids *ids,
                       struct cbtm_error *e)
{
	const uint32_t *list;

	if (a->list == MERGED) {
		size_t at = word_start(c, a->word);
		return encode_merge(&c->merger, c->scan.text + at, word_start(c, a->word + 1) - at, ids, e);
	}
	list = c->cache.lists.v + a->list;
	if (bpe_ids_reserve(ids, *list, e))
		return e->name;
	memcpy(ids->v + ids->n, list + 1, *list * sizeof *list);
	ids->n += *list;
	return 0;
}

/* The ids of words [from, to). *aside: how many of those aside are before. */
static int write_words(struct bpe_encoder *c, size_t from, size_t to, size_t *aside,
                       struct bpe_ids *ids, struct cbtm_error *e)
{
	while (from < to) {
		const struct aside *a;
		size_t end = to;

		while (*aside < c->asides && c->aside[*aside].word < from)
			++*aside;
		a = &c->aside[*aside];
		if (*aside < c->asides && a->word < to)
			end = a->word;
		if (bpe_ids_reserve(ids, CHUNK_IDS, e))
			return e->name;
		ids->n = (size_t)((c->wide ? c->kernel->wide : c->kernel->narrow)(
							  &c->words, from, end, c->cache.line, ids->v + ids->n) -
		                  ids->v);
		from = end;
		if (end < to) {
			if (write_aside(c, a, ids, e))
				return e->name;
			from++;
		}
	}
	return 0;
}

/* The texts of a batch, as they are passed by. */
struct batch {
	const size_t *start, *stop;
	size_t rows, row;
	bool inside; /* of row */
	struct bpe_ids *ids;
	size_t *end;
};

/* The word that begins at a byte of the chunk. */
static size_t word_at(const struct bpe_encoder *c, size_t at)
{
	size_t block = (at - c->scan.at) / 64, bit = (at - c->scan.at) % 64;

	return c->words.before[block] + 1u +
	       (size_t)__builtin_popcountll(c->scan.start[block] & ((1ull << bit) - 1));
}

/* The ids of the chunk's words that are in texts. */
static int write_chunk(struct bpe_encoder *c, struct batch *b, struct cbtm_error *e)
{
	size_t from = 0, aside = 0;

	while (b->row < b->rows) {
		size_t at = (b->inside ? b->stop : b->start)[b->row], word;

		if (at - c->scan.at >= SCAN_BYTES)
			break;
		word = word_at(c, at);
		if (b->inside) {
			if (write_words(c, from, word, &aside, b->ids, e))
				return e->name;
			b->end[b->row++] = b->ids->n;
		}
		from = word;
		b->inside = !b->inside;
	}
	return b->inside ? write_words(c, from, c->words.n, &aside, b->ids, e) : 0;
}

static int encode_chunk(struct bpe_encoder *c, struct batch *b, bool careful, struct cbtm_error *e)
{
	struct encode_words *w = &c->words;
	const char *text = c->scan.text + c->scan.at;
	uintptr_t ahead = (uintptr_t)b->ids->v + b->ids->n * sizeof *b->ids->v + 2 * SCAN_BYTES;

	c->kernel->positions(w, c->scan.start);
	if (!w->n)
		return 0;
	if (encode_cache_tidy(&c->cache, e))
		return e->name;
	/* Fetches what ids will be written to two chunks from now: a store to memory that is in no cache
	 * holds up those behind it. Not a function, which gcc 12 would take for one that does nothing. */
	for (size_t i = 0; i < SCAN_BYTES; i += 64)
		__builtin_prefetch((const void *)(ahead + i), 1);
	set_first_key(c);
	c->kernel->keys(w, text, c->scan.n - c->scan.at, c->cache.line, c->cache.mask);
	if (careful)
		forget_keys_with_nul(c);
	c->kernel->compare(w, c->cache.line);
	if (resolve(c, e) || write_chunk(c, b, e))
		return e->name;
	c->pending = word_start(c, w->n);
	return 0;
}

const struct bpe *bpe_encoder_vocabulary(const struct bpe_encoder *c)
{
	return c->merger.bpe;
}

static int encode_batch(struct bpe_encoder *c, const char *text, struct batch b,
                        struct cbtm_error *e)
{
	size_t n = b.stop[b.rows - 1] - b.start[0];
	bool nul = false;

	/* As many as most texts have: growing would copy, and unused room takes no memory. */
	if (bpe_ids_reserve(b.ids, (n / 2 < FIRST_ROOM ? n / 2 : FIRST_ROOM) + CHUNK_IDS, e))
		return e->name;
	c->pending = b.start[0];
	scan_begin(&c->scan, c->kernel->scan, text, b.start, b.stop, b.rows);
	while (scan_next(&c->scan)) {
		bool before = nul;

		nul = c->scan.nul;
		if (encode_chunk(c, &b, nul || before, e))
			return e->name;
	}
	return 0;
}

int bpe_encode_batch(struct bpe_encoder *c, const char *text, const size_t *start,
                     const size_t *stop, size_t rows, struct bpe_ids *ids, size_t *end,
                     struct cbtm_error *e)
{
	if (rows && bpe_is_plain(c->merger.bpe))
		return encode_batch(c, text, (struct batch){ start, stop, rows, 0, false, ids, end }, e);
	for (size_t i = 0; i < rows; i++) {
		if (bpe_encode(c, text + start[i], stop[i] - start[i], ids, e))
			return e->name;
		end[i] = ids->n;
	}
	return 0;
}

int bpe_encode_plain(struct bpe_encoder *c, const char *text, size_t n, struct bpe_ids *ids,
                     struct cbtm_error *e)
{
	static const size_t start = 0;
	size_t end;

	return encode_batch(c, text, (struct batch){ &start, &n, 1, 0, false, ids, &end }, e);
}

int bpe_decode(const struct bpe *b, const uint32_t *ids, size_t n, struct buffer *text,
               struct cbtm_error *e)
{
	for (size_t i = 0; i < n; i++) {
		if (ids[i] >= b->size)
			return error_set(e, CBTM_ERR_BAD_DATA, NULL,
			                 "the token id %u is not in the vocabulary of %u", ids[i], b->size);
		if (!b->symbol[ids[i]].special &&
		    buffer_add(text, b->symbol[ids[i]].bytes, b->symbol[ids[i]].n, e))
			return e->name;
	}
	return 0;
}
