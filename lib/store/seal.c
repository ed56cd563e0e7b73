/* SPDX-License-Identifier: MIT */
/*
 * Sealing. The partial file's pages tell the history of its commits; the published file must not.
 * So its blocks, which are in their final form, are written once more, in column and key order
 * (pages.h). Nothing is decoded: a block carries the digest of its raw bytes.
 */
#include "base/fault.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "store/pages.h"
#include "store/tensor.h"
#include "store/verify.h"
#include "store/writer.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CRCS, HEADER, FIRST_COLUMN }; /* databases in the order of their names */

struct sealing {
	struct store_writer *w;
	struct manifest *m;
	struct pages *pages;
	MDB_txn *from; /* of the partial file; its values are what the pages are written of */
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

/* Puts a block in its final form. */
static int put_block(struct sealing *s, const struct writer_column *c, size_t database,
                     uint64_t key, const struct packed_block *b, struct cbtm_error *e)
{
	unsigned char row[8], named[ROW_KEY_MAX];
	put_big_endian(row, key);
	int rc = pages_put(s->pages, database, row, sizeof row, b->value, b->value_n, e);
	if (!rc && c->shape == STORE_TENSOR)
		rc = pages_put(s->pages, CRCS, named, row_key(named, c->name, key), b->crcs, b->crcs_n, e);
	return rc;
}

/* Blocks must follow each other without a gap. */
static int put_blocks(struct sealing *s, const struct writer_column *c, size_t database,
                      struct store_column_info *info, struct digest_stream *digest,
                      struct cbtm_error *e)
{
	const struct partial *p = &s->w->partial;
	struct packed_block b;
	MDB_val value;
	while (info->rows < c->rows) {
		int rc = partial_get(p, s->from, p->blocks, c->name, info->rows, &value, e);
		if (!rc && (!packed_block_find(c->shape, s->m->page, value.mv_data, value.mv_size, &b) ||
		            b.rows > c->rows - info->rows))
			rc = error_set(e, CBTM_ERR_BAD_STORE, p->path,
			               "column '%s' has a block that does not hold its rows", c->name);
		if (!rc)
			rc = put_block(s, c, database, info->rows, &b, e);
		if (rc)
			return rc;
		column_digest_block(digest, b.rows, b.raw);
		environment_release_value(value.mv_data, value.mv_size);
		info->rows += b.rows;
		info->raw_bytes += b.raw_n;
		info->stored_bytes += b.value_n;
	}
	return 0;
}

static int put_column(struct sealing *s, const struct writer_column *c,
                      struct store_column_info *info, struct cbtm_error *e)
{
	size_t database;
	struct digest_stream *digest = column_digest_begin(c->name, c->type, c->shape, c->width, e);
	int rc = digest ? pages_database(s->pages, c->name, &database, e) : (int)e->name;
	if (!rc)
		pages_map(s->pages, database);
	memcpy(info->name, c->name, sizeof info->name);
	info->type = c->type;
	info->shape = c->shape;
	info->width = c->width;
	info->elements = c->elements;
	if (!rc)
		rc = put_blocks(s, c, database, info, digest, e);
	if (digest)
		info->content = column_digest_end(digest, info->rows);
	return rc;
}

static int put_columns(struct sealing *s, struct cbtm_error *e)
{
	struct store_writer *w = s->w;
	struct writer_column **sorted = mem_zeroed(w->n_columns, sizeof *sorted, "columns", e);
	if (!sorted)
		return e->name;
	int rc = 0;
	for (size_t i = 0; i < w->n_columns; i++)
		sorted[i] = &w->columns[i];
	qsort(sorted, w->n_columns, sizeof *sorted, by_name);
	for (size_t i = 0; !rc && i < w->n_columns; i++)
		rc = put_column(s, sorted[i], &s->m->columns[i], e);
	free(sorted);
	return rc;
}

static int put_header(struct sealing *s, struct cbtm_error *e)
{
	int rc = manifest_content(s->m, &s->m->content, e);
	if (!rc)
		rc = manifest_header(s->m, &s->text, e);
	if (!rc && !(s->m->header = arena_string(s->w->arena, s->text.data, s->text.n, e)))
		rc = e->name;
	return rc ? rc : pages_put(s->pages, HEADER, "header", 6, s->text.data, s->text.n, e);
}

static int write_file(struct sealing *s, struct cbtm_error *e)
{
	s->fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (s->fd < 0)
		return error_errno(e, CBTM_ERR_CREATE, s->path, "cannot create the file");
	int rc = fault_point("store.seal.copy", e);
	return rc ? rc : pages_write(s->pages, s->fd, s->path, &s->m->file_bytes, e);
}

/* While one thread waits for the disk, another takes the digest of what was written. */
static int sync_or_digest(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct sealing *s = arg;
	(void)thread;
	return task ? digest_file(s->path, 0, s->m->file_bytes, &s->m->file, e)
	            : file_sync(s->fd, s->path, e);
}

/* The sealed file under a name of its own, whole and on the disk, and its digest. */
static int make_file(struct sealing *s, struct cbtm_error *e)
{
	struct store_writer *w = s->w;
	size_t database;
	s->m->page = w->page;
	int rc = (s->pages = pages_new(w->page, e)) ? 0 : (int)e->name;
	if (!rc)
		rc = environment_begin(w->partial.env, true, w->partial.path, &s->from, e);
	if (!rc)
		rc = pages_database(s->pages, ".crc", &database, e);
	if (!rc)
		rc = pages_database(s->pages, ".store", &database, e);
	if (!rc)
		rc = put_columns(s, e);
	if (!rc)
		rc = put_header(s, e);
	if (!rc)
		rc = write_file(s, e);
	if (s->from)
		mdb_txn_abort(s->from);
	pages_free(s->pages);
	buffer_free(&s->text);
	if (!rc)
		rc = fault_point("store.seal.sync", e);
	if (!rc)
		rc = pool_run(w->pool, 2, sync_or_digest, s, e);
	if (s->fd >= 0 && close(s->fd) && !rc)
		rc = error_errno(e, CBTM_ERR_IO, s->path, "cannot close the file");
	return rc;
}

/* Under their final names: an older part's manifest goes first, the new one comes last. */
static int publish(struct store_writer *w, const struct manifest *m, struct cbtm_error *e)
{
	int rc = part_unpublish(&w->files, e);
	if (!rc)
		rc = fault_point("store.seal.rename", e);
	if (!rc)
		rc = file_publish(w->files.sealing, w->files.store, e);
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
	struct sealing s = { .w = w, .m = &m, .path = w->files.sealing, .fd = -1 };
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
		rc = publish(w, &m, e);
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
