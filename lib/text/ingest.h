/* SPDX-License-Identifier: MIT */
/* A part of the corpus -> a part of "documents" (or of "digests": of the same rows). */
#pragma once
#include "store/dataset.h"
#include "text/reading.h"

struct ingest {
	struct source *source;
	uint32_t part;
	const struct reading_rules *rules;
	const char *folder;               /* BAD_INPUT_QUARANTINE: for part-NNNNN.quarantine.jsonl */
	const struct dataset *duplicates; /* rows that are left out; NULL: none */
	struct pool *pool;
	struct store_writer *out;
	struct encoding *tokens; /* is given the documents' ids in the same pass; NULL: none are made */
};

/*
 * Appends the part's documents to `out` in the order of the source, behind those that it holds
 * already (the source is read again from the part's start), committing as it goes, and sets the
 * facts documents, bytes, documents.SPLIT, bad_lines (left out), repaired (documents with replaced
 * characters), repeated_ids (within the part; 16 bytes of memory for each of its documents),
 * duplicates (left out). The result depends on no thread and no commit, nor on how many rows the
 * documents and the tokens held. The tokens are finished, too. Errors: reading.h.
 */
int ingest_part(const struct ingest *in, struct cbtm_error *e);

/* Appends the digests of the texts of the same documents, duplicates too, to `out` of kind
 * "digests". The same errors; nothing is shown or kept of bad lines. */
int ingest_digests(const struct ingest *in, struct cbtm_error *e);
