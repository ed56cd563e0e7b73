/* SPDX-License-Identifier: MIT */
/*
 * The blocks of a partial file on their way into the sealed one: each is checked and decoded by
 * one of the pool's threads, while the caller's function takes those before it, in order.
 */
#pragma once
#include "store/writer.h"

struct recheck_block {
	uint64_t key;  /* number of its first row */
	bool tail;     /* an open block: rows that are not packed yet */
	MDB_val value; /* as it lies in the partial file */
	struct block block;
};

/* Takes the next block of a column; its memory lives until the function returns. */
typedef int recheck_take(void *arg, const struct recheck_block *b, struct cbtm_error *e);

struct recheck; /* decoders; one for all columns of a seal */
struct recheck *recheck_new(struct store_writer *w, struct cbtm_error *e);
void recheck_free(struct recheck *r); /* NULL is fine */

/* Gives all blocks of a column, by the read transaction `from`. BAD_STORE if one is missing, is
 * damaged or does not hold its rows. */
int recheck_column(struct recheck *r, const struct writer_column *c, MDB_txn *from,
                   recheck_take *take, void *arg, struct cbtm_error *e);
