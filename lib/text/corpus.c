/* SPDX-License-Identifier: MIT */
#include "text/corpus.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/signals.h"
#include "store/split.h"
#include "store/tokens.h"
#include "text/bpe_train.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BATCH_BYTES = 8 << 20,
	BATCH_ROWS = 2048,
	TASK_ROWS = 16,
	COMMIT_BYTES = 32 << 20,
	MERGE_PIECES = 1 << 20, /* a thread's distinct pieces are added to the whole at so many */
	KEPT_IDS = 1 << 14      /* a row's memory larger than this is given back */
};

/* Documents in memory, read in order. */
struct batch {
	struct buffer text;
	size_t start[BATCH_ROWS + 1];
	uint8_t split[BATCH_ROWS];
	uint64_t key[BATCH_ROWS];
	size_t rows;
};

struct batch_reader {
	struct store_reader *text, *split, *key;
	uint64_t row, rows;
};

static void reader_close(struct batch_reader *r)
{
	store_reader_close(r->text);
	store_reader_close(r->split);
	store_reader_close(r->key);
	*r = (struct batch_reader){ 0 };
}

static int reader_open(struct batch_reader *r, const struct store *s, uint64_t row,
                       struct cbtm_error *e)
{
	*r = (struct batch_reader){ .row = row, .rows = store_row_count(s, "key") };
	if (!store_reader_open(s, "text", &r->text, e) && !store_reader_open(s, "split", &r->split, e))
		store_reader_open(s, "key", &r->key, e);
	return e->name;
}

/* The next documents; b->rows = 0 at the end. With `train_only` the texts of others are empty. */
static int reader_next(struct batch_reader *r, struct batch *b, bool train_only,
                       struct cbtm_error *e)
{
	buffer_clear(&b->text);
	for (b->rows = 0; b->rows < BATCH_ROWS && r->row < r->rows && b->text.n < BATCH_BYTES;
	     b->rows++, r->row++) {
		size_t i = b->rows;
		const void *text = NULL;
		uint64_t n = 0;

		b->start[i] = b->text.n;
		if (store_read_rows(r->split, r->row, 1, &b->split[i], e) ||
		    store_read_rows(r->key, r->row, 1, &b->key[i], e))
			return e->name;
		if (b->split[i] >= SPLIT_COUNT)
			return error_set(e, CBTM_ERR_BAD_STORE, NULL, "row %" PRIu64 " has no split", r->row);
		if (train_only && b->split[i] != SPLIT_SEED && b->split[i] != SPLIT_BRANCH)
			continue;
		if (store_read_row(r->text, r->row, &text, &n, e) || buffer_add(&b->text, text, n, e))
			return e->name;
	}
	b->start[b->rows] = b->text.n;
	return 0;
}

static const char *batch_text(const struct batch *b, size_t row, size_t *n)
{
	*n = b->start[row + 1] - b->start[row];
	return *n ? b->text.data + b->start[row] : "";
}

static size_t batch_tasks(const struct batch *b)
{
	return (b->rows + TASK_ROWS - 1) / TASK_ROWS;
}

/* ---------------------------------------------------------------- vocabulary */
struct counting {
	struct batch batch;
	struct bpe_pieces *pieces; /* one a thread */
	unsigned threads;
};

static int count_some(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct counting *c = arg;

	for (size_t i = task * TASK_ROWS; i < (task + 1) * TASK_ROWS && i < c->batch.rows; i++) {
		size_t n;
		const char *text = batch_text(&c->batch, i, &n);
		if (bpe_pieces_text(&c->pieces[thread], text, n, e))
			return e->name;
	}
	return 0;
}

/* Adds what the threads have to thread 0's. */
static int gather(struct counting *c, size_t more_than, struct cbtm_error *e)
{
	for (unsigned i = 1; i < c->threads; i++) {
		if (bpe_pieces_size(&c->pieces[i]) <= more_than)
			continue;
		if (bpe_pieces_add(&c->pieces[0], &c->pieces[i], e))
			return e->name;
		bpe_pieces_free(&c->pieces[i]);
	}
	return 0;
}

static int count_part(struct counting *c, const struct dataset *d, uint32_t part, struct pool *pool,
                      uint64_t *done, struct cbtm_error *e)
{
	struct batch_reader r = { 0 };
	struct store *s = NULL;

	if (dataset_part(d, part, &s, e) || reader_open(&r, s, 0, e))
		goto end;
	do {
		if (reader_next(&r, &c->batch, true, e) ||
		    pool_run(pool, batch_tasks(&c->batch), count_some, c, e) ||
		    gather(c, MERGE_PIECES, e) || signals_check(e))
			goto end;
		progress_set(*done += c->batch.rows, NULL);
	} while (c->batch.rows);
end:
	reader_close(&r);
	store_close(s);
	return e->name;
}

int corpus_vocabulary(const struct dataset *documents, const struct bpe_training *training,
                      struct pool *pool, struct bpe **bpe, struct cbtm_error *e)
{
	struct counting *c = mem_zeroed(1, sizeof *c, "counting", e);
	uint64_t done = 0, total = 0;

