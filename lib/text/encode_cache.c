/* SPDX-License-Identifier: MIT */
#include "text/encode_cache.h"
#include "base/error.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

enum {
	LONG_SLOTS = 1 << 12, /* at first, and at most: */
	MOST_LONG_SLOTS = 1 << 18,
	MOST_LISTED = 2 << 20, /* ids of all lists */
	MOST_TEXT = 8 << 20    /* bytes of all long words */
};

static bool is_empty(const struct encode_key *key)
{
	return !(key->half[0] | key->half[1]);
}

static bool is_of_many(const struct encode_key *key)
{
	return key->half[0] == ENCODE_SALT;
}

/* Zeros that are touched only as words come. */
static int make_lines(struct encode_cache *c, size_t slots, struct cbtm_error *e)
{
	size_t bytes = slots / 2 * sizeof *c->line;
	size_t at = bytes >= MEM_HUGE_PAGE ? MEM_HUGE_PAGE : sizeof *c->line;
	char *memory = mem_zeroed(bytes + at, 1, "an encoder's cache", e);

	if (!memory)
		return e->name;
	c->memory = memory;
	memory += -(uintptr_t)memory % at;
	mem_wish_huge(memory, bytes);
	c->line = (struct encode_line *)(void *)memory;
	c->slots = slots;
	c->mask = (uint32_t)(bytes - sizeof *c->line);
	return 0;
}

static int make_longs(struct encode_cache *c, size_t slots, struct cbtm_error *e)
{
	c->longs = mem_zeroed(slots, sizeof *c->longs, "an encoder's cache", e);
	c->long_slots = slots;
	return c->longs ? 0 : e->name;
}

int encode_cache_make(struct encode_cache *c, const struct encode_kernel *kernel, bool wide,
                      size_t slots, size_t most_slots, struct cbtm_error *e)
{
	*c = (struct encode_cache){ .hash = kernel->hash, .most_slots = most_slots };
	c->holds = wide ? ENCODE_WIDE_IDS : ENCODE_NARROW_IDS;
	c->lists.n = 1;
	return make_lines(c, slots, e) || make_longs(c, LONG_SLOTS, e) ? e->name : 0;
}

void encode_cache_free(struct encode_cache *c)
{
	free(c->memory);
	free(c->longs);
	free(c->texts);
	bpe_ids_free(&c->lists);
	*c = (struct encode_cache){ 0 };
}

/* ---------------------------------------------------------------- room */
static uint32_t next(const struct encode_cache *c, uint32_t slot)
{
	const uint32_t second = sizeof(struct encode_key);

	return slot & second ? (slot + (uint32_t)sizeof *c->line - second) & c->mask : slot + second;
}

static uint32_t hash_at(const struct encode_cache *c, uint32_t slot)
{
	const struct encode_key *key = encode_key_at(c->line, slot);

	return c->hash(is_of_many(key) ? &encode_ids_at(c->line, slot)->key_of_many : key);
}

/* Moves the words that are in their own lines, or the others. */
static void move_words(const struct encode_cache *from, struct encode_cache *to, bool own)
{
	uint32_t slot = 0;

	for (size_t i = 0; i < from->slots; i++, slot = next(from, slot)) {
		uint32_t hash, new;

		if (is_empty(encode_key_at(from->line, slot)))
			continue;
		hash = hash_at(from, slot);
		if (((hash ^ slot) & from->mask) ? own : !own)
			continue;
		new = hash & to->mask;
		while (!is_empty(encode_key_at(to->line, new)))
			new = next(to, new);
		*encode_key_at(to->line, new) = *encode_key_at(from->line, slot);
		*encode_ids_at(to->line, new) = *encode_ids_at(from->line, slot);
	}
}

static int grow_lines(struct encode_cache *c, struct cbtm_error *e)
{
	struct encode_cache old = *c;

	if (make_lines(c, old.slots * 2, e))
		return e->name;
	move_words(&old, c, true); /* they are in their own lines again */
	move_words(&old, c, false);
	free(old.memory);
	return 0;
}

static struct encode_long *long_place(const struct encode_cache *c, uint64_t hash)
{
	size_t i = hash & (c->long_slots - 1);

	while (c->longs[i].n)
		i = (i + 1) & (c->long_slots - 1);
	return &c->longs[i];
}

static int grow_longs(struct encode_cache *c, struct cbtm_error *e)
{
	struct encode_cache old = *c;

	if (make_longs(c, old.long_slots * 2, e)) {
		c->longs = old.longs;
		c->long_slots = old.long_slots;
		return e->name;
	}
	for (size_t i = 0; i < old.long_slots; i++)
		if (old.longs[i].n)
			*long_place(c, old.longs[i].hash) = old.longs[i];
	free(old.longs);
	return 0;
}

void encode_cache_forget(struct encode_cache *c)
{
	memset(c->line, 0, c->slots / 2 * sizeof *c->line);
	memset(c->longs, 0, c->long_slots * sizeof *c->longs);
	c->used = c->longs_used = c->texts_n = 0;
	c->lists.n = 1;
}

