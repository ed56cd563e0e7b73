/* SPDX-License-Identifier: MIT */
/*
 * Short words scan a list for the lowest rank; long ones keep a heap of (rank, position) over a
 * linked list, O(n log n).
 */
#include "text/encode_merge.h"
#include "base/error.h"
#include "base/memory.h"
#include "text/encode_ranks.h"
#include <stdlib.h>
#include <string.h>

struct encode_node {
	uint32_t id, previous, next; /* BPE_NONE: none; a merged-away node has id BPE_NONE */
};

enum { KEPT = 1 << 16 /* memory for longer words is given back */ };

#define NO_MERGE UINT64_MAX

/* The merge of two tokens: its rank << 32 | the id that it makes. */
static uint64_t merge_of(const struct bpe *b, uint32_t left, uint32_t right)
{
	if (b->ranks) {
		uint32_t merge = encode_ranks_find(b->ranks, left, right);
		return merge == ENCODE_NO_MERGE ? NO_MERGE
		                                : (uint64_t)(merge >> 16) << 32 | (merge & 0xffff);
	} else {
		const struct bpe_pair *p = bpe_pair_find(b, left, right);
		return p ? (uint64_t)p->rank << 32 | p->id : NO_MERGE;
	}
}

/* The first token at or behind a byte. */
static size_t from(uint64_t live, size_t i)
{
	return i + (size_t)__builtin_ctzll(live >> i);
}

/* Merges a word of at most ENCODE_SCANNED bytes into out; returns the number of ids. */
static size_t merge_scanning(const struct bpe *b, const char *s, size_t n, uint32_t *out)
{
	uint64_t merge[ENCODE_SCANNED], live = (2ull << n) - 1; /* where tokens begin, and the end */
	uint32_t id[ENCODE_SCANNED];
	size_t ids = 0;

	for (size_t i = 0; i < n; i++)
		id[i] = b->byte[(unsigned char)s[i]];
	for (size_t i = 0; i + 1 < n; i++)
		merge[i] = merge_of(b, id[i], id[i + 1]);
	merge[n - 1] = NO_MERGE;
	for (;;) {
		uint64_t low = NO_MERGE, before;
		size_t at = 0, right, behind;

		for (size_t i = 0; i < n; i++)
			low = merge[i] < low ? merge[i] : low;
		if (low == NO_MERGE)
			break;
		while (merge[at] != low)
			at++;
		right = from(live, at + 1);
		behind = from(live, right + 1);
		live ^= 1ull << right;
		before = live & ((1ull << at) - 1);
		id[at] = (uint32_t)low;
		merge[right] = NO_MERGE;
		merge[at] = behind < n ? merge_of(b, id[at], id[behind]) : NO_MERGE;
		if (before) {
			size_t left = 63 - (size_t)__builtin_clzll(before);
			merge[left] = merge_of(b, id[left], id[at]);
		}
	}
	for (size_t i = 0; i < n; i = from(live, i + 1))
		out[ids++] = id[i];
	return ids;
}

/* The heap's elements: rank << 32 | position. */
static void heap_push(struct encode_merger *m, uint64_t x)
{
	size_t i = m->heap_n++;

	for (; i && x < m->heap[(i - 1) / 2]; i = (i - 1) / 2)
		m->heap[i] = m->heap[(i - 1) / 2];
	m->heap[i] = x;
}

static uint64_t heap_pop(struct encode_merger *m)
{
	uint64_t top = m->heap[0], x = m->heap[--m->heap_n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < m->heap_n) {
		if (child + 1 < m->heap_n && m->heap[child + 1] < m->heap[child])
			child++;
		if (m->heap[child] >= x)
			break;
		m->heap[i] = m->heap[child];
		i = child;
	}
	m->heap[i] = x;
	return top;
}

static void consider(struct encode_merger *m, uint32_t at)
{
	const struct encode_node *left = &m->node[at];
	uint64_t merge;

	if (left->next == BPE_NONE)
		return;
	merge = merge_of(m->bpe, left->id, m->node[left->next].id);
	if (merge != NO_MERGE)
		heap_push(m, merge >> 32 << 32 | at);
}

/* Whether the pair at a node is still the one that was pushed with this rank. */
static bool is_fresh(const struct encode_merger *m, const struct encode_node *left, uint32_t rank)
{
	return left->id == m->bpe->merge[rank][0] && left->next != BPE_NONE &&
	       m->node[left->next].id == m->bpe->merge[rank][1];
}

/* Appends the ids, for which there is room. Every merge takes one candidate away and pushes at most
 * two: 2 n places suffice. */
static int merge_heap(struct encode_merger *m, const char *s, size_t n, struct bpe_ids *ids,
                      struct cbtm_error *e)
{
	size_t places;

	if (n >= BPE_NONE || !size_mul(n, 2, &places))
		return error_set(e, CBTM_ERR_BAD_DATA, NULL, "a word is longer than 4 GiB");
	if (array_reserve(&m->node, &m->nodes, n, sizeof *m->node, e) ||
	    array_reserve(&m->heap, &m->heap_cap, places, sizeof *m->heap, e))
		return e->name;
	m->heap_n = 0;
	for (uint32_t i = 0; i < n; i++)
		m->node[i] = (struct encode_node){ m->bpe->byte[(unsigned char)s[i]], i - 1,
			                               i + 1 < n ? i + 1 : BPE_NONE };
	for (uint32_t i = 0; i < n; i++)
		consider(m, i);
	while (m->heap_n) {
		uint64_t x = heap_pop(m);
		uint32_t at = (uint32_t)x, rank = (uint32_t)(x >> 32);
		struct encode_node *left = &m->node[at], *right;

		if (!is_fresh(m, left, rank))
			continue;
		right = &m->node[left->next];
		left->id = m->bpe->merged[rank];
		left->next = right->next;
		right->id = BPE_NONE;
		if (left->next != BPE_NONE)
			m->node[left->next].previous = at;
		consider(m, at);
		if (left->previous != BPE_NONE)
			consider(m, left->previous);
	}
	for (uint32_t i = 0; i != BPE_NONE; i = m->node[i].next)
		ids->v[ids->n++] = m->node[i].id;
	return 0;
}

void encode_merger_free(struct encode_merger *m)
{
	free(m->node);
	free(m->heap);
	*m = (struct encode_merger){ .bpe = m->bpe };
}

int encode_merge(struct encode_merger *m, const char *word, size_t n, struct bpe_ids *ids,
                 struct cbtm_error *e)
{
	if (bpe_ids_reserve(ids, n, e))
		return e->name;
	if (n <= ENCODE_SCANNED) {
		ids->n += merge_scanning(m->bpe, word, n, ids->v + ids->n);
		return 0;
	}
	merge_heap(m, word, n, ids, e);
	if (n > KEPT)
		encode_merger_free(m);
	return e->name;
}
