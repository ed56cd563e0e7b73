/* SPDX-License-Identifier: MIT */
/*
 * Sealing. The blocks lie on the sealed file's pages already, in the order in which commits wrote
 * them. Mostly that is the order of packed.h, and only the trees are written behind them; else (a
 * kill between commits may do that) they are first written once more in that order, to another file.
 * Nothing is decoded: a record has the digest of its block's raw bytes.
 */
#include "base/fault.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "store/verify.h"
#include "store/writer.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CRCS, HEADER, FIRST_COLUMN }; /* databases in the order of their names */
enum { LET_GO = 1 << 20 };           /* a larger value's pages are let go of when it is copied */

struct sealed_block {
	size_t column; /* in the order of names */
	uint64_t key, time;
	struct packed_record r; /* points into the partial file's map */
};

struct sealing {
	struct store_writer *w;
	struct manifest *m;
	struct writer_column **column; /* in the order of names */
	struct sealed_block *block;    /* by column and key */
	size_t n, cap;
	struct pages *pages;
	MDB_txn *from; /* of the partial file */
	struct buffer text;
	int fd;
	const char *path;
};

/* No block stays open. */
static int close_blocks(struct store_writer *w, struct cbtm_error *e)
{
	int rc = 0;
	for (size_t i = 0; !rc && i < w->n_columns; i++) {
		struct writer_column *c = &w->columns[i];
		if (c->rows == c->first)
			continue;
		rc = c->loaded ? 0 : writer_load_tail(w, c, e);
		if (!rc)
			rc = writer_close_block(w, c, e);
		if (!rc)
			rc = writer_relieve(w, e);
	}
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct writer_column *const *)a)->name,
	              (*(struct writer_column *const *)b)->name);
}

/* Finds the records of a column: they must follow each other without a gap. */
static int find_blocks(struct sealing *s, size_t column, struct cbtm_error *e)
{
	const struct writer_column *c = s->column[column];
	const struct partial *p = &s->w->partial;
	for (uint64_t row = 0; row < c->rows;) {
		struct sealed_block b = { .column = column, .key = row };
		MDB_val value;
		int rc = partial_get(p, s->from, p->blocks, c->name, row, &value, e);
		if (!rc &&
		    (!packed_record_read(value.mv_data, value.mv_size, &b.r) || b.r.rows > c->rows - row))
			rc = error_set(e, CBTM_ERR_BAD_STORE, p->path,
			               "column '%s' has a block that does not hold its rows", c->name);
		if (!rc)
			rc = array_reserve(&s->block, &s->cap, s->n + 1, sizeof s->block[0], e);
		if (rc)
			return rc;
		row += b.r.rows;
		b.time = packed_time(c->shape, row, b.r.rows, c->block_rows, c->rows);
		s->block[s->n++] = b;
	}
	return 0;
}

static int gather(struct sealing *s, struct cbtm_error *e)
{
	struct store_writer *w = s->w;
	int rc = 0;
	if (!(s->column = mem_zeroed(w->n_columns, sizeof s->column[0], "columns", e)))
		return e->name;
	for (size_t i = 0; i < w->n_columns; i++)
		s->column[i] = &w->columns[i];
	qsort(s->column, w->n_columns, sizeof s->column[0], by_name);
	for (size_t i = 0; !rc && i < w->n_columns; i++)
		rc = find_blocks(s, i, e);
	return rc;
}

/* ---------------------------------------------------------------- the order of values */

static int by_time(const void *a, const void *b)
{
	const struct sealed_block *x = *(struct sealed_block *const *)a;
	const struct sealed_block *y = *(struct sealed_block *const *)b;
	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return (x->key > y->key) - (x->key < y->key);
}

/* All blocks that have pages lie in order, one behind another, and nothing else does. */
static bool is_in_order(const struct sealing *s, struct sealed_block *const *sorted, size_t n)
{
	uint64_t next = PAGES_FIRST;
	for (size_t i = 0; i < n; i++) {
		if (sorted[i]->r.at != next)
			return false;
		next += pages_of_value(s->w->page, sorted[i]->r.n);
	}
	return next == pages_next(s->w->partial.pages);
}

