/* SPDX-License-Identifier: MIT */
#include "store/recheck.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

enum {
	WINDOW = 12,
	WINDOW_BYTES = 8 << 20
}; /* blocks decoded at a time; raw bytes of all but one */

struct slot {
	struct recheck_block b;
	struct block_codec *codec;
};
struct window {
	struct slot slot[WINDOW];
	size_t n;
};

struct recheck {
	struct store_writer *w;
	struct window window[2]; /* one is taken while the other is decoded */
	const struct writer_column *column;
	MDB_txn *from;
	uint64_t next; /* row */
	struct window *taken, *decoded;
	recheck_take *take;
	void *arg;
};

struct recheck *recheck_new(struct store_writer *w, struct cbtm_error *e)
{
	struct recheck *r = mem_zeroed(1, sizeof *r, "a store's decoders", e);
	if (r)
		r->w = w;
	return r;
}

void recheck_free(struct recheck *r)
{
	for (size_t i = 0; r && i < 2 * WINDOW; i++)
		block_codec_free(r->window[i / WINDOW].slot[i % WINDOW].codec);
	free(r);
}

static int wrong(const struct recheck *r, const char *why, struct cbtm_error *e)
{
	return error_set(e, CBTM_ERR_BAD_STORE, r->w->partial.path, "column '%s' %s", r->column->name,
	                 why);
}

/* Finds the next block; blocks must follow each other without a gap. */
static int find(struct recheck *r, struct recheck_block *b, uint64_t *raw, struct cbtm_error *e)
{
	const struct partial *p = &r->w->partial;
	const struct writer_column *c = r->column;
	uint32_t rows, bytes;
	b->key = r->next;
	b->tail = r->next >= c->first;
	int rc = partial_get(p, r->from, b->tail ? p->tails : p->blocks, c->name,
	                     b->tail ? c->rows : r->next, &b->value, e);
	if (rc)
		return rc;
	if (b->value.mv_size < BLOCK_HEADER)
		return wrong(r, "has a block without a header", e);
	memcpy(&rows, b->value.mv_data, 4);
	memcpy(&bytes, (char *)b->value.mv_data + 4, 4);
	if (!rows || rows > (b->tail ? c->rows : c->first) - r->next)
		return wrong(r, "has too many rows", e);
	r->next += rows;
	*raw = bytes;
	return 0;
}

static int fill(struct recheck *r, struct window *w, struct cbtm_error *e)
{
	uint64_t bytes = 0, raw = 0;
	w->n = 0;
	while (w->n < WINDOW && r->next < r->column->rows && bytes < WINDOW_BYTES) {
		if (find(r, &w->slot[w->n].b, &raw, e))
			return e->name;
		bytes += raw;
		w->n++;
	}
	return 0;
}

static int decode(const struct recheck *r, struct slot *s, struct cbtm_error *e)
{
	const struct writer_column *c = r->column;
	struct recheck_block *b = &s->b;
	struct block_place at = { r->w->fingerprint, c->name, b->tail ? c->rows : b->key };
	struct block_limits limits = { c->rows - b->key, STORE_RAW_BYTES_MAX };
	if (!s->codec && !(s->codec = block_codec_new(e)))
		return e->name;
	if (block_decode(s->codec, &at, &limits, b->value.mv_data, b->value.mv_size, r->w->partial.path,
	                 &b->block, e))
		return e->name;
	if (c->shape == STORE_VARIABLE
	        ? !column_lengths_fit(c->type, b->block.rows, b->block.raw, b->block.n)
	        : b->block.n != b->block.rows * c->row_bytes)
		return wrong(r, "has a block that does not hold its rows", e);
	return 0;
}

/* Task 0 takes the blocks that are decoded; each other one decodes a block of the next window. */
static int one_of_round(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct recheck *r = arg;
	(void)thread;
	if (task)
		return decode(r, &r->decoded->slot[task - 1], e);
	for (size_t i = 0; i < r->taken->n; i++)
		if (r->take(r->arg, &r->taken->slot[i].b, e))
			return e->name;
	return 0;
}

int recheck_column(struct recheck *r, const struct writer_column *c, MDB_txn *from,
                   recheck_take *take, void *arg, struct cbtm_error *e)
{
	r->column = c;
	r->from = from;
	r->take = take;
	r->arg = arg;
	r->next = 0;
	r->taken = &r->window[0];
	r->taken->n = 0;
	do {
		r->decoded = r->taken == &r->window[0] ? &r->window[1] : &r->window[0];
		if (fill(r, r->decoded, e) || pool_run(r->w->pool, 1 + r->decoded->n, one_of_round, r, e))
			return e->name;
		r->taken = r->decoded;
	} while (r->taken->n);
	return 0;
}
