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

/* What an empty entry's key is: no piece of a text holds "a b". */
static const char empty[ENCODE_KEY + 1] = "a b a b a b a b ";

static int make_entries(struct encode_cache *c, size_t slots, struct cbtm_error *e)
{
	size_t bytes = slots * sizeof *c->entry;
	char *memory = mem_aligned(bytes + MEM_HUGE_PAGE, 1, "an encoder's cache", e);

	if (!memory)
		return e->name;
	c->memory = memory;
	if (bytes >= MEM_HUGE_PAGE)
		memory += -(uintptr_t)memory % MEM_HUGE_PAGE;
	mem_wish_huge(memory, bytes);
	c->entry = (struct encode_entry *)(void *)memory;
	c->slots = slots;
	c->mask = (uint32_t)((slots - 1) * sizeof *c->entry);
	return 0;
}

static void empty_entries(struct encode_cache *c)
{
	struct encode_entry none = { 0 };

	memcpy(&none.key, empty, sizeof none.key);
	for (size_t i = 0; i < c->slots; i++)
		c->entry[i] = none;
	c->used = 0;
}

static bool is_empty(const struct encode_entry *entry)
{
	return !memcmp(&entry->key, empty, ENCODE_KEY);
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
	if (make_entries(c, slots, e) || make_longs(c, LONG_SLOTS, e))
		return e->name;
	empty_entries(c);
	return 0;
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
	return (slot + (uint32_t)sizeof *c->entry) & c->mask;
}

static struct encode_entry *entry_at(const struct encode_cache *c, uint32_t slot)
{
	return c->entry + slot / sizeof *c->entry;
}

static uint32_t own_slot(const struct encode_cache *c, const struct encode_entry *entry)
{
	return c->hash(entry->key.half[0] ? &entry->key : &entry->key_of_many) & c->mask;
}

static void change_places(struct encode_cache *c)
{
	for (size_t i = 0; i < c->moves; i++) {
		struct encode_entry *own = entry_at(c, c->move[i].own), *now = entry_at(c, c->move[i].slot);

		/* Both are still found: no slot between the two, and before, is empty. */
		if (own_slot(c, own) != c->move[i].own && own_slot(c, now) == c->move[i].own) {
			struct encode_entry other = *own;
			*own = *now;
			*now = other;
		}
	}
	c->moves = 0;
}

static int grow_entries(struct encode_cache *c, struct cbtm_error *e)
{
	struct encode_entry *old = c->entry;
	void *memory = c->memory;
	size_t slots = c->slots, used = c->used;

	if (make_entries(c, slots * 2, e))
		return e->name;
	empty_entries(c);
	/* First those that get their own slots, as many as can. */
	for (int own = 1; own >= 0; own--)
		for (size_t i = 0; i < slots; i++) {
			uint32_t slot;

			if (is_empty(&old[i]))
				continue;
			slot = own_slot(c, &old[i]);
			while (!own && !is_empty(entry_at(c, slot)))
				slot = next(c, slot);
			if (is_empty(entry_at(c, slot))) {
				*entry_at(c, slot) = old[i];
				memcpy(&old[i].key, empty, ENCODE_KEY);
			}
		}
	c->used = used;
	free(memory);
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

static void forget(struct encode_cache *c)
{
	empty_entries(c);
	memset(c->longs, 0, c->long_slots * sizeof *c->longs);
	c->longs_used = c->texts_n = c->moves = 0;
	c->lists.n = 1;
}

int encode_cache_tidy(struct encode_cache *c, struct cbtm_error *e)
{
	bool entries = c->used + ENCODE_WORDS > c->slots / 2;
	bool longs = c->longs_used + ENCODE_WORDS > c->long_slots * 5 / 8;

	change_places(c);
	if ((entries && c->slots == c->most_slots) || (longs && c->long_slots == MOST_LONG_SLOTS) ||
	    c->lists.n > MOST_LISTED || c->texts_n > MOST_TEXT)
		forget(c);
	else if ((entries && grow_entries(c, e)) || (longs && grow_longs(c, e)))
		return e->name;
	return 0;
}

/* ---------------------------------------------------------------- words */
bool encode_cache_find(const struct encode_cache *c, const struct encode_key *key, uint32_t *slot,
                       uint32_t *list)
{
	for (uint32_t at = *slot;; at = next(c, at)) {
		const struct encode_entry *entry = entry_at(c, at);

		*slot = at;
		*list = 0;
		if (entry->key.half[0] == key->half[0] && entry->key.half[1] == key->half[1])
			return true;
		if (is_empty(entry))
			return false;
		if (!entry->key.half[0] && entry->key_of_many.half[0] == key->half[0] &&
		    entry->key_of_many.half[1] == key->half[1]) {
			*list = (uint32_t)entry->key.half[1];
			return true;
		}
	}
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

int encode_cache_add(struct encode_cache *c, const struct encode_key *key, const uint32_t *ids,
                     size_t n, uint32_t slot, uint32_t *list, struct cbtm_error *e)
{
	struct encode_entry entry = { .key = *key };
	uint32_t own;

	*list = 0;
	if (n > c->holds) {
		if (add_list(c, ids, n, list, e))
			return e->name;
		entry.key_of_many = *key;
		entry.key = (struct encode_key){ { 0, *list } };
	} else if (c->holds == ENCODE_WIDE_IDS) {
		memcpy(entry.wide, ids, n * sizeof *ids);
		entry.as.n = (uint16_t)n;
	} else {
		for (size_t i = 0; i < n; i++)
			entry.narrow[i] = (uint16_t)ids[i];
		entry.as.n = (uint16_t)n;
	}
	*entry_at(c, slot) = entry;
	c->used++;
	own = c->hash(key) & c->mask;
	if (slot != own && own_slot(c, entry_at(c, own)) != own && c->moves < ENCODE_WORDS)
		c->move[c->moves++] = (struct encode_move){ slot, own };
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