/* Writes the values in order to a file of their own, out of the file of blocks. */
static int write_anew(struct sealing *s, struct sealed_block **sorted, size_t n,
                      struct cbtm_error *e)
{
	const struct partial *p = &s->w->partial;
	size_t page = s->w->page, bytes = pages_next(p->pages) * page;
	s->path = s->w->files.sealing;
	s->fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (s->fd < 0)
		return error_errno(e, CBTM_ERR_CREATE, s->path, "cannot create the file");
	const unsigned char *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, p->fd, 0);
	if (map == MAP_FAILED)
		return error_errno(e, CBTM_ERR_IO, p->blocks_path, "cannot map the file");
	int rc = (s->pages = pages_new(page, s->fd, s->path, PAGES_FIRST, e)) ? 0 : (int)e->name;
	for (size_t i = 0; !rc && i < n; i++) {
		struct packed_record *r = &sorted[i]->r;
		uint64_t from = r->at * page + PAGES_HEADER;
		if (from > bytes || r->n > bytes - from)
			rc =
				error_set(e, CBTM_ERR_BAD_STORE, p->blocks_path, "is shorter than its records say");
		else
			rc = pages_value(s->pages, map + from, r->n, &r->at, e);
		if (!rc && r->n >= LET_GO && !(rc = pages_flush(s->pages, e)))
			environment_release_value(map + from, r->n);
	}
	if (!rc)
		rc = pages_flush(s->pages, e);
	munmap((void *)map, bytes);
	return rc;
}

/* s->pages: those of a file whose values are in order. */
static int order_values(struct sealing *s, struct cbtm_error *e)
{
	struct sealed_block **sorted = mem_zeroed(s->n, sizeof *sorted, "blocks in order", e);
	size_t n = 0;
	if (!sorted)
		return e->name;
	for (size_t i = 0; i < s->n; i++)
		if (s->block[i].r.at)
			sorted[n++] = &s->block[i];
	qsort(sorted, n, sizeof *sorted, by_time);
	int rc = fault_point("store.seal.copy", e);
	s->path = s->w->partial.blocks_path;
	s->fd = s->w->partial.fd;
	s->pages = s->w->partial.pages;
	if (!rc && !is_in_order(s, sorted, n))
		rc = write_anew(s, sorted, n, e);
	free(sorted);
	return rc;
}

/* ---------------------------------------------------------------- the trees */

static int put_block(struct sealing *s, const struct sealed_block *b, size_t database,
                     struct cbtm_error *e)
{
	const struct writer_column *c = s->column[b->column];
	unsigned char row[8], named[ROW_KEY_MAX];
	put_big_endian(row, b->key);
	int rc = pages_put(s->pages, database, row, sizeof row, b->r.value, b->r.n, b->r.at, e);
	if (!rc && c->shape == STORE_TENSOR)
		rc = pages_put(s->pages, CRCS, named, row_key(named, c->name, b->key), b->r.crcs,
		               b->r.crcs_n, 0, e);
	return rc;
}

/* *first: its first block; then the next column's. */
static int put_column(struct sealing *s, size_t column, size_t *first, struct cbtm_error *e)
{
	const struct writer_column *c = s->column[column];
	struct store_column_info *info = &s->m->columns[column];
	size_t database;
	struct digest_stream *digest = column_digest_begin(c->name, c->type, c->shape, c->width, e);
	int rc = digest ? pages_database(s->pages, c->name, &database, e) : (int)e->name;
	memcpy(info->name, c->name, sizeof info->name);
	info->type = c->type;
	info->shape = c->shape;
	info->width = c->width;
	info->elements = c->elements;
	for (; !rc && *first < s->n && s->block[*first].column == column; ++*first) {
		const struct packed_record *r = &s->block[*first].r;
		rc = put_block(s, &s->block[*first], database, e);
		column_digest_block(digest, r->rows, r->raw);
		info->rows += r->rows;
		info->raw_bytes += r->raw_n;
		info->stored_bytes += r->n;
	}
	if (digest)
		info->content = column_digest_end(digest, info->rows);
	return rc;
}

static int put_columns(struct sealing *s, struct cbtm_error *e)
{
	size_t database, block = 0;
	int rc = pages_database(s->pages, ".crc", &database, e);
	if (!rc)
		rc = pages_database(s->pages, ".store", &database, e);
	for (size_t i = 0; !rc && i < s->w->n_columns; i++)
		rc = put_column(s, i, &block, e);
	return rc;
}

static int put_header(struct sealing *s, struct cbtm_error *e)
{
	uint64_t at = 0;
	int rc = manifest_content(s->m, &s->m->content, e);
	if (!rc)
		rc = manifest_header(s->m, &s->text, e);
	if (!rc && !(s->m->header = arena_string(s->w->arena, s->text.data, s->text.n, e)))
		rc = e->name;
	if (!rc && !pages_in_leaf(s->w->page, 6, s->text.n))
		rc = pages_value(s->pages, s->text.data, s->text.n, &at, e);
	return rc ? rc : pages_put(s->pages, HEADER, "header", 6, s->text.data, s->text.n, at, e);
}

/* While one thread waits for the disk, another takes the digest of what was written; alone, it does
 * so first, and the disk goes on meanwhile. */
static int digest_or_sync(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct sealing *s = arg;
	(void)thread;
	return task ? file_sync(s->fd, s->path, e)
	            : digest_file(s->path, 0, s->m->file_bytes, &s->m->file, e);
}

