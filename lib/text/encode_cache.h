/* SPDX-License-Identifier: MIT */
/*
 * The words that an encoder has met, and their ids. Three parts: lines of two short words each, a
 * hash with linear probing; lists of ids, for words with more ids than a line has room for; long
 * words, a hash of their bytes. Nothing is ever taken out: parts grow, and when one can grow no more,
 * all are emptied. This happens in encode_cache_tidy alone, so that slots and lists hold between two
 * calls of it.
 */
#pragma once
#include "text/encode.h"
#include <string.h>

enum { ENCODE_LONG = 512 /* bytes of the longest word that is kept */ };

struct encode_long {
	uint64_t hash;
	uint32_t text, n; /* where in texts, bytes; n = 0: empty */
	uint32_t list;
};

struct encode_cache {
	struct encode_line *line; /* inside memory, at a huge page if there are such */
	void *memory;
	size_t slots, most_slots, used; /* words */
	uint32_t mask;                  /* of slots of lines */
	unsigned holds;                 /* ids of a word in a line */
	uint32_t (*hash)(const struct encode_key *key);

	struct bpe_ids lists; /* each: how many, then the ids; [0] is not used */
	struct encode_long *longs;
	size_t long_slots, longs_used;
	char *texts; /* the bytes of long words */
	size_t texts_n, texts_cap;
};

int encode_cache_make(struct encode_cache *c, const struct encode_kernel *kernel, bool wide,
                      size_t slots, size_t most_slots, struct cbtm_error *e);
void encode_cache_free(struct encode_cache *c); /* leaves {0} */
/* Makes room for the words of a chunk, by growing or forgetting. */
int encode_cache_tidy(struct encode_cache *c, struct cbtm_error *e);

/* Empties all parts: what must be done if a word that was claimed could not be given its ids. */
void encode_cache_forget(struct encode_cache *c);

/* Looks a short word up from *slot on, where its hash or a search before led: whether it is known.
 * *slot is then where it is, else an empty one that it can have; *list is its list, or 0. */
bool encode_cache_find(const struct encode_cache *c, const struct encode_key *key, uint32_t *slot,
                       uint32_t *list);
/* A new short word takes the slot that the search for it gave. It is found there from now on, with
 * no ids (n = 0) until it is given n of these; then its slot holds no more if *list is not 0. */
void encode_cache_claim(struct encode_cache *c, const struct encode_key *key, uint32_t slot);
int encode_cache_set(struct encode_cache *c, uint32_t slot, const uint32_t ids[ENCODE_KEY],
                     size_t n, uint32_t *list, struct cbtm_error *e);
/* The same of n <= ENCODE_NARROW_IDS ids of a vocabulary whose ids fit 16 bits; all places of ids are
 * read. */
static inline void encode_cache_set_few(struct encode_cache *c, uint32_t slot,
                                        const uint16_t ids[ENCODE_NARROW_IDS], uint16_t n)
{
	union encode_ids *to = encode_ids_at(c->line, slot);

	memcpy(to->narrow, ids, sizeof to->narrow);
	to->as.n = n;
}

/* A long word (n <= ENCODE_LONG bytes, or short ones with NUL): its list, 0 if it is new. *hash is
 * for adding it. */
uint32_t encode_cache_find_long(const struct encode_cache *c, const char *word, size_t n,
                                uint64_t *hash);
int encode_cache_add_long(struct encode_cache *c, const char *word, size_t n, uint64_t hash,
                          const uint32_t *ids, size_t ids_n, uint32_t *list, struct cbtm_error *e);
