/* SPDX-License-Identifier: MIT */
/* Documents' texts on their way into a part of "tokens": encoded on any thread, appended in order. */
#pragma once
#include "text/bpe.h"

struct encoding;

/*
 * For `out` of kind "tokens", behind what it holds. `content`: the vocabulary's digest, hex text;
 * threads: those that will encode. All must live on. Free with encoding_free, also after an error.
 */
int encoding_new(const struct bpe *bpe, const char *content, unsigned threads,
                 struct store_writer *out, struct encoding **encoding, struct cbtm_error *e);
/* The same with the vocabulary of a dataset, which need not live on: `known`, if it is in memory
 * already, else one that it reads for itself. */
int encoding_open(struct dataset *vocabulary, const struct bpe *known, unsigned threads,
                  struct store_writer *out, struct encoding **encoding, struct cbtm_error *e);
void encoding_free(struct encoding *c); /* NULL is fine */

/*
 * The ids of `rows` texts that lie one behind another, text[start[i] .. start[i + 1]), as elements
 * of the column "ids" in ids->v (cleared first), encoding_id_bytes each; n[i]: how many text i has.
 * One call a thread at a time, beside encoding_append.
 */
int encoding_ids(const struct encoding *c, unsigned thread, const char *text, const size_t *start,
                 size_t rows, struct bpe_ids *ids, uint64_t *n, struct cbtm_error *e);
size_t encoding_id_bytes(const struct encoding *c);

/* Appends rows key, split, ids: elements that encoding_ids made, n[i] of row i. */
int encoding_append(struct encoding *c, const uint64_t *key, const uint8_t *split, const void *ids,
                    const uint64_t *n, size_t rows, struct cbtm_error *e);
/* The documents that `out` holds. */
uint64_t encoding_rows(const struct encoding *c);
/* Commits what is appended. */
int encoding_commit(struct encoding *c, struct cbtm_error *e);
/* Sets the facts vocabulary, vocabulary_size, tokens.SPLIT and commits. */
int encoding_finish(struct encoding *c, struct cbtm_error *e);
struct store_writer *encoding_out(const struct encoding *c);
