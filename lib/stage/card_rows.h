/* SPDX-License-Identifier: MIT */
/* All documents of a clustered corpus, with what the other datasets hold of each, batch by batch. */
#pragma once
#include "store/dataset.h"
#include "store/split.h"
#include <stdbool.h>

struct card_datasets {
	const struct dataset *documents, *tokens, *vectors, *assignments;
};

enum { CARD_BATCH = 4096 };

/* Rows [row, row + n) of a part; n <= CARD_BATCH. A batch ends with its part at the latest. */
struct card_batch {
	uint32_t part;
	uint64_t row;
	size_t n, d;
	const uint64_t *key, *tokens; /* n */
	const uint8_t *split;         /* n, each < SPLIT_COUNT */
	const uint32_t *cluster;      /* n, each < k */
	const float *distance;        /* n: squared, to the cluster's centre */
	const float *vector;          /* n x d */
	struct card_readers *readers;
};
/* Metadata (JSON) and text of the batch's i-th document; valid until the next call of the same. */
int card_batch_meta(const struct card_batch *b, size_t i, const char **meta, size_t *n,
                    struct cbtm_error *e);
int card_batch_text(const struct card_batch *b, size_t i, const char **text, size_t *n,
                    struct cbtm_error *e);

typedef int card_batch_function(void *arg, const struct card_batch *batch, struct cbtm_error *e);
/*
 * Calls `each` for all documents in order. Parts must hold the same keys in the same order, clusters
 * be below k and vectors d wide: BAD_DATA naming the store otherwise.
 */
int card_rows_each(const struct card_datasets *in, uint64_t k, uint64_t d,
                   card_batch_function *each, void *arg, struct cbtm_error *e);

/* The same for clusters and distances alone: `each` gets those, n and the number of documents before. */
typedef int card_distance_function(void *arg, uint64_t first, const uint32_t *cluster,
                                   const float *distance, size_t n, struct cbtm_error *e);
int card_distances_each(const struct dataset *assignments, card_distance_function *each, void *arg,
                        struct cbtm_error *e);
