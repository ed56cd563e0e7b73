/* SPDX-License-Identifier: MIT */
/*
 * Packing: closed blocks wait in order; any thread may compress any of them, and a commit writes
 * what is packed. Nothing of the result depends on who packs, or when.
 */
#include "base/memory.h"
#include "store/tensor.h"
#include "store/writer.h"
#include <stdlib.h>
#include <string.h>

enum { KEPT_BYTES = 4 * STORE_BLOCK_BYTES }; /* a block's memory larger than this is given back */

int store_use_pool(struct store_writer *w, struct pool *pool, struct cbtm_error *e)
{
	struct block_codec **packer =
		mem_zeroed(pool_threads(pool), sizeof(struct block_codec *), "packers", e);

	if (!packer)
		return e->name;
	writer_free_packers(w);
	w->pool = pool;
	w->packer = packer;
	return 0;
}

void writer_free_packers(struct store_writer *w)
{
	for (unsigned i = 0; w->packer && i < pool_threads(w->pool); i++)
		block_codec_free(w->packer[i]);
	free(w->packer);
	w->packer = NULL;
	w->pool = NULL;
}

void writer_forget_open(struct store_writer *w, struct writer_column *c, bool free_memory)
{
	w->open_bytes -= c->data.n + c->lengths.n;
	buffer_clear(&c->data);
	buffer_clear(&c->lengths);
	if (free_memory) {
		buffer_free(&c->data);
		buffer_free(&c->lengths);
	}
}

/* The next slot of `blocks`; it may keep memory of an earlier block. */
static struct writer_block *next_block(struct store_writer *w, struct cbtm_error *e)
{
	if (array_reserve(&w->blocks, &w->cap_blocks, w->n_blocks + 1, sizeof w->blocks[0], e))
		return NULL;
	if (w->n_blocks == w->made_blocks) {
		struct writer_block *made = mem_zeroed(1, sizeof *made, "a block", e);
		if (!made)
			return NULL;
		w->blocks[w->made_blocks++] = made;
	}
	return w->blocks[w->n_blocks];
}

/* Memory for the next open block, of one that is packed. */
static void reuse(struct store_writer *w, struct buffer *raw)
{
	while (!raw->capacity && w->reused < w->packed) {
		struct buffer *old = &w->blocks[w->reused++]->raw;
		*raw = *old;
		*old = (struct buffer){ 0 };
	}
	buffer_clear(raw);
}

int writer_close_block(struct store_writer *w, struct writer_column *c, struct cbtm_error *e)
{
	struct writer_block *b = next_block(w, e);
	/* The lengths go behind the elements, in place. */
	if (!b || (c->lengths.n && buffer_add(&c->data, c->lengths.data, c->lengths.n, e)))
		return e->name;
	b->column = (size_t)(c - w->columns);
	b->key = c->first;
	b->rows = c->rows - c->first;
	w->open_bytes -= c->data.n;
	w->pending_bytes += c->data.n;
	c->raw_bytes += c->data.n;
	struct buffer empty = b->raw;
	b->raw = c->data;
	c->data = empty;
	buffer_clear(&b->packed);
	buffer_clear(&c->lengths);
	w->n_blocks++;
	reuse(w, &c->data);
	c->first = c->rows;
	return 0;
}

static int pack_tensor(const struct block_place *at, struct writer_block *b, size_t page,
                       struct cbtm_error *e)
{
	size_t size = tensor_value_size(b->raw.n, page);
	struct buffer crcs = { 0 };
	int rc = buffer_reserve(&b->packed, size, e);
	if (!rc)
		rc = tensor_encode(at, b->rows, b->raw.data ? b->raw.data : "", b->raw.n,
		                   (unsigned char *)b->packed.data, size, &crcs, e);
	if (!rc) {
		b->packed.n = b->value_n = size;
		rc = buffer_add(&b->packed, crcs.data, crcs.n, e);
	}
	buffer_free(&crcs);
	return rc;
}

int store_pack(struct store_writer *w, size_t i, unsigned thread, struct cbtm_error *e)
{
	struct writer_block *b = w->packing[i];
	const struct writer_column *c = &w->columns[b->column];
	struct block_place at = { w->fingerprint, c->name, b->key };
	struct block_codec **codec = w->packer ? &w->packer[thread] : &w->codec;
	const char *raw = b->raw.data ? b->raw.data : "";

	if (!*codec && !(*codec = block_codec_new(e)))
		return e->name;
	b->raw_digest = digest_bytes(raw, b->raw.n);
	b->raw_n = b->raw.n;
	if (c->shape == STORE_TENSOR)
		return pack_tensor(&at, b, w->page, e);
	int rc = block_encode(*codec, &at, b->rows, raw, b->raw.n, c->level, &b->packed, e);
	b->value_n = b->packed.n;
	return rc;
}

int store_pack_begin(struct store_writer *w, size_t *n, struct cbtm_error *e)
{
	*n = w->n_blocks - w->packed;
	if (array_reserve(&w->packing, &w->cap_packing, *n + 1, sizeof w->packing[0], e))
		return e->name;
	if (*n)
		memcpy(w->packing, w->blocks + w->packed, *n * sizeof w->packing[0]);
	w->n_packing = *n;
	w->is_packing = true;
	return 0;
}

static void note_packed(struct store_writer *w)
{
	for (size_t i = 0; i < w->n_packing; i++) {
		struct writer_block *b = w->packing[i];
		w->pending_bytes += b->packed.n;
		w->pending_bytes -= b->raw.n;
		if (b->raw.capacity > KEPT_BYTES)
			buffer_free(&b->raw);
	}
	w->packed += w->n_packing;
	w->n_packing = 0;
	w->is_packing = false;
}

int store_pack_end(struct store_writer *w, struct cbtm_error *e)
{
	note_packed(w);
	return writer_relieve(w, e);
}

static int pack_task(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	return store_pack(arg, task, thread, e);
}

int writer_pack(struct store_writer *w, struct cbtm_error *e)
{
	size_t n;
	if (store_pack_begin(w, &n, e) || (n && pool_run(w->pool, n, pack_task, w, e))) {
		w->is_packing = false;
		return e->name;
	}
	note_packed(w);
	return 0;
}

void writer_forget_blocks(struct store_writer *w)
{
	for (size_t i = 0; i < w->n_blocks; i++) {
		if (w->blocks[i]->raw.capacity > KEPT_BYTES)
			buffer_free(&w->blocks[i]->raw);
		if (w->blocks[i]->packed.capacity > KEPT_BYTES)
			buffer_free(&w->blocks[i]->packed);
	}
	w->n_blocks = w->packed = w->reused = 0;
	w->pending_bytes = 0;
}

void writer_free_blocks(struct store_writer *w)
{
	for (size_t i = 0; i < w->made_blocks; i++) {
		buffer_free(&w->blocks[i]->raw);
		buffer_free(&w->blocks[i]->packed);
		free(w->blocks[i]);
	}
	free(w->blocks);
	free(w->packing);
}
