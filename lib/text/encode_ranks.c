/* SPDX-License-Identifier: MIT */
/*
 * The perfect hash is "hash and displace": a pair's hash gives a bucket and a place; the bucket's
 * displacement, found when the vocabulary is made, moves the places of its pairs to free slots.
 * Buckets with most pairs go first. If one does not fit, all is done again with another factor.
 */
#include "text/encode_ranks.h"
#include "base/memory.h"
#include "text/bpe.h"
#include <stdlib.h>
#include <string.h>

enum { TRIES = 100, BUCKET_SLOTS = 4, MOST = 64 /* pairs of a bucket */ };

/* The pairs by bucket: those of bucket i are of[first[i]] .. of[first[i + 1] - 1]. */
struct buckets {
	uint32_t *first, *of;
	size_t n;
};

static uint32_t pair_of(const struct bpe *b, uint32_t merge)
{
	return b->merge[merge][0] << 16 | b->merge[merge][1];
}

static size_t bucket_of(const struct encode_ranks *r, const struct bpe *b, uint32_t merge)
{
	return pair_of(b, merge) * r->factor >> r->bucket_shift;
}

/* Counting sort; false if a bucket has too many. */
static bool fill_buckets(struct buckets *k, const struct encode_ranks *r, const struct bpe *b)
{
	memset(k->first, 0, (k->n + 2) * sizeof *k->first);
	for (uint32_t i = 0; i < b->merges; i++)
		k->first[bucket_of(r, b, i) + 2]++;
	for (size_t i = 2; i < k->n + 2; i++) {
		if (k->first[i] > MOST)
			return false;
		k->first[i] += k->first[i - 1];
	}
	for (uint32_t i = 0; i < b->merges; i++)
		k->of[k->first[bucket_of(r, b, i) + 1]++] = i;
	return true;
}

/* Finds the bucket's displacement and takes its slots. */
static bool place_bucket(struct encode_ranks *r, const struct bpe *b, const uint32_t *merge,
                         size_t n, uint16_t *displace)
{
	uint64_t *slot[MOST];

	for (uint32_t d = 0; d <= UINT16_MAX; d++) {
		size_t i = 0;

		*displace = (uint16_t)d;
		for (; i < n; i++) {
			slot[i] = &r->slot[encode_ranks_slot(r, pair_of(b, merge[i]))];
			if (*slot[i] != UINT64_MAX)
				break;
			*slot[i] = 0; /* taken, also for the others of this bucket */
		}
		if (i < n) {
			while (i--)
				*slot[i] = UINT64_MAX;
			continue;
		}
		for (i = 0; i < n; i++)
			*slot[i] = (uint64_t)pair_of(b, merge[i]) << 32 | merge[i] << 16 | b->merged[merge[i]];
		return true;
	}
	return false;
}

static bool place_all(struct encode_ranks *r, const struct bpe *b, struct buckets *k)
{
	if (!fill_buckets(k, r, b))
		return false;
	memset(r->slot, 0xff, (r->mask + (size_t)1) * sizeof *r->slot);
	memset(r->displace, 0, k->n * sizeof *r->displace);
	for (size_t size = MOST; size; size--)
		for (size_t i = 0; i < k->n; i++)
			if (k->first[i + 1] - k->first[i] == size &&
			    !place_bucket(r, b, k->of + k->first[i], size, &r->displace[i]))
				return false;
	return true;
}

static void fill_square(struct encode_ranks *r, const struct bpe *b)
{
	for (unsigned i = 0; i < 256; i++)
		r->byte_id[i] = b->byte[i];
	for (unsigned i = 0; i < 1 << 16; i++)
		r->bytes[i] = encode_ranks_find(r, b->byte[i & 0xff], b->byte[i >> 8]);
}

/* All in one piece, in a huge page if there are such: an encoder jumps about in it. */
static struct encode_ranks *make_empty(size_t slots, struct cbtm_error *e)
{
	size_t displace = slots / BUCKET_SLOTS * sizeof(uint16_t);
	size_t bytes = sizeof(struct encode_ranks) + slots * sizeof(uint64_t) + displace;
	void *memory = mem_zeroed(bytes + MEM_HUGE_PAGE, 1, "a vocabulary", e);
	struct encode_ranks *r;

	if (!memory)
		return NULL;
	r = (void *)((char *)memory + -(uintptr_t)memory % MEM_HUGE_PAGE);
	mem_wish_huge(r, MEM_HUGE_PAGE);
	r->memory = memory;
	r->slot = (uint64_t *)(r + 1);
	r->displace = (uint16_t *)(r->slot + slots);
	r->mask = (uint32_t)slots - 1;
	r->bucket_shift = 64 - (unsigned)__builtin_ctzll(slots / BUCKET_SLOTS);
	return r;
}

int encode_ranks_make(const struct bpe *b, struct encode_ranks **out, struct cbtm_error *e)
{
	struct encode_ranks *r = NULL;
	struct buckets k = { 0 };
	size_t slots = 1024;
	bool placed = false;

	*out = NULL;
	if (b->size >= ENCODE_NO_ID || b->merges >= ENCODE_NO_ID)
		return 0;
	while (slots < b->merges + b->merges / 4u)
		slots *= 2;
	k.n = slots / BUCKET_SLOTS;
	r = make_empty(slots, e);
	k.first = mem_zeroed(k.n + 2, sizeof *k.first, "a vocabulary", e);
	k.of = mem_zeroed(b->merges, sizeof *k.of, "a vocabulary", e);
	if (!r || e->name)
		goto done;
	for (uint64_t i = 0; i < TRIES && !placed; i++) {
		r->factor = 0x9e3779b97f4a7c15u * (2 * i + 1);
		placed = place_all(r, b, &k);
	}
	if (placed)
		fill_square(r, b);
done:
	free(k.first);
	free(k.of);
	if (!e->name && placed)
		*out = r;
	else
		encode_ranks_free(r);
	return e->name;
}

void encode_ranks_free(struct encode_ranks *r)
{
	if (r)
		free(r->memory);
}
