/* SPDX-License-Identifier: MIT */
/*
 * From vectors to centres and to assignments, with any cluster plugin. What plugins leave out is
 * done here: means as centres, nearest or priced assignment, zero vectors.
 *
 * A zero vector (a document without a known word) has no direction. Unless the plugin assigns by
 * itself it takes no part in the fit, and goes to a cluster with that cluster's share of the fit as
 * probability (tokens, if capacities are in tokens), drawn by its key.
 */
#pragma once
#include "base/pool.h"
#include "stage/documents.h"
#include "store/dataset.h"
#include <cbtm/cluster.h>

/* ---------------------------------------------------------------- fit */
struct clustering {
	const struct cbtm_cluster *plugin;
	const void *plugin_options;
	uint64_t k, seed;
	uint64_t sample; /* fit on about so many; 0: on all train documents */
	struct dataset *vectors, *documents;
	struct dataset *tokens; /* capacities in tokens; NULL: in documents */
	struct pool *pool;
};
/* Fits and appends all rows and facts of kind "centres" to `out`, and commits. TOO_MANY_CLUSTERS if
 * the train documents (without zero vectors) are fewer than k. */
int clustering_fit(const struct clustering *c, struct store_writer *out, struct cbtm_error *e);

/* ---------------------------------------------------------------- assignment */
struct centres {
	size_t k, d;
	float *centre; /* k x d */
	double *price; /* k */
	double *share; /* k: of zero vectors; sums to 1 */
	void *state;   /* the plugin's */
	const struct cbtm_cluster *plugin;
	const void *plugin_options;
	uint64_t seed;
	bool priced; /* argmin distance + price instead of distance */
};
/* Reads a "centres" store; plugin, its options, seed and priced are set by the caller before. */
int centres_load(struct centres *c, const struct store *s, struct cbtm_error *e);
void centres_free(struct centres *c);

/* cluster and distance (n each): of n documents with vectors x (n x d). */
int centres_assign(const struct centres *c, struct pool *pool, const float *x,
                   const struct cbtm_document *documents, size_t n, uint32_t *cluster,
                   float *distance, struct cbtm_error *e);
