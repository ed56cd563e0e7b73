/* SPDX-License-Identifier: MIT */
/*
 * The evaluation of one system: every held-out document under every mixture, from scores that
 * the experts computed once. Sums are made in document order: no result depends on threads.
 */
#pragma once
#include "base/pool.h"
#include "ensemble/mixture.h"
#include "store/split.h"

/* Tokens are also counted by their position in the document: 0-31, 32-63, 64-127, ... */
#define POSITION_BUCKETS 10
#define POSITION_FIRST 32
size_t position_bucket(uint64_t position);

struct evaluation_sum {
	double nll; /* natural logarithms */
	uint64_t tokens;
};

/* One held-out document, complete but for its routes. */
struct evaluation_document {
	uint64_t key;
	enum split split; /* VALID or TEST */
	uint32_t cluster; /* its own, by assignment; 0 if k = 1 */
	uint64_t bytes;   /* of the scored text tokens */
	const uint32_t *ids;
	size_t positions;
	const float *const *logprob; /* n_experts pointers */
};

struct evaluation_setup {
	struct router router;           /* k = 1: no centres */
	const struct cbtm_embed *embed; /* NULL: nothing routes (k = 1) */
	const void *embedder;           /* its state */
	const char *const *symbol;      /* bytes of each token id */
	const size_t *symbol_size;
	uint64_t route_every;
	const struct mixture *mixtures;
	size_t n_mixtures;
	struct pool *pool;
};

struct evaluation;
/* What setup points to must outlive the evaluation. */
struct evaluation *evaluation_new(const struct evaluation_setup *setup, struct cbtm_error *e);
void evaluation_free(struct evaluation *v); /* NULL is fine */
/* Evaluates n documents under all mixtures, in parallel, and adds them in order. Their data are
 * the caller's again after the call. */
int evaluation_add(struct evaluation *v, const struct evaluation_document *documents, size_t n,
                   struct cbtm_error *e);

size_t evaluation_documents(const struct evaluation *v);
/* The i-th document added: its key, split, cluster, tokens, bytes. */
void evaluation_document(const struct evaluation *v, size_t i, uint64_t *key, enum split *split,
                         uint32_t *cluster, uint64_t *tokens, uint64_t *bytes);
double evaluation_nll(const struct evaluation *v, size_t mixture, size_t document);

/* Sums over the documents of a split, and of one cluster if cluster < k (else all). */
struct evaluation_sum evaluation_total(const struct evaluation *v, size_t mixture, enum split split,
                                       uint32_t cluster);
/* Documents of a split, and of one cluster if cluster < k (else all). */
uint64_t evaluation_count(const struct evaluation *v, enum split split, uint32_t cluster);
/* Bytes of the scored text tokens of a split. */
uint64_t evaluation_bytes(const struct evaluation *v, enum split split);
struct evaluation_sum evaluation_position(const struct evaluation *v, size_t mixture,
                                          enum split split, size_t bucket);
/* exp(nll / tokens); 0 if there are no tokens. */
double evaluation_perplexity(struct evaluation_sum s);
