/* SPDX-License-Identifier: MIT */
/* Documents out of their stores, in the form in which plugins see them. */
#pragma once
#include "store/dataset.h"
#include "store/split.h"
#include <cbtm/host.h>
#include <stdbool.h>

/* ---------------------------------------------------------------- one part, by rows */
struct document_reader;
/* with_text false: texts stay in the store, document.text is NULL. Close before the store. */
int document_reader_open(const struct store *s, bool with_text, struct document_reader **r,
                         struct cbtm_error *e);
void document_reader_close(struct document_reader *r); /* NULL is fine */
uint64_t document_reader_rows(const struct document_reader *r);
/* The split of a row (enum split) and its key. */
int document_reader_split(struct document_reader *r, uint64_t row, enum split *split, uint64_t *key,
                          struct cbtm_error *e);
/* Starts an empty batch; document_reader_add puts a row behind it. *documents: all rows of the
 * batch, valid until the next call on r. */
void document_reader_clear(struct document_reader *r);
int document_reader_add(struct document_reader *r, uint64_t row, struct cbtm_error *e);
int document_reader_batch(struct document_reader *r, const struct cbtm_document **documents,
                          size_t *n, struct cbtm_error *e);
/* What a batch may hold: it ends with the document that reaches it, however few there are. */
#define DOCUMENT_BYTES ((size_t)64 << 20)
/* A batch of the rows from `row` on, at most `most` of them (fewer at the end), and of `bytes`. */
int document_reader_take(struct document_reader *r, uint64_t row, size_t most, size_t bytes,
                         const struct cbtm_document **documents, size_t *n, struct cbtm_error *e);

/* ---------------------------------------------------------------- which documents are fitted */
/*
 * Train documents (seed and branch), or about `most` of them (0: all): those whose key draws a
 * number below most / train documents.
 */
struct document_sample {
	double share;
	uint64_t seed;
};
int document_sample_make(const struct dataset *documents, uint64_t most, uint64_t seed,
                         struct document_sample *sample, struct cbtm_error *e);
bool document_is_sampled(const struct document_sample *sample, enum split split, uint64_t key);

/* ---------------------------------------------------------------- a stream of them */
struct document_stream {
	struct cbtm_documents documents; /* what fit() gets */
	const struct dataset *dataset;
	struct document_sample sample;
	size_t bytes; /* that one call of next() may give: DOCUMENT_BYTES */
	uint32_t part;
	uint64_t row;
	struct store *store;
	struct document_reader *reader;
};
/* Counts first: EMPTY_CORPUS if nothing is left. Close it in any case. */
int document_stream_open(const struct dataset *documents, const struct document_sample *sample,
                         struct document_stream *s, struct cbtm_error *e);
void document_stream_close(struct document_stream *s);
