/* SPDX-License-Identifier: MIT */
/*
 * Inside the encoder: a chunk's pieces ("words") become keys, keys become places in a cache, which
 * has the ids. A word of at most ENCODE_KEY bytes without NUL is its own key, with zeros behind it:
 * no length is needed. All others have the key of no bytes, which nothing in the cache has.
 */
#pragma once
#include "text/bpe.h"
#include "text/encode_ranks.h"
#include "text/scan.h"

enum {
	ENCODE_KEY = 16,
	ENCODE_WORDS = SCAN_BYTES + 64, /* room: more than a chunk can have, and stores reach on */
	ENCODE_NARROW_IDS = 7,          /* ids of an entry if all of the vocabulary's fit 16 bits */
	ENCODE_WIDE_IDS = 3,            /* else */
	ENCODE_EXCESS = 16              /* ids that may be written behind the last one */
};

/* 16 bytes XOR twice ENCODE_SALT, "a b a b ", which is in no piece of a text: so zero is no word's,
 * and a cache that is empty is memory that was never written to. */
struct encode_key {
	uint64_t half[2];
};
#define ENCODE_SALT 0x2062206120622061u

/* A word's ids and their number, in one of two ways. A word may have more narrow ones than fit if the
 * last that does is repeated: white space at the begin of a line has. */
union encode_ids {
	uint16_t narrow[ENCODE_NARROW_IDS];
	uint32_t wide[ENCODE_WIDE_IDS];
	struct {
		uint16_t ids[ENCODE_NARROW_IDS], n;
	} as;
	struct encode_key key_of_many;
};

/*
 * A line of a cache: two words. Of a word with more ids than fit, half[0] of the key is as of no
 * bytes, half[1] tells where they are (encode_cache.h), and the key itself stands in their place.
 */
struct encode_line {
	alignas(64) struct encode_key key[2];
	union encode_ids ids[2];
};
/* Slots tell where a word is: the bytes from the first line to its key. */
static inline struct encode_key *encode_key_at(const void *table, uint32_t slot)
{
	return (struct encode_key *)(uintptr_t)((const char *)table + slot);
}
static inline union encode_ids *encode_ids_at(const void *table, uint32_t slot)
{
	return (union encode_ids *)(uintptr_t)((const char *)table + slot +
	                                       offsetof(struct encode_line, ids));
}
static inline bool encode_same(const struct encode_key *a, const struct encode_key *b)
{
	return a->half[0] == b->half[0] && a->half[1] == b->half[1];
}

/* The words of a chunk. Word 0 began before it; word i > 0 begins at byte position[i]; word n does
 * not end in it. */
struct encode_words {
	alignas(64) struct encode_key key[ENCODE_WORDS];
	alignas(64) uint32_t slot[ENCODE_WORDS];
	alignas(64) uint64_t differs[ENCODE_WORDS / 64]; /* bit i: not what slot has */
	alignas(64) uint16_t position[ENCODE_WORDS];
	alignas(64) uint16_t length[ENCODE_WORDS];
	uint16_t before[SCAN_BLOCKS]; /* starts in the blocks before: where they stand in position */
	size_t n;
};

/* A short word while it is merged: the ids of its tokens, at their first bytes. The id before it and
 * that behind it merge with nothing (ENCODE_NO_ID). */
struct encode_merging {
	alignas(64) uint32_t merge[ENCODE_KEY]; /* of the pair whose left one begins at byte i */
	uint16_t id[ENCODE_KEY + 2];            /* begins at byte i: id[1 + i], if bit 1 + i of live */
	uint16_t n;                             /* ids, in the end */
	uint8_t best, left;                     /* for a kernel's use, as those from low on */
	uint32_t live;                          /* bit 0 and that behind the word are set, too */
	uint32_t low, pair[2], slot[2];
};
enum { ENCODE_MERGINGS = 32 /* words that are merged at once */ };

/* One processor's way; all give the same words and ids. `table`: the lines, a power of two; mask:
 * of slots of their first words. */
struct encode_kernel {
	const char *name;
	const struct scan_kernel *scan;
	/* A key's slot before masking: of a line. */
	uint32_t (*hash)(const struct encode_key *key);
	/* Starts -> position, before, n. */
	void (*positions)(struct encode_words *w, const uint64_t start[SCAN_BLOCKS]);
	/* text: the chunk's, of which n bytes may be read. Key 0 is given; -> the others, and slots of
	 * all, whose lines are fetched. */
	void (*keys)(struct encode_words *w, const char *text, size_t n, const void *table,
	             uint32_t mask);
	/* Keys and slots -> differs, and the slots of those that are second in their lines. */
	void (*compare)(struct encode_words *w, const void *table);
	/* Merges n <= ENCODE_MERGINGS words: word[i].id[0 .. word[i].n) are the ids of key[i]. */
	void (*merge)(const struct encode_ranks *r, const struct encode_key *const *key,
	              struct encode_merging *word, size_t n);
	/* The ids of words [from, to), all of which have their slots; returns the end of them. */
	uint32_t *(*narrow)(const struct encode_words *w, size_t from, size_t to, const void *table,
	                    uint32_t *out);
	uint32_t *(*wide)(const struct encode_words *w, size_t from, size_t to, const void *table,
	                  uint32_t *out);
};
extern const struct encode_kernel encode_plain, encode_avx512;

/* The kernels that this processor has, the fastest first, the plain one last, then NULL. */
const struct encode_kernel *const *encode_kernels(void);

/* An encoder with a certain kernel, whose cache has room for `slots` words at first and at most
 * `most_slots` (powers of two, from 8192). */
struct bpe_encoder *encode_new(const struct bpe *b, const struct encode_kernel *kernel,
                               size_t slots, size_t most_slots, struct cbtm_error *e);
