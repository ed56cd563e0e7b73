/* SPDX-License-Identifier: MIT */
/* A part of the corpus -> a part of "documents": reads, checks, splits, counts, commits. */
#pragma once
#include "base/pool.h"
#include "store/store.h"
#include "text/document.h"
#include "text/source.h"

struct ingest_rules {
	struct document_rules document;
	uint64_t bad_lines;  /* of a part: lines that may be left out, or kept with repaired text */
	uint64_t line_bytes; /* the longest line */
};

/*
 * Appends the part's documents to `out` in the order of the source, behind those that it holds
 * already (the source is read again from the part's start), committing as it goes, and sets the
 * facts documents, bytes, documents.SPLIT, bad_lines (left out), repaired (documents with replaced
 * characters), repeated_ids (within the part). The result depends on no thread and no commit.
 * Errors: BAD_JSON, BAD_DATA, BAD_UTF8 naming file:line when more than bad_lines lines are bad;
 * STOPPED after a commit.
 */
int ingest_part(const struct source *source, uint32_t part, const struct ingest_rules *rules,
                struct pool *pool, struct store_writer *out, struct cbtm_error *e);
