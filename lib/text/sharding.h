/* SPDX-License-Identifier: MIT */
/* Tokens (of a cluster) -> shuffled sequences. */
#pragma once
#include "store/dataset.h"
#include <cbtm/param.h>

struct sharding {
	const struct dataset *tokens;
	const struct dataset *assignments; /* NULL: all documents are in cluster 0 */
	uint32_t cluster, clusters;
	uint8_t split; /* enum split of what is trained on: SPLIT_SEED or SPLIT_BRANCH */
	uint64_t length, random_seed;
	uint64_t memory;                 /* bytes for both shuffles together, about */
	const struct dataset *documents; /* with `weights`: their metadata decides; else NULL */
	struct cbtm_texts weights;       /* text/weights.h; n = 0: every document once */
	const char *weight_field;
	const char *folder;       /* for temporary files */
	const char *vocabulary;   /* its content digest */
	uint64_t vocabulary_size; /* and size */
	uint32_t eod;
};

/*
 * Documents of the split (and cluster) in random order, packed, sequences in random order: columns
 * ids, boundary, document of `out`; then the valid documents alike: column valid. Sets the facts of
 * the kind "sequences": length, clusters, cluster, documents, tokens (with an EOD a document),
 * tokens_all (of all clusters), vocabulary, vocabulary_size, eod; with weights also sources (weights_report). Goes on behind the rows that `out`
 * holds by doing them again. The order depends on document keys and random_seed alone; equal keys
 * keep the corpus's order. An error if a branch has no whole sequence; STOPPED after a commit.
 */
int sharding_run(const struct sharding *s, struct store_writer *out, struct cbtm_error *e);
