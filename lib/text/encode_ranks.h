/* SPDX-License-Identifier: MIT */
/*
 * A vocabulary's merges, small enough for a processor's caches: the ranks of two bytes in a square,
 * those of all pairs in a perfect hash (two loads and no search), what a merge makes by its rank.
 * Only vocabularies of at most 65535 symbols and as many merges have them.
 */
#pragma once
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

struct bpe;

enum { ENCODE_UNRANKED = 0xffff /* the rank of a pair that does not merge; no symbol's id */ };

struct encode_ranks {
	uint16_t bytes[1 << 16]; /* [first byte + 256 x second byte] */
	uint16_t byte_id[256];
	uint16_t *made;     /* by rank */
	uint64_t *pair;     /* left << 32 | right << 16 | rank; ~0: none */
	uint16_t *displace; /* by a quarter as many buckets as pair has slots */
	uint64_t factor;
	unsigned bucket_shift;
	uint32_t mask;
};

/* Sets *r to NULL if the vocabulary cannot have them. */
int encode_ranks_make(const struct bpe *b, struct encode_ranks **r, struct cbtm_error *e);
void encode_ranks_free(struct encode_ranks *r); /* NULL is fine */

static inline uint32_t encode_ranks_slot(const struct encode_ranks *r, uint64_t hash,
                                         uint32_t displacement)
{
	return ((uint32_t)(hash >> 20) ^ displacement) & r->mask;
}

static inline uint32_t encode_rank(const struct encode_ranks *r, uint32_t left, uint32_t right)
{
	uint32_t pair = left << 16 | right;
	uint64_t hash = pair * r->factor;
	uint64_t x = r->pair[encode_ranks_slot(r, hash, r->displace[hash >> r->bucket_shift])];

	return x >> 16 == pair ? (uint32_t)(x & 0xffff) : ENCODE_UNRANKED;
}
