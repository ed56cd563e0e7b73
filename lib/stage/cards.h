/* SPDX-License-Identifier: MIT */
/*
 * Cluster cards: what people look at to know what was clustered (doc/clusters.md). Kind "cards":
 * a row a cluster, a row a metadata field, one of the whole.
 *
 * One pass over all documents, three more over the distances alone (exact quantiles). Memory: the
 * centres, about 15 KiB a cluster, a bit a document, and bounded tables of words and values.
 */
#pragma once
#include "base/pool.h"
#include "stage/card_rows.h"
#include "stage/stage.h"
#include <cbtm/embed.h>

struct card_options {
	struct cbtm_texts field;   /* of the metadata (stage/card_fields.h) */
	uint64_t sample;           /* count words and look for neighbours in about so many; 0: in all */
	uint64_t terms, documents; /* to keep of a cluster */
};

struct cards {
	struct card_datasets in;
	const struct dataset *centres;
	const struct cbtm_embed *embed; /* NULL, or without features: no terms of centres */
	const void *embedder;
	const struct card_options *options;
	uint64_t seed; /* of the sample */
	struct pool *pool;
};
/* Appends all rows to `out` and commits. The result depends neither on threads nor on parts. */
int cards_make(const struct cards *c, struct store_writer *out, struct cbtm_error *e);
/* The body of a task that reads documents, tokens, vectors, assignments, centres and embedder. */
int cards_run(struct stage_run *run, const struct card_options *options, uint64_t seed,
              struct cbtm_error *e);
