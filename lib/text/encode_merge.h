/* SPDX-License-Identifier: MIT */
/* Merging a word's byte pairs: lowest rank first, leftmost first. */
#pragma once
#include "text/bpe.h"

enum { ENCODE_SCANNED = 32 /* bytes of the longest word that is merged by scanning */ };

/* Zeroed but for bpe; one thread's. A word of n bytes takes 28 n bytes of memory, which are kept for
 * the next one if they are not many. */
struct encode_merger {
	const struct bpe *bpe;
	struct encode_node *node;
	uint64_t *heap;
	size_t nodes, heap_n, heap_cap;
};
void encode_merger_free(struct encode_merger *m); /* leaves it as before the first word */

/* Appends the ids of a word of n > 0 bytes. O(n log n). */
int encode_merge(struct encode_merger *m, const char *word, size_t n, struct bpe_ids *ids,
                 struct cbtm_error *e);