int encode_cache_tidy(struct encode_cache *c, struct cbtm_error *e)
{
	bool lines = c->used + ENCODE_WORDS > c->slots / 2;
	bool longs = c->longs_used + ENCODE_WORDS > c->long_slots * 5 / 8;

	if ((lines && c->slots == c->most_slots) || (longs && c->long_slots == MOST_LONG_SLOTS) ||
	    c->lists.n > MOST_LISTED || c->texts_n > MOST_TEXT)
		encode_cache_forget(c);
	else if ((lines && grow_lines(c, e)) || (longs && grow_longs(c, e)))
		return e->name;
	return 0;
}

/* ---------------------------------------------------------------- words */
/* The general case: some word is where the one that is looked for could be. */
static bool search(const struct encode_cache *c, const struct encode_key *key, uint32_t *slot,
                   uint32_t *list)
{
	for (uint32_t at = *slot;; at = next(c, at)) {
		const struct encode_key *found = encode_key_at(c->line, at);

		*slot = at;
		if (encode_same(found, key))
			return true;
		if (is_empty(found))
			return false;
		if (is_of_many(found) && encode_same(&encode_ids_at(c->line, at)->key_of_many, key)) {
			*list = (uint32_t)found->half[1];
			return true;
		}
	}
}

bool encode_cache_find(const struct encode_cache *c, const struct encode_key *key, uint32_t *slot,
                       uint32_t *list)
{
	const struct encode_key *first = encode_key_at(c->line, *slot);
	/* The second place, if it is not. That is not a branch, which could not be foretold. */
	uint32_t at = *slot | (uint32_t)sizeof *key * !is_empty(first);

	*list = 0;
	if (!is_empty(encode_key_at(c->line, at)) || encode_same(first, key) || is_of_many(first))
		return search(c, key, slot, list);
	*slot = at;
	return false;
}

static int add_list(struct encode_cache *c, const uint32_t *ids, size_t n, uint32_t *list,
                    struct cbtm_error *e)
{
	if (array_reserve(&c->lists.v, &c->lists.cap, c->lists.n + n + 1, sizeof *c->lists.v, e))
		return e->name;
	*list = (uint32_t)c->lists.n;
	c->lists.v[c->lists.n++] = (uint32_t)n;
	memcpy(c->lists.v + c->lists.n, ids, n * sizeof *ids);
	c->lists.n += n;
	return 0;
}

void encode_cache_claim(struct encode_cache *c, const struct encode_key *key, uint32_t slot)
{
	*encode_key_at(c->line, slot) = *key;
	c->used++;
}

/* Whether so many ids fit in a line. */
static bool fit(const struct encode_cache *c, const uint32_t *ids, size_t n)
{
	if (c->holds == ENCODE_NARROW_IDS)
		while (n > c->holds && ids[n - 1] == ids[c->holds - 1])
			n--;
	return n <= c->holds;
}

int encode_cache_set(struct encode_cache *c, uint32_t slot, const uint32_t ids[ENCODE_KEY],
                     size_t n, uint32_t *list, struct cbtm_error *e)
{
	struct encode_key *key = encode_key_at(c->line, slot);
	union encode_ids *to = encode_ids_at(c->line, slot);

	*list = 0;
	if (!fit(c, ids, n)) {
		if (add_list(c, ids, n, list, e))
			return e->name;
		to->key_of_many = *key;
		*key = (struct encode_key){ { ENCODE_SALT, *list } };
		return 0;
	}
	if (c->holds == ENCODE_WIDE_IDS)
		memcpy(to->wide, ids, sizeof to->wide);
	else
		for (size_t i = 0; i < ENCODE_NARROW_IDS; i++)
			to->narrow[i] = (uint16_t)ids[i];
	to->as.n = (uint16_t)n;
	return 0;
}

static uint64_t hash_bytes(const char *s, size_t n)
{
	uint64_t h = n * 0x9e3779b97f4a7c15u, x = 0;

	for (; n >= 8; s += 8, n -= 8) {
		memcpy(&x, s, 8);
		h = (h ^ x) * 0xd6e8feb86659fd93u;
		h ^= h >> 29;
	}
	x = 0;
	memcpy(&x, s, n);
	h = (h ^ x) * 0xd6e8feb86659fd93u;
	return h ^ h >> 32;
}

uint32_t encode_cache_find_long(const struct encode_cache *c, const char *word, size_t n,
                                uint64_t *hash)
{
	uint64_t h = *hash = hash_bytes(word, n);

	for (size_t i = h & (c->long_slots - 1); c->longs[i].n; i = (i + 1) & (c->long_slots - 1))
		if (c->longs[i].hash == h && c->longs[i].n == n &&
		    !memcmp(c->texts + c->longs[i].text, word, n))
			return c->longs[i].list;
	return 0;
}

int encode_cache_add_long(struct encode_cache *c, const char *word, size_t n, uint64_t hash,
                          const uint32_t *ids, size_t ids_n, uint32_t *list, struct cbtm_error *e)
{
	if (array_reserve(&c->texts, &c->texts_cap, c->texts_n + n, 1, e) ||
	    add_list(c, ids, ids_n, list, e))
		return e->name;
	*long_place(c, hash) = (struct encode_long){ hash, (uint32_t)c->texts_n, (uint32_t)n, *list };
	memcpy(c->texts + c->texts_n, word, n);
	c->texts_n += n;
	c->longs_used++;
	return 0;
}
