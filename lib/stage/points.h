/* SPDX-License-Identifier: MIT */
/* The train documents' vectors, brought together from their stores for a fit. */
#pragma once
#include "stage/documents.h"
#include "store/dataset.h"

/* NOT_FINITE, naming `where`, the row and the document's key, if a vector has a number that is none. */
int points_check(const float *x, size_t d, uint64_t row, uint64_t key, const char *where,
                 struct cbtm_error *e);

struct points {
	size_t n, d;
	float *vector;                  /* n x d */
	struct cbtm_document *document; /* n; key and meta, no text */
	uint64_t *tokens;               /* n, or NULL */
	uint64_t zero;                  /* zero vectors met */
	struct points_memory *memory;
};

/*
 * All sampled documents of all parts, in order; zero vectors are left out if `drop_zero`. tokens
 * may be NULL. Parts of the datasets must hold the same keys in the same order: BAD_DATA naming
 * the store otherwise; vectors are checked. Free with points_free, also after an error.
 */
int points_read(struct points *p, const struct dataset *vectors, const struct dataset *documents,
                const struct dataset *tokens, const struct document_sample *sample, bool drop_zero,
                struct cbtm_error *e);
void points_free(struct points *p);
