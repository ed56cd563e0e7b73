/* SPDX-License-Identifier: MIT */
/*
 * A part: one LMDB file of columns, written by one process, sealed once, never changed again.
 * doc/store-format.md specifies it to the byte.
 *
 * While it grows it is two files (partial.h); every commit holds rows and the resume cursor
 * together. store_seal brings the blocks into a canonical order, if they are not, writes the trees
 * behind them, publishes part-NNNNN.lmdb, then part-NNNNN.json. A .lmdb without its .json is
 * discarded and redone.
 */
#pragma once
#include "base/buffer.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/pool.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum store_type { STORE_U8, STORE_U16, STORE_U32, STORE_U64, STORE_F32, STORE_F64, STORE_BF16 };
size_t store_type_size(enum store_type t);
const char *store_type_name(enum store_type t); /* "u8" ... "bf16" */

enum store_shape {
	STORE_FIXED,    /* every row: `width` elements */
	STORE_VARIABLE, /* every row: any number of elements */
	STORE_TENSOR /* whole rows up to 64 MiB a value, uncompressed, aligned to 64 bytes: mappable */
};

const char *store_shape_name(enum store_shape s); /* "fixed", "variable", "tensor" */

struct store_column {
	const char *name;
	enum store_type type;
	enum store_shape shape;
	uint64_t width; /* elements a row: FIXED and TENSOR; 0 = given at run time */
	int level;      /* zstd level; 0 = store's default; -1 = codec none; STORE_FAST */
};
enum { STORE_FAST = 100 }; /* for columns that are written by the gigabyte (block.c says how) */

/* A kind of store: what its columns are. Declared once in lib/store/kinds.c; more columns
 * (named tensors of a state or a model) may be added at run time where `open_ended`. */
struct store_kind {
	const char *name; /* "documents", "tokens", ... */
	uint32_t version;
	/* Ends with a NULL name; the level there is that of columns added at run time. */
	const struct store_column *columns;
	bool open_ended;
};
const struct store_kind *store_kind_find(const char *name); /* NULL: unknown */
const struct store_kind *const *store_kinds(void);          /* all, ends with NULL */

/* ---------------------------------------------------------------- writing */
struct store_writer;

/*
 * Opens DIR/part-NNNNN for writing, or goes on with a partial one whose kind and fingerprint are
 * the same (another's is discarded). A sealed part of that fingerprint, or one whose seal was
 * interrupted, which is then finished: *writer = NULL, returns 0.
 * A second writer gets BUSY. DIR is made. `part` < 100000.
 */
int store_create(const char *dir, uint32_t part, const struct store_kind *kind,
                 struct digest fingerprint, struct store_writer **writer, struct cbtm_error *e);
/* Adds a column at run time (open-ended kinds, or a FIXED column whose width was 0), before its
 * first row; the same again (resume) is fine. `name` at most 200 bytes. */
int store_add_column(struct store_writer *w, const char *name, enum store_type type,
                     enum store_shape shape, uint64_t width, struct cbtm_error *e);

/* Appends rows to a column. FIXED, TENSOR: `rows` x width elements. Data are copied (TENSOR:
 * written through when 64 MiB of whole rows are together). */
int store_append(struct store_writer *w, const char *column, const void *data, uint64_t rows,
                 struct cbtm_error *e);
/* FIXED, TENSOR: no more rows will come, so that what is left of them is written too. Nothing has to be
 * ended; but a store of many tensors that are appended one by one, each ended, in the order of their
 * names, is written once, where an open rest waits on the disk until it is sealed. */
int store_end_column(struct store_writer *w, const char *name, struct cbtm_error *e);
/* VARIABLE: one row of n elements. */
int store_append_row(struct store_writer *w, const char *column, const void *data, uint64_t n,
                     struct cbtm_error *e);
/* VARIABLE: `rows` rows that lie one behind another, of n[i] elements each. */
int store_append_rows(struct store_writer *w, const char *column, const void *data,
                      const uint64_t *n, uint64_t rows, struct cbtm_error *e);
uint64_t store_rows(const struct store_writer *w, const char *column); /* committed + pending */

/* A fact about the part ("documents": 12, "vocabulary_size": 4096): a string that is JSON; kept
 * sorted by name, part of the content's digest. The same name again replaces. */
int store_set_json(struct store_writer *w, const char *name, const char *json,
                   struct cbtm_error *e);
int store_set_u64(struct store_writer *w, const char *name, uint64_t v, struct cbtm_error *e);
int store_set_f64(struct store_writer *w, const char *name, double v, struct cbtm_error *e);
int store_set_text(struct store_writer *w, const char *name, const char *text,
                   struct cbtm_error *e);

/* Lets the pool's threads compress and check blocks; it must outlive the writer. Not to be used by
 * a writer whose functions are called inside a task of the pool. */
