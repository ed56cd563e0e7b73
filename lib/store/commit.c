/* SPDX-License-Identifier: MIT */
/*
 * From memory into the part that grows. Closed blocks wait (pack.c); a commit writes them to the file
 * of blocks, then their records, the open blocks as tails, the columns' state, changed facts and the
 * cursor in one transaction. Between commits, closed and large open blocks are written ahead when
 * they take much memory: what lies beyond the committed state is dropped when the part is opened
 * again.
 */
#include "base/fault.h"
#include "store/writer.h"
#include <stdlib.h>
#include <string.h>

enum {
	PENDING_MAX = 48 << 20, /* bytes of closed blocks in memory */
	OPEN_MAX = 64 << 20,    /* bytes of open blocks in memory */
	PAGES_A_VALUE = 16384   /* what a value may cost beside its bytes, tree pages included */
};

int writer_open_block(struct store_writer *w, struct writer_column *c, struct cbtm_error *e)
{
	buffer_clear(&w->scratch);
	int rc = buffer_reserve(&w->scratch, c->data.n + c->lengths.n + 1, e);
	if (!rc)
		rc = buffer_add(&w->scratch, c->data.data, c->data.n, e);
	return rc ? rc : buffer_add(&w->scratch, c->lengths.data, c->lengths.n, e);
}

static uint64_t time_of(const struct writer_column *c, const struct writer_block *b)
{
	return packed_time(c->shape, b->key + b->rows, b->rows, c->block_rows, c->rows);
}

struct waiting {
	const struct writer_block *block;
	const struct writer_column *column;
	uint64_t time;
};

static int by_time(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;
	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	int order = strcmp(x->column->name, y->column->name);
	return order ? order : (x->block->key > y->block->key) - (x->block->key < y->block->key);
}

/* The value goes to the file of blocks, its record to the transaction. */
static int put_block(struct store_writer *w, MDB_txn *t, const struct waiting *x,
                     struct cbtm_error *e)
{
	const struct writer_block *b = x->block;
	struct partial *p = &w->partial;
	struct packed_record r = { .raw = b->raw_digest,
		                       .rows = b->rows,
		                       .raw_n = b->raw_n,
		                       .n = b->value_n,
		                       .value = (const unsigned char *)b->packed.data,
		                       .crcs = (const unsigned char *)b->packed.data + b->value_n,
		                       .crcs_n = b->packed.n - b->value_n };
	struct buffer record = { 0 };
	int rc = 0;
	if (!pages_in_leaf(w->page, 8, r.n))
		rc = pages_value(p->pages, r.value, r.n, &r.at, e);
	if (!rc)
		rc = packed_record_write(&r, &record, e);
	if (!rc)
		rc = partial_put(p, t, p->blocks, x->column->name, b->key, record.data, record.n, e);
	buffer_free(&record);
	return rc;
}

/* In the order of the sealed file, as far as it is known. */
static int put_pending(struct store_writer *w, MDB_txn *t, struct cbtm_error *e)
{
	struct waiting *x = mem_zeroed(w->n_blocks, sizeof *x, "blocks to be written", e);
	int rc = x ? 0 : (int)e->name;
	for (size_t i = 0; !rc && i < w->n_blocks; i++) {
		const struct writer_column *c = &w->columns[w->blocks[i]->column];
		x[i] = (struct waiting){ w->blocks[i], c, time_of(c, w->blocks[i]) };
	}
	if (!rc)
		qsort(x, w->n_blocks, sizeof *x, by_time);
	for (size_t i = 0; !rc && i < w->n_blocks; i++)
		rc = put_block(w, t, &x[i], e);
	free(x);
	return rc ? rc : pages_flush(w->partial.pages, e);
}

/* Writes the open block if it has rows that the file's tail has not. */
static int put_tail(struct store_writer *w, MDB_txn *t, struct writer_column *c,
                    struct cbtm_error *e)
{
	const struct partial *p = &w->partial;
	struct block_place at = { w->fingerprint, c->name, c->rows };
	struct buffer value = { 0 };
	if (!c->loaded || c->rows == c->first || c->tail == c->rows)
		return 0;
	int rc = writer_open_block(w, c, e);
	if (!rc)
		rc = block_encode(w->codec, &at, c->rows - c->first, w->scratch.data, w->scratch.n, -1,
		                  &value, e);
	if (!rc)
		rc = partial_put(p, t, p->tails, c->name, c->rows, value.data, value.n, e);
	if (!rc && c->tail && c->tail != c->committed_tail)
		rc = partial_delete(p, t, p->tails, c->name, c->tail, e);
	if (!rc)
		c->tail = c->rows;
	buffer_free(&value);
	if (w->scratch.capacity > STORE_BLOCK_BYTES * 4)
		buffer_free(&w->scratch);
	return rc;
}

int writer_load_tail(struct store_writer *w, struct writer_column *c, struct cbtm_error *e)
{
	const struct partial *p = &w->partial;
	struct block_place at = { w->fingerprint, c->name, c->tail };
	struct block_limits limits = { c->rows - c->first, STORE_RAW_BYTES_MAX };
	struct block b;
	MDB_txn *t;
	MDB_val value;
	int rc = environment_begin(p->env, true, p->path, &t, e);
	if (rc)
		return rc;
	rc = partial_get(p, t, p->tails, c->name, c->tail, &value, e);
	if (!rc)
		rc = block_decode(w->codec, &at, &limits, value.mv_data, value.mv_size, p->path, &b, e);
	size_t lengths = c->shape == STORE_VARIABLE ? 4 * (c->rows - c->first) : 0;
	if (!rc)
		rc = buffer_add(&c->data, b.raw, b.n - lengths, e);
	if (!rc)
		rc = buffer_add(&c->lengths, b.raw + b.n - lengths, lengths, e);
	if (!rc)
		environment_release_value(value.mv_data, value.mv_size);
	mdb_txn_abort(t);
	if (!rc) {
		c->loaded = true;
		w->open_bytes += b.n;
	}
	return rc;
}

