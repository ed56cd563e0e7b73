/* SPDX-License-Identifier: MIT */
/* The inside of a writer, shared by writer.c (appending), pack.c, commit.c and seal.c. */
#pragma once
#include "store/manifest.h"
#include "store/packed.h"
#include "store/partial.h"

struct writer_column {
	char name[STORE_NAME_MAX + 1];
	enum store_type type;
	enum store_shape shape;
	uint64_t width;
	int level;
	uint64_t row_bytes, block_rows; /* FIXED, TENSOR; 0: the width is not known yet */
	uint64_t rows, elements, raw_bytes;
	uint64_t first;              /* first row of the open block */
	struct buffer data, lengths; /* the open block, if it is in memory */
	bool loaded;
	uint64_t tail, committed_tail; /* rows at which a tail lies in the file, 0: none */
	bool dirty;                    /* has changed since the last commit */
};

struct writer_fact {
	char *name, *json;
	bool dirty;
};

/* A closed block that waits to be packed, then to be written. */
struct writer_block {
	size_t column;
	uint64_t key, rows;
	struct buffer raw;        /* taken for the next open block once it is packed */
	struct digest raw_digest; /* set when it is packed, as the following */
	uint64_t raw_n;
	struct buffer
		packed; /* the value of the sealed file, then a tensor's CRCs; n = 0: not packed */
	size_t value_n;
};

struct store_writer {
	struct arena *arena;
	struct part_files files;
	int lock;
	size_t page; /* of LMDB */
	const struct store_kind *kind;
	struct digest fingerprint;
	struct partial partial;
	struct block_codec *codec;
	struct pool *pool; /* packs; NULL: the caller alone */
	struct block_codec **packer;
	struct json_parser *json;
	struct writer_column *columns;
	size_t n_columns, cap_columns, last; /* last: the column of the last append */
	struct writer_fact *facts;           /* sorted by name */
	size_t n_facts, cap_facts;
	struct writer_block **blocks; /* beyond n_blocks: empty ones that keep their memory */
	size_t n_blocks, cap_blocks, made_blocks;
	size_t packed, reused; /* the first so many are packed; have given away their raw memory */
	struct writer_block **packing; /* those that are being packed, while rows may be appended */
	size_t n_packing, cap_packing;
	bool is_packing;
	uint64_t pending_bytes; /* of closed blocks: raw ones and packed ones */
	uint64_t open_bytes;    /* of all open blocks in memory */
	struct buffer cursor, scratch;
	bool cursor_dirty;
	bool sealing;              /* all rows are there, only the seal is left */
	uint64_t vocabulary_size;  /* kind "tokens": what tokens_append checks ids against */
	struct buffer own_ids;     /* its memory */
	struct cbtm_error failure; /* set: every further call reports it */
};

/* Remembers *e as the writer's failure; returns rc. */
int writer_failed(struct store_writer *w, int rc, const struct cbtm_error *e);
/* Closes the partial file, lets go of the lock, frees; NULL is fine. */
void writer_free(struct store_writer *w);
/* Finds a column, NULL if there is none. */
struct writer_column *writer_find(struct store_writer *w, const char *name);
/* Adds a column; the name is checked and new. */
struct writer_column *writer_add(struct store_writer *w, const char *name, enum store_type type,
                                 enum store_shape shape, uint64_t width, int level,
                                 struct cbtm_error *e);
/* Sets a fact whose JSON is canonical already. */
int writer_set_fact(struct store_writer *w, const char *name, const char *json, bool dirty,
                    struct cbtm_error *e);

/* pack.c: puts the open block of a column among those that wait. */
int writer_close_block(struct store_writer *w, struct writer_column *c, struct cbtm_error *e);
/* Packs all that wait. */
int writer_pack(struct store_writer *w, struct cbtm_error *e);
/* They are written: keeps the memory of usual blocks for the next ones. */
void writer_forget_blocks(struct store_writer *w);
void writer_forget_open(struct store_writer *w, struct writer_column *c, bool free_memory);
void writer_free_blocks(struct store_writer *w);
void writer_free_packers(struct store_writer *w);

/* commit.c */
/* Writes pending blocks, and open ones if those take much memory, ahead of the next commit. */
int writer_relieve(struct store_writer *w, struct cbtm_error *e);
/* Brings the open block of a column back into memory. */
int writer_load_tail(struct store_writer *w, struct writer_column *c, struct cbtm_error *e);
/* Raw bytes of the open block: elements and lengths together, in w->scratch. */
int writer_open_block(struct store_writer *w, struct writer_column *c, struct cbtm_error *e);
