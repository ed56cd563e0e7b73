/* SPDX-License-Identifier: MIT */
/*
 * part-NNNNN.json: what a sealed part holds. Its inner object "store" lies in the part itself too
 * (database ".store", key "header"); around it come the file's size and digest, and in the last
 * line the digest of all lines before it.
 */
#pragma once
#include "base/memory.h"
#include "store/column.h"

enum { STORE_FORMAT = 2, MANIFEST_BYTES_MAX = 64 << 20 };

struct manifest_fact {
	const char *name, *json;
};

struct manifest {
	const char *kind;
	uint32_t version;
	struct digest fingerprint, content;
	uint64_t page; /* bytes of an LMDB page */
	size_t n_facts, n_columns;
	struct manifest_fact *facts;       /* sorted by name */
	struct store_column_info *columns; /* sorted by name */
	uint64_t file_bytes;
	struct digest file;
	const char *header; /* the inner object as text; set by manifest_read and manifest_header */
};

/* The content's digest: kind, version, the columns' digests, the facts. */
int manifest_content(const struct manifest *m, struct digest *content, struct cbtm_error *e);
/* Appends the inner object to *out. */
int manifest_header(const struct manifest *m, struct buffer *out, struct cbtm_error *e);
/* The JSON text of a fact; NULL: it has none of that name. */
const char *manifest_fact_json(const struct manifest *m, const char *name);
/* Publishes the manifest around m->header. */
int manifest_write(const struct manifest *m, const char *path, struct cbtm_error *e);
/* Reads and checks; everything lives in the arena. MISSING_INPUT or BAD_STORE. */
int manifest_read(const char *path, struct arena *a, struct manifest *m, struct cbtm_error *e);

/* The last line of both kinds of JSON file: appends it; checks it. */
int manifest_sign(struct buffer *text, struct cbtm_error *e);
int manifest_check(const char *text, size_t n, const char *path, struct cbtm_error *e);
