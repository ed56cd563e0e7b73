/* SPDX-License-Identifier: MIT */
/*
 * Encoding: pieces of the pre-tokenizer are looked up in a cache of short words; the others are
 * merged, lowest rank first, leftmost first. Short pieces scan a list for the lowest rank; long
 * ones keep a heap of (rank, position) over a linked list, O(n log n).
 */
#include "base/error.h"
#include "base/memory.h"
#include "text/bpe.h"
#include "text/pretoken.h"
#include "text/unicode.h"
#include <stdlib.h>
#include <string.h>

enum {
	KEY = 16,        /* bytes of the longest cached piece */
	CACHED_IDS = 6,  /* of the longest cached result */
	SLOTS = 1 << 16, /* of the cache: 48 bytes each */
	SCANNED = 32     /* bytes of the longest piece that is merged by scanning */
};

struct cached {
	uint64_t key[2];
	uint8_t n, ids; /* bytes, 0: empty; ids */
	uint32_t id[CACHED_IDS];
};

struct node {
	uint32_t id, previous, next; /* BPE_NONE: none; a merged-away node has id BPE_NONE */
};

struct candidate {
	uint32_t rank, at;
	uint32_t left, right; /* ids when it was pushed: stale if they are others now */
	uint32_t id;
};

struct bpe_encoder {
	const struct bpe *bpe;
	const uint8_t *flags;
	struct cached *cache;
	struct node *node;
	struct candidate *heap;
	size_t nodes, heap_n, heap_cap;
};

struct bpe_encoder *bpe_encoder_new(const struct bpe *b, struct cbtm_error *e)
{
	struct bpe_encoder *c = mem_zeroed(1, sizeof *c, "an encoder", e);

	if (!c)
		return NULL;
	c->bpe = b;
	c->flags = unicode_flags();
	c->cache = mem_zeroed(SLOTS, sizeof *c->cache, "an encoder's cache", e);
	if (c->cache)
		return c;
	free(c);
	return NULL;
}

void bpe_encoder_free(struct bpe_encoder *c)
{
	if (!c)
		return;
	free(c->cache);
	free(c->node);
	free(c->heap);
	free(c);
}

/* Merges a piece of at most SCANNED bytes into out; returns the number of ids. */
static size_t merge_scanning(const struct bpe *b, const char *s, size_t n, uint32_t *out)
{
	const struct bpe_pair *pair[SCANNED];

	for (size_t i = 0; i < n; i++)
		out[i] = b->byte[(unsigned char)s[i]];
	for (size_t i = 0; i + 1 < n; i++)
		pair[i] = bpe_pair_find(b, out[i], out[i + 1]);
	for (;;) {
		uint32_t rank = BPE_NONE;
		size_t best = 0;

		for (size_t i = 0; i + 1 < n; i++)
			if (pair[i] && pair[i]->rank < rank) {
				rank = pair[i]->rank;
				best = i;
			}
		if (rank == BPE_NONE)
			return n;
		out[best] = pair[best]->id;
		n--;
		memmove(out + best + 1, out + best + 2, (n - best - 1) * sizeof *out);
		if (best + 1 < n) {
			memmove(pair + best, pair + best + 1, (n - best - 1) * sizeof *pair);
			pair[best] = bpe_pair_find(b, out[best], out[best + 1]);
		}
		if (best)
			pair[best - 1] = bpe_pair_find(b, out[best - 1], out[best]);
	}
}

static bool before(const struct candidate *a, const struct candidate *b)
{
	return a->rank < b->rank || (a->rank == b->rank && a->at < b->at);
}

static void heap_push(struct bpe_encoder *c, struct candidate x)
{
	size_t i = c->heap_n++;

	for (; i && before(&x, &c->heap[(i - 1) / 2]); i = (i - 1) / 2)
		c->heap[i] = c->heap[(i - 1) / 2];
	c->heap[i] = x;
}

static struct candidate heap_pop(struct bpe_encoder *c)
{
	struct candidate top = c->heap[0], x = c->heap[--c->heap_n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < c->heap_n) {
		if (child + 1 < c->heap_n && before(&c->heap[child + 1], &c->heap[child]))
			child++;
		if (!before(&c->heap[child], &x))
			break;
		c->heap[i] = c->heap[child];
		i = child;
	}
	c->heap[i] = x;
	return top;
}

static void consider(struct bpe_encoder *c, uint32_t at)
{
	const struct node *left = &c->node[at];
	const struct bpe_pair *p;

	if (left->next == BPE_NONE)
		return;
	p = bpe_pair_find(c->bpe, left->id, c->node[left->next].id);
	if (p)
		heap_push(c, (struct candidate){ p->rank, at, p->left, p->right, p->id });
}