/* The sealed file, whole and on the disk, not yet under its name; and its digest. */
static int make_file(struct sealing *s, struct cbtm_error *e)
{
	struct store_writer *w = s->w;
	s->m->page = w->page;
	int rc = environment_begin(w->partial.env, true, w->partial.path, &s->from, e);
	if (!rc)
		rc = gather(s, e);
	if (!rc)
		rc = order_values(s, e);
	if (!rc)
		rc = put_columns(s, e);
	if (!rc)
		rc = put_header(s, e);
	if (!rc)
		rc = pages_finish(s->pages, &s->m->file_bytes, e);
	if (s->from)
		mdb_txn_abort(s->from);
	if (!rc)
		rc = fault_point("store.seal.sync", e);
	if (!rc)
		rc = pool_run(w->pool, 2, digest_or_sync, s, e);
	if (s->fd >= 0 && s->fd != w->partial.fd && close(s->fd) && !rc)
		rc = error_errno(e, CBTM_ERR_IO, s->path, "cannot close the file");
	if (s->pages != w->partial.pages)
		pages_free(s->pages);
	buffer_free(&s->text);
	free(s->column);
	free(s->block);
	return rc;
}

/* Under their final names: an older part's manifest goes first, the new one comes last. */
static int publish(struct store_writer *w, const struct manifest *m, const char *made,
                   struct cbtm_error *e)
{
	int rc = part_unpublish(&w->files, e);
	if (!rc)
		rc = fault_point("store.seal.rename", e);
	if (!rc)
		rc = file_publish(made, w->files.store, e);
	if (!rc)
		rc = fault_point("store.manifest", e);
	if (!rc)
		rc = manifest_write(m, w->files.manifest, e);
	if (!rc)
		verify_remember(w->files.store, m->file); /* the digest was taken of the file */
	return rc;
}

/* Sizes, for people. */
static void tell(const struct store_writer *w, const struct manifest *m)
{
	struct cbtm_error ignored = { 0 };
	struct buffer b = { 0 };
	uint64_t raw = 0, stored = 0;
	for (size_t i = 0; i < m->n_columns; i++) {
		raw += m->columns[i].raw_bytes;
		stored += m->columns[i].stored_bytes;
	}
	if (!json_put_key(&b, "part", &ignored) &&
	    !json_put_string(&b, w->files.store, strlen(w->files.store), &ignored) &&
	    !json_put_key(&b, "raw_bytes", &ignored) && !json_put_u64(&b, raw, &ignored) &&
	    !json_put_key(&b, "stored_bytes", &ignored) && !json_put_u64(&b, stored, &ignored) &&
	    !json_put_key(&b, "ratio", &ignored) &&
	    !json_put_f64(&b, stored ? (double)raw / (double)stored : 1, &ignored) &&
	    !json_put_key(&b, "file_bytes", &ignored) && !json_put_u64(&b, m->file_bytes, &ignored))
		log_event("sealed", b.data);
	buffer_free(&b);
}

static int seal(struct store_writer *w, struct cbtm_error *e)
{
	struct manifest m = { .kind = w->kind->name,
		                  .version = w->kind->version,
		                  .fingerprint = w->fingerprint,
		                  .n_columns = w->n_columns,
		                  .n_facts = w->n_facts };
	struct sealing s = { .w = w, .m = &m, .fd = -1 };
	int rc = part_clean(&w->files, false, e);
	m.columns = mem_zeroed(w->n_columns, sizeof m.columns[0], "columns", e);
	m.facts = mem_zeroed(w->n_facts, sizeof m.facts[0], "facts", e);
	if (!rc && (!m.columns || !m.facts))
		rc = e->name;
	for (size_t i = 0; !rc && i < w->n_facts; i++)
		m.facts[i] = (struct manifest_fact){ w->facts[i].name, w->facts[i].json };
	if (!rc)
		rc = make_file(&s, e);
	if (!rc)
		rc = publish(w, &m, s.path, e);
	if (!rc)
		tell(w, &m);
	free(m.columns);
	free(m.facts);
	return rc;
}

int store_seal(struct store_writer *w, struct cbtm_error *e)
{
	struct cbtm_error ignored = { 0 };
	w->sealing = true;
	int rc = close_blocks(w, e);
	if (!rc)
		rc = store_commit(w, NULL, 0, e);
	if (!rc)
		rc = seal(w, e);
	if (rc) {
		part_clean(&w->files, false, &ignored);
		store_leave(w);
		return rc;
	}
	if (!(rc = fault_point("store.seal.clean", e))) {
		partial_close(&w->partial);
		rc = part_clean(&w->files, true, e);
	}
	writer_free(w);
	return rc;
}