int store_use_pool(struct store_writer *w, struct pool *pool, struct cbtm_error *e);
/*
 * A commit compresses the closed blocks that wait. A caller with other work for the threads does
 * that beside it: store_pack_begin tells how many there are, store_pack(w, i), i < n, packs one,
 * from any thread of the pool, once each. Meanwhile one thread may append rows, which may take
 * memory beyond the writer's usual bounds. store_pack_end, with all of them done, ends that.
 */
int store_pack_begin(struct store_writer *w, size_t *n, struct cbtm_error *e);
int store_pack(struct store_writer *w, size_t i, unsigned thread, struct cbtm_error *e);
int store_pack_end(struct store_writer *w, struct cbtm_error *e);

/*
 * Commits all that was appended and set, together with the cursor (any bytes up to 1 MiB; NULL
 * keeps the last one). After a crash the writer stands behind its last commit. Block borders
 * depend on rows alone, never on when commits were made.
 */
int store_commit(struct store_writer *w, const void *cursor, size_t n, struct cbtm_error *e);
/* The cursor of the last commit; n = 0 on a fresh part. Owned by the writer. */
int store_cursor(struct store_writer *w, const void **cursor, size_t *n, struct cbtm_error *e);

/* Commits, completes the file, publishes; frees the writer in any case. */
int store_seal(struct store_writer *w, struct cbtm_error *e);
/* Leaves the partial file as the last commit left it, frees the writer; NULL is fine. */
void store_leave(struct store_writer *w);
/* Frees the writer without waiting for the disk: what it wrote is to be removed. NULL is fine. */
void store_abandon(struct store_writer *w);

/* ---------------------------------------------------------------- reading */
struct store;
enum store_verify { STORE_VERIFY_FULL, STORE_VERIFY_ONCE, STORE_VERIFY_SIZE };
/* For all opens of this process; ONCE at start. */
void store_set_verify(enum store_verify how);
enum store_verify store_verify_setting(void);

/* Opens a sealed part read-only (works on a read-only mount). `kind` NULL: any. Thread-safe reading. */
int store_open(const char *dir, uint32_t part, const struct store_kind *kind, struct store **store,
               struct cbtm_error *e);
void store_close(struct store *s); /* NULL is fine */
const char *store_path(const struct store *s);
const struct store_kind *store_kind_of(const struct store *s);
struct digest store_fingerprint(const struct store *s);
struct digest store_content(const struct store *s); /* digest of the logical content */

struct store_column_info {
	char name[201];
	enum store_type type;
	enum store_shape shape;
	uint64_t width, rows, elements; /* elements: all rows together */
	uint64_t raw_bytes, stored_bytes;
	struct digest content;
};
size_t store_column_count(const struct store *s);
int store_column_at(const struct store *s, size_t i, struct store_column_info *info,
                    struct cbtm_error *e);
bool store_column_find(const struct store *s, const char *name, struct store_column_info *info);
uint64_t store_row_count(const struct store *s, const char *column); /* 0 if it does not exist */

bool store_get_u64(const struct store *s, const char *name, uint64_t *v);
bool store_get_f64(const struct store *s, const char *name, double *v);
/* JSON text of a fact, NUL-terminated, owned by the store; NULL: none. */
const char *store_get_json(const struct store *s, const char *name);
/* Text of a string fact, unescaped, into out (cap bytes); false: none or too long. */
bool store_get_text(const struct store *s, const char *name, char *out, size_t cap);
/* All facts, sorted by name: i = 0.. until false. */
bool store_fact_at(const struct store *s, size_t i, const char **name, const char **json);

/*
 * A cursor over one column: decodes a block at a time, keeps the last one. Belongs to one thread;
 * several cursors on one store may run at once.
 */
struct store_reader;
int store_reader_open(const struct store *s, const char *column, struct store_reader **r,
                      struct cbtm_error *e);
void store_reader_close(struct store_reader *r); /* NULL is fine */
/* One row: *data points to *n elements, valid until the next call on r. VARIABLE and FIXED. */
int store_read_row(struct store_reader *r, uint64_t row, const void **data, uint64_t *n,
                   struct cbtm_error *e);
/* Copies rows [first, first + rows) of a FIXED or TENSOR column. */
int store_read_rows(struct store_reader *r, uint64_t first, uint64_t rows, void *out,
                    struct cbtm_error *e);
/* The longest run of rows from `first` that lies in one piece in memory; FIXED and TENSOR. A tensor's
 * pointer is into the map (64-byte aligned, checked, valid until store_close). */
int store_map_rows(struct store_reader *r, uint64_t first, const void **data, uint64_t *rows,
                   struct cbtm_error *e);
/* Lets go of the pages that were read: pointers stay valid, the pages come back from the file when
 * they are touched, but count no more as this process' memory. For who read a large part once. */
void store_release(const struct store *s);