static uint64_t batch_bytes(const struct store_writer *w)
{
	return w->pending_bytes + w->open_bytes +
	       (w->n_blocks + w->n_columns + w->n_facts) * (uint64_t)PAGES_A_VALUE;
}

static int begin(struct store_writer *w, MDB_txn **t, struct cbtm_error *e)
{
	const struct partial *p = &w->partial;
	*t = NULL;
	int rc = environment_grow(p->env, batch_bytes(w), p->path, e);
	return rc ? rc : environment_begin(p->env, false, p->path, t, e);
}

int writer_relieve(struct store_writer *w, struct cbtm_error *e)
{
	bool put_open = w->open_bytes > OPEN_MAX;
	MDB_txn *t = NULL;
	if (w->is_packing)
		return 0;
	if (!put_open && w->pending_bytes <= PENDING_MAX)
		return 0;
	int rc = writer_pack(w, e);
	if (!rc && !put_open && w->pending_bytes <= PENDING_MAX)
		return 0;
	if (!rc)
		rc = begin(w, &t, e);
	if (!rc)
		rc = put_pending(w, t, e);
	for (size_t i = 0; !rc && put_open && i < w->n_columns; i++)
		rc = put_tail(w, t, &w->columns[i], e);
	if (rc) {
		mdb_txn_abort(t);
		return rc;
	}
	if ((rc = environment_commit(t, w->partial.path, e)))
		return rc;
	writer_forget_blocks(w);
	for (size_t i = 0; put_open && i < w->n_columns; i++) {
		struct writer_column *c = &w->columns[i];
		if (c->tail != c->rows || c->rows == c->first)
			continue;
		writer_forget_open(w, c, true);
		c->loaded = false;
	}
	return 0;
}

static int put_column(struct store_writer *w, MDB_txn *t, struct writer_column *c,
                      struct cbtm_error *e)
{
	const struct partial *p = &w->partial;
	struct partial_column state = { c->type,     c->shape,     c->width, c->rows,
		                            c->elements, c->raw_bytes, c->first };
	int rc = put_tail(w, t, c, e);
	if (rc || !c->dirty)
		return rc;
	uint64_t tail = c->first < c->rows ? c->rows : 0;
	if (c->committed_tail && c->committed_tail != tail)
		rc = partial_delete(p, t, p->tails, c->name, c->committed_tail, e);
	/* Written ahead since, and overtaken by a closed block. */
	if (!rc && c->tail && c->tail != tail && c->tail != c->committed_tail)
		rc = partial_delete(p, t, p->tails, c->name, c->tail, e);
	return rc ? rc : partial_put_state(p, t, "column/", c->name, &state, sizeof state, e);
}

static int put_all(struct store_writer *w, MDB_txn *t, struct cbtm_error *e)
{
	int rc = put_pending(w, t, e);
	for (size_t i = 0; !rc && i < w->n_columns; i++)
		rc = put_column(w, t, &w->columns[i], e);
	for (size_t i = 0; !rc && i < w->n_facts; i++) {
		const struct writer_fact *f = &w->facts[i];
		if (f->dirty)
			rc = partial_put_state(&w->partial, t, "fact/", f->name, f->json, strlen(f->json), e);
	}
	if (!rc && w->cursor_dirty)
		rc = partial_put_state(&w->partial, t, "resume/", "cursor", w->cursor.data, w->cursor.n, e);
	if (!rc && w->sealing)
		rc = partial_put_state(&w->partial, t, "resume/", "sealing", "", 0, e);
	return rc;
}

static void mark_committed(struct store_writer *w)
{
	writer_forget_blocks(w);
	for (size_t i = 0; i < w->n_columns; i++) {
		struct writer_column *c = &w->columns[i];
		c->tail = c->committed_tail = c->first < c->rows ? c->rows : 0;
		c->dirty = false;
	}
	for (size_t i = 0; i < w->n_facts; i++)
		w->facts[i].dirty = false;
	w->cursor_dirty = false;
}

int store_commit(struct store_writer *w, const void *cursor, size_t n, struct cbtm_error *e)
{
	MDB_txn *t = NULL;
	int rc = error_copy(e, &w->failure);
	if (rc)
		return rc;
	if (n > STORE_CURSOR_BYTES_MAX)
		return error_set(e, CBTM_ERR_INTERNAL, w->partial.path,
		                 "a resume cursor of %zu bytes is over the limit of 1 MiB", n);
	if (cursor) {
		buffer_clear(&w->cursor);
		if ((rc = buffer_add(&w->cursor, cursor, n, e)))
			return writer_failed(w, rc, e);
		w->cursor_dirty = true;
	}
	rc = writer_pack(w, e);
	if (!rc)
		rc = begin(w, &t, e);
	if (!rc)
		rc = put_all(w, t, e);
	if (!rc)
		rc = fault_point("store.commit", e);
	if (rc)
		mdb_txn_abort(t);
	else if (!(rc = environment_commit(t, w->partial.path, e)))
		mark_committed(w);
	return writer_failed(w, rc, e);
}
