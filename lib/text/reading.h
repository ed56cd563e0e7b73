/* SPDX-License-Identifier: MIT */
/*
 * A part of the corpus on its way into rows: lines are read, parsed on all threads and handed on in
 * the order of the source; bad ones are left out, counted, shown and kept as the rules say.
 */
#pragma once
#include "base/pool.h"
#include "store/store.h"
#include "text/document.h"
#include "text/encoding.h"
#include "text/source.h"

/* What becomes of a line that is broken. Text with invalid UTF-8 is repaired by the last two. */
enum bad_input {
	BAD_INPUT_ABORT,     /* the first one is an error */
	BAD_INPUT_SKIP,      /* left out */
	BAD_INPUT_QUARANTINE /* left out, and written to a file */
};

struct reading_rules {
	struct document_rules document;
	int bad_input;       /* enum bad_input */
	uint64_t bad_lines;  /* of a part: lines that may be left out, or kept with repaired text */
	uint64_t line_bytes; /* the longest line: a longer one is bad, and is kept by its beginning */
};

/* CONFIG naming the key, where rules of documents contradict each other. */
int reading_check(const struct reading_rules *r, struct cbtm_error *e);

/* Good documents, in order; strings lie one behind another. */
struct reading_rows {
	size_t n;
	const uint64_t *key;
	const uint8_t *split;
	const struct digest *text_digest; /* only if asked for */
	const char *id, *text, *meta;
	const uint64_t *id_n, *text_n, *meta_n; /* bytes of each */
	/* Only if asked for: the texts' token ids, elements of "tokens", and how many each has. */
	const char *ids;
	const uint64_t *ids_n;
};

struct reading {
	struct source *source;
	uint32_t part;
	const struct reading_rules *rules;
	bool digests;           /* of texts are wanted */
	bool silent;            /* another reading shows bad lines */
	const char *quarantine; /* file for the bad lines; NULL: none. It is written anew. */
	struct pool *pool;
	struct store_writer *out;
	struct encoding *encoding; /* makes token ids, too, and is committed with `out`; NULL: none */
	void *arg;
	/* Appends rows to `out`, and to what is encoded; *bytes: of text, what counts for the commit interval. */
	int (*take)(void *arg, const struct reading_rows *rows, uint64_t *bytes, struct cbtm_error *e);
};

struct reading_counts {
	uint64_t bad;      /* lines left out */
	uint64_t repaired; /* documents with replaced characters */
};

/*
 * Reads the whole part, committing `out` as it goes; rows behind the last commit are the caller's
 * to commit. Neither rows nor counts depend on threads. Errors: BAD_JSON, BAD_DATA, BAD_UTF8 naming
 * file:line:byte (byte: where the line begins in the file's content, from 0) when more than
 * bad_lines lines are bad, or the first with BAD_INPUT_ABORT; BAD_DATA if a file is damaged or
 * changed since it was found; STOPPED after a commit.
 */
int reading_run(const struct reading *reading, struct reading_counts *counts, struct cbtm_error *e);
