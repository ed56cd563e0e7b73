/* SPDX-License-Identifier: MIT */
/*
 * A part that still grows: two files, ours alone and no published format. One is LMDB's: a database
 * of records of packed blocks (packed.h) under (column, first row); one of open blocks ("tails")
 * under (column, rows so far), uncompressed; one of the state: columns, facts, cursor. The state
 * says what is committed. Records and tails beyond it may lie there already (large appends are
 * written ahead) and are dropped when the file is opened again.
 *
 * The other holds the blocks themselves, on pages as the sealed file will have them (pages.h);
 * what no record names is cut off when it is opened again. A commit writes to it first. It becomes
 * the sealed file when the trees are written behind the blocks.
 */
#pragma once
#include "store/block.h"
#include "store/environment.h"
#include "store/pages.h"
#include "store/part.h"

struct partial {
	const char *path;
	MDB_env *env;
	MDB_dbi blocks, tails, state;
	const char *blocks_path;
	int fd; /* of the blocks; -1: closed */
	struct pages *pages;
};

/* What the state says of a column. */
struct partial_column {
	uint64_t type, shape, width;
	uint64_t rows, elements;
	uint64_t raw_bytes; /* of closed blocks */
	uint64_t first;     /* first row of the open block; a tail lies at (name, rows) if < rows */
};

/* Goes on with the file if it is of this kind and fingerprint and may be trusted, else begins a
 * new one. Behind it, nothing lies beyond the committed state. */
int partial_open(const struct part_files *f, const struct store_kind *kind,
                 struct digest fingerprint, struct partial *p, struct cbtm_error *e);
void partial_close(struct partial *p); /* {0} is fine */
/* Makes both files durable. */
int partial_sync(const struct partial *p, struct cbtm_error *e);

/* Calls `visit` for each entry of the state whose key begins with `prefix`; name = the rest. */
typedef int partial_visit(void *arg, const char *name, const void *value, size_t n,
                          struct cbtm_error *e);
int partial_each(const struct partial *p, const char *prefix, partial_visit *visit, void *arg,
                 struct cbtm_error *e);

/* Inside a write transaction. Names of state entries: prefix, then name. */
int partial_put_state(const struct partial *p, MDB_txn *t, const char *prefix, const char *name,
                      const void *value, size_t n, struct cbtm_error *e);
int partial_put(const struct partial *p, MDB_txn *t, MDB_dbi d, const char *column, uint64_t row,
                const void *value, size_t n, struct cbtm_error *e);
int partial_delete(const struct partial *p, MDB_txn *t, MDB_dbi d, const char *column, uint64_t row,
                   struct cbtm_error *e);
/* Value of (column, row), valid while the transaction lives; BAD_STORE if there is none. */
int partial_get(const struct partial *p, MDB_txn *t, MDB_dbi d, const char *column, uint64_t row,
                MDB_val *value, struct cbtm_error *e);
