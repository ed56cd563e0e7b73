/* SPDX-License-Identifier: MIT */
/* The token ids of documents: u16 or u32 in the store, uint32_t for everybody else. */
#pragma once
#include "store/store.h"

/* Adds the column "ids" to a writer of kind "tokens": u16 if vocabulary_size <= 65536. */
int tokens_add_column(struct store_writer *w, uint64_t vocabulary_size, struct cbtm_error *e);
/* Bytes of an id in that column. */
size_t tokens_id_bytes(uint64_t vocabulary_size);
/* Appends one document's ids (each < vocabulary_size: checked). */
int tokens_append(struct store_writer *w, const uint32_t *ids, uint64_t n, struct cbtm_error *e);

/* The same of several documents, whose ids lie one behind another, n[i] each. */
int tokens_append_rows(struct store_writer *w, const uint32_t *ids, const uint64_t *n,
                       uint64_t rows, struct cbtm_error *e);

/*
 * The same in two steps: the first on any thread, beside anything but tokens_add_column. It checks
 * the ids and makes them elements of the column, in place.
 */
int tokens_prepare(const struct store_writer *w, uint32_t *ids, uint64_t n, struct cbtm_error *e);
int tokens_append_prepared(struct store_writer *w, const void *elements, const uint64_t *n,
                           uint64_t rows, struct cbtm_error *e);

struct tokens_reader;
int tokens_open(const struct store *s, struct tokens_reader **r, struct cbtm_error *e);
void tokens_close(struct tokens_reader *r); /* NULL is fine */
/* One document's ids, valid until the next call on r. */
int tokens_read(struct tokens_reader *r, uint64_t row, const uint32_t **ids, uint64_t *n,
                struct cbtm_error *e);