	*bpe = NULL;
	if (!c)
		return e->name;
	c->threads = pool_threads(pool);
	c->pieces = mem_zeroed(c->threads, sizeof *c->pieces, "counting", e);
	if (!c->pieces || dataset_rows(documents, "key", &total, e))
		goto end;
	progress_start("counting words", total, "documents");
	for (uint32_t i = 0; i < dataset_parts(documents); i++)
		if (count_part(c, documents, i, pool, &done, e))
			goto end;
	if (gather(c, 0, e))
		goto end;
	progress_finish();
	if (!bpe_pieces_size(&c->pieces[0])) {
		error_set(e, CBTM_ERR_EMPTY_CORPUS, dataset_dir(documents),
		          "there is no train document with text to learn a vocabulary from");
		goto end;
	}
	progress_start("merging pairs", training->size, "tokens");
	if (!bpe_train(&c->pieces[0], training, bpe, e) && (*bpe)->size < training->size)
		log_message(LOG_WARNING, "the corpus has pairs for %u tokens only, not for %u",
		            (*bpe)->size, training->size);
end:
	progress_finish();
	for (unsigned i = 0; c->pieces && i < c->threads; i++)
		bpe_pieces_free(&c->pieces[i]);
	free(c->pieces);
	buffer_free(&c->batch.text);
	free(c);
	return e->name;
}

/* ---------------------------------------------------------------- tokens */
struct encoding {
	struct batch batch;
	struct bpe_encoder **encoder; /* one a thread */
	struct bpe_ids ids[BATCH_ROWS];
	unsigned threads;
	uint64_t tokens[SPLIT_COUNT]; /* is the cursor too */
	uint64_t pending;
};

static int encode_some(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct encoding *c = arg;

	for (size_t i = task * TASK_ROWS; i < (task + 1) * TASK_ROWS && i < c->batch.rows; i++) {
		size_t n;
		const char *text = batch_text(&c->batch, i, &n);
		c->ids[i].n = 0;
		if (bpe_encode(c->encoder[thread], text, n, &c->ids[i], e))
			return e->name;
	}
	return 0;
}

static int append_batch(struct encoding *c, struct store_writer *out, struct cbtm_error *e)
{
	for (size_t i = 0; i < c->batch.rows; i++) {
		struct bpe_ids *ids = &c->ids[i];

		if (store_append(out, "key", &c->batch.key[i], 1, e) ||
		    store_append(out, "split", &c->batch.split[i], 1, e) ||
		    tokens_append(out, ids->v, ids->n, e))
			return e->name;
		c->tokens[c->batch.split[i]] += ids->n;
		if (ids->cap > KEPT_IDS)
			bpe_ids_free(ids);
	}
	c->pending += c->batch.text.n;
	if (c->batch.rows && c->pending < COMMIT_BYTES && !signals_stop_requested())
		return 0;
	c->pending = 0;
	if (store_commit(out, c->tokens, sizeof c->tokens, e))
		return e->name;
	return c->batch.rows ? signals_check(e) : 0;
}

static int set_facts(const struct encoding *c, const struct bpe *bpe, const char *content,
                     struct store_writer *out, struct cbtm_error *e)
{
	store_set_text(out, "vocabulary", content, e);
	store_set_u64(out, "vocabulary_size", bpe->size, e);
	for (int i = 0; i < SPLIT_COUNT; i++) {
		char name[32];
		snprintf(name, sizeof name, "tokens.%s", split_names[i]);
		store_set_u64(out, name, c->tokens[i], e);
	}
	return e->name;
}

static int resume(struct encoding *c, struct store_writer *out, struct cbtm_error *e)
{
	const void *cursor;
	size_t n;

	if (store_cursor(out, &cursor, &n, e))
		return e->name;
	if (n && n != sizeof c->tokens)
		return error_set(e, CBTM_ERR_BAD_STORE, NULL, "the cursor of tokens has %zu bytes", n);
	if (n)
		memcpy(c->tokens, cursor, n);
	return 0;
}

int corpus_encode(const struct store *documents, const struct bpe *bpe, const char *content,
                  struct pool *pool, struct store_writer *out, struct cbtm_error *e)
{
	struct encoding *c = mem_zeroed(1, sizeof *c, "encoding", e);
	struct batch_reader r = { 0 };

	if (!c)
		return e->name;
	c->threads = pool_threads(pool);
	c->encoder = mem_zeroed(c->threads, sizeof(struct bpe_encoder *), "encoding", e);
	for (unsigned i = 0; c->encoder && i < c->threads && !e->name; i++)
		c->encoder[i] = bpe_encoder_new(bpe, e);
	if (e->name || tokens_add_column(out, bpe->size, e) || resume(c, out, e) ||
	    reader_open(&r, documents, store_rows(out, "key"), e))
		goto end;
	progress_start("tokens", r.rows, "documents");
	do {
		if (reader_next(&r, &c->batch, false, e) ||
		    pool_run(pool, batch_tasks(&c->batch), encode_some, c, e) ||
		    (!c->batch.rows && set_facts(c, bpe, content, out, e)) || append_batch(c, out, e))
			goto end;
		progress_set(r.row, NULL);
	} while (c->batch.rows);
end:
	progress_finish();
	reader_close(&r);
	for (unsigned i = 0; c->encoder && i < c->threads; i++)
		bpe_encoder_free(c->encoder[i]);
	free(c->encoder);
	for (size_t i = 0; i < BATCH_ROWS; i++)
		bpe_ids_free(&c->ids[i]);
	buffer_free(&c->batch.text);
	free(c);
	return e->name;
}