/* Merges a piece of any length and appends its ids, for which there is room. Every merge takes one
 * candidate away and pushes at most two: 3 n places suffice. */
static int merge_heap(struct bpe_encoder *c, const char *s, size_t n, struct bpe_ids *ids,
                      struct cbtm_error *e)
{
	size_t places;

	if (n >= BPE_NONE || !size_mul(n, 3, &places))
		return error_set(e, CBTM_ERR_BAD_DATA, NULL, "a word is longer than 4 GiB");
	if (array_reserve(&c->node, &c->nodes, n, sizeof *c->node, e) ||
	    array_reserve(&c->heap, &c->heap_cap, places, sizeof *c->heap, e))
		return e->name;
	c->heap_n = 0;
	for (uint32_t i = 0; i < n; i++)
		c->node[i] =
			(struct node){ c->bpe->byte[(unsigned char)s[i]], i - 1, i + 1 < n ? i + 1 : BPE_NONE };
	for (uint32_t i = 0; i < n; i++)
		consider(c, i);
	while (c->heap_n) {
		struct candidate x = heap_pop(c);
		struct node *left = &c->node[x.at], *right;

		if (left->id != x.left || left->next == BPE_NONE || c->node[left->next].id != x.right)
			continue;
		right = &c->node[left->next];
		left->id = x.id;
		left->next = right->next;
		right->id = BPE_NONE;
		if (left->next != BPE_NONE)
			c->node[left->next].previous = x.at;
		consider(c, x.at);
		if (left->previous != BPE_NONE)
			consider(c, left->previous);
	}
	for (uint32_t i = 0; i != BPE_NONE; i = c->node[i].next)
		ids->v[ids->n++] = c->node[i].id;
	return 0;
}

/* The piece as a 16-byte number, zeros behind it; n <= KEY. `room`: bytes that may be read. */
static inline void load_key(const char *s, size_t n, size_t room, uint64_t key[2])
{
	if (room >= KEY) {
		memcpy(key, s, KEY);
		if (n < 8) {
			key[0] &= (1ull << 8 * n) - 1;
			key[1] = 0;
		} else if (n < KEY) {
			key[1] &= (1ull << 8 * (n - 8)) - 1;
		}
		return;
	}
	key[0] = key[1] = 0;
	memcpy(key, s, n);
}

static void encode_short(struct bpe_encoder *c, const char *s, size_t n, size_t room,
                         struct bpe_ids *ids)
{
	uint64_t key[2], h;
	struct cached *entry;
	size_t made;

	load_key(s, n, room, key);
	h = (key[0] ^ (key[1] + n) * 0x9e3779b97f4a7c15u) * 0xd6e8feb86659fd93u;
	entry = &c->cache[(h ^ h >> 32) * 0xd6e8feb86659fd93u >> 48];
	if (entry->n == n && entry->key[0] == key[0] && entry->key[1] == key[1]) {
		memcpy(ids->v + ids->n, entry->id, sizeof entry->id);
		ids->n += entry->ids;
		return;
	}
	made = merge_scanning(c->bpe, s, n, ids->v + ids->n);
	if (made <= CACHED_IDS) {
		entry->key[0] = key[0];
		entry->key[1] = key[1];
		entry->n = (uint8_t)n;
		entry->ids = (uint8_t)made;
		memcpy(entry->id, ids->v + ids->n, made * sizeof *entry->id);
	}
	ids->n += made;
}

const struct bpe *bpe_encoder_vocabulary(const struct bpe_encoder *c)
{
	return c->bpe;
}

int bpe_encode_plain(struct bpe_encoder *c, const char *text, size_t n, struct bpe_ids *ids,
                     struct cbtm_error *e)
{
	size_t at = 0;

	while (at < n) {
		size_t end = pretoken_end(c->flags, text, n, at), need = end - at;

		/* Room for an id a byte, and for the copy of a whole cache entry. */
		if (ids->cap - ids->n < need + CACHED_IDS &&
		    array_reserve(&ids->v, &ids->cap, ids->n + need + CACHED_IDS, sizeof *ids->v, e))
			return e->name;
		if (need <= KEY)
			encode_short(c, text + at, need, n - at, ids);
		else if (need <= SCANNED)
			ids->n += merge_scanning(c->bpe, text + at, need, ids->v + ids->n);
		else if (merge_heap(c, text + at, need, ids, e))
			return e->name;
		at = end;
	}
	return 0;
}

int bpe_encode_batch(struct bpe_encoder *c, const char *text, const size_t *start,
                     const size_t *stop, size_t rows, struct bpe_ids *ids, size_t *end,
                     struct cbtm_error *e)
{
	for (size_t i = 0; i < rows; i++) {
		if (bpe_encode(c, text + start[i], stop[i] - start[i], ids, e))
			return e->name;
		end[i] = ids->n;
	}
	return 0;
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
