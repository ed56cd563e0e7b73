/* SPDX-License-Identifier: MIT */
/* The inside of an open part and of its cursors, shared by reader.c, cursor.c and verify.c. */
#pragma once
#include "store/block.h"
#include "store/environment.h"
#include "store/manifest.h"
#include <sys/types.h>

struct store {
	struct arena *arena;
	struct manifest manifest;
	const struct store_kind *kind;
	const char *path;
	MDB_env *env;
	MDB_dbi *columns, crc, header; /* columns: one each, in the manifest's order */
	/* LMDB wants a file opened once in a process: all users of a file share one of these. */
	dev_t device;
	ino_t inode;
	pid_t process;
	unsigned users;
	struct store *next;
};

struct store_reader {
	const struct store *store;
	size_t column;
	const struct store_column_info *info;
	uint64_t row_bytes; /* FIXED, TENSOR */
	MDB_txn *txn;
	MDB_cursor *cursor;
	struct block_codec *codec;
	/* The block at hand: rows [first, first + block.rows); block.rows = 0: none yet. */
	uint64_t first;
	struct block block;
	size_t stored;     /* bytes of its value */
	uint64_t decoded;  /* blocks so far */
	uint32_t *offsets; /* VARIABLE: where each row begins, in bytes, and the end */
	size_t cap_offsets;
};

/* Makes the block that holds `row` the one at hand. */
int reader_load(struct store_reader *r, uint64_t row, struct cbtm_error *e);
/* The header in the part is the manifest's, and no database is there that it does not name. */
int reader_check_header(const struct store *s, struct cbtm_error *e);
