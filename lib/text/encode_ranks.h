/* SPDX-License-Identifier: MIT */
/*
 * A vocabulary's merges, small enough for a processor's caches: the ranks of two bytes in a square,
 * those of all pairs in a perfect hash (two loads and no search), the merges by rank. The hash has 16
 * bits of each pair only: one of 65536 pairs without a merge seems to have one. So who merges asks
 * encode_ranks_has first. Only vocabularies of fewer than 65535 symbols and merges have them.
 */
#pragma once
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpe;

enum { ENCODE_UNRANKED = 0xffff /* the rank of a pair that does not merge; no symbol's id */ };

struct encode_ranks {
	uint16_t bytes[1 << 16]; /* [first byte + 256 x second byte] */
	uint16_t byte_id[256];
	struct encode_made {
		uint32_t pair;  /* left << 16 | right */
		uint32_t id;    /* of what it makes */
	} * made;           /* by rank */
	uint32_t *slot;     /* 16 bits of the pair's hash << 16 | rank; ~0: none */
	uint16_t *displace; /* by a quarter as many buckets as there are slots */
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

/* Bits of the hash that neither the bucket nor the place in it are made of. */
static inline uint32_t encode_ranks_mark(uint64_t hash)
{
	return (uint32_t)(hash >> 34) & 0xffff;
}

/* The rank that a pair has, if it has any. */
static inline uint32_t encode_rank(const struct encode_ranks *r, uint32_t left, uint32_t right)
{
	uint64_t hash = (left << 16 | right) * r->factor;
	uint32_t x = r->slot[encode_ranks_slot(r, hash, r->displace[hash >> r->bucket_shift])];

	/* Not a branch, which could not be foretold. */
	return (x | -(uint32_t)(x >> 16 != encode_ranks_mark(hash))) & 0xffff;
}

static inline bool encode_ranks_has(const struct encode_ranks *r, uint32_t rank, uint32_t left,
                                    uint32_t right)
{
	return r->made[rank].pair == (left << 16 | right);
}
