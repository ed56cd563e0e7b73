/* SPDX-License-Identifier: MIT */
/*
 * A vocabulary's merges, small enough for a processor's caches: those of two bytes in a square, those
 * of all pairs in a perfect hash (two loads and no search). Only vocabularies of fewer than 65535
 * symbols and merges have them.
 */
#pragma once
#include "base/error.h"
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpe;

enum { ENCODE_NO_ID = 0xffff };        /* no symbol's id: merges with none */
#define ENCODE_NO_MERGE ((uint32_t)-1) /* of a pair: higher than any merge */

/* A merge: its rank << 16 | the id of what it makes. So the least is the first. */
struct encode_ranks {
	uint32_t bytes[1 << 16]; /* the merge of a pair: [first byte + 256 x second byte] */
	alignas(64) uint16_t byte_id[256];
	uint64_t *slot;     /* left << 48 | right << 32 | merge; ~0: none */
	uint16_t *displace; /* by a quarter as many buckets as there are slots */
	uint64_t factor;
	unsigned bucket_shift;
	uint32_t mask;
	void *memory; /* that all of it is in */
};

/* Sets *r to NULL if the vocabulary cannot have them. */
int encode_ranks_make(const struct bpe *b, struct encode_ranks **r, struct cbtm_error *e);
void encode_ranks_free(struct encode_ranks *r); /* NULL is fine */

/* Where the merge of left << 16 | right is, if it has one. */
static inline uint32_t encode_ranks_slot(const struct encode_ranks *r, uint32_t pair)
{
	uint64_t hash = pair * r->factor;

	return ((uint32_t)(hash >> 20) ^ r->displace[hash >> r->bucket_shift]) & r->mask;
}

/* The merge that a slot has, if it is the pair's. Not a branch, which could not be foretold. */
static inline uint32_t encode_ranks_at(const struct encode_ranks *r, uint32_t slot, uint32_t pair)
{
	uint64_t x = r->slot[slot];

	return (uint32_t)x | -(uint32_t)(x >> 32 != pair);
}

static inline uint32_t encode_ranks_find(const struct encode_ranks *r, uint32_t left,
                                         uint32_t right)
{
	uint32_t pair = left << 16 | right;

	return encode_ranks_at(r, encode_ranks_slot(r, pair), pair);
}
