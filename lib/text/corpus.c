/* SPDX-License-Identifier: MIT */
#include "text/corpus.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "store/split.h"
#include "text/bpe_train.h"
#include "text/flow.h"
#include <inttypes.h>
#include <stdlib.h>

enum {
	BATCH_BYTES = 4 << 20,
	TASK_ROWS = 32,
	BATCH_TASKS = 128,
	BATCH_ROWS = BATCH_TASKS * TASK_ROWS,
	MERGE_PIECES = 1 << 20, /* a thread's distinct pieces are added to the whole at so many */
	KEPT_IDS = 1 << 19      /* a task's memory larger than this is given back */
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
static int reader_next(struct batch_reader *r, struct batch *b, bool train_only, size_t *tasks,
                       struct cbtm_error *e)
{
	double start = clock_seconds();

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
	*tasks = (b->rows + TASK_ROWS - 1) / TASK_ROWS;
	steps_add(STEP_DECOMPRESS, clock_seconds() - start);
	return 0;
}

static const char *batch_text(const struct batch *b, size_t row, size_t *n)
{
	*n = b->start[row + 1] - b->start[row];
	return *n ? b->text.data + b->start[row] : "";
}

/* ---------------------------------------------------------------- vocabulary */
struct counting {
	struct batch batch[FLOW_SLOTS];
	struct batch_reader reader;
	struct bpe_pieces *pieces; /* one a thread */
	unsigned threads;
	uint64_t done;
};

static int read_train(void *arg, unsigned slot, size_t *tasks, struct cbtm_error *e)
{
	struct counting *c = arg;

	return reader_next(&c->reader, &c->batch[slot], true, tasks, e);
}

static int count_some(void *arg, unsigned slot, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct counting *c = arg;
	const struct batch *b = &c->batch[slot];

	for (size_t i = task * TASK_ROWS; i < (task + 1) * TASK_ROWS && i < b->rows; i++) {
		size_t n;
		const char *text = batch_text(b, i, &n);
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

static int counted(void *arg, unsigned slot, uint64_t *bytes, struct cbtm_error *e)
{
	struct counting *c = arg;

	(void)bytes;
	progress_set(c->done += c->batch[slot].rows, NULL);
	return gather(c, MERGE_PIECES, e);
}

static int count_part(struct counting *c, const struct dataset *d, uint32_t part, struct pool *pool,
                      struct cbtm_error *e)
{
	struct flow flow = { .pool = pool,
		                 .step = STEP_ENCODE,
		                 .arg = c,
		                 .read = read_train,
		                 .work = count_some,
		                 .append = counted };
	struct store *s = NULL;

	if (!dataset_part(d, part, &s, e) && !reader_open(&c->reader, s, 0, e))
		flow_run(&flow, e);
	reader_close(&c->reader);
	store_close(s);
	return e->name;
}

int corpus_vocabulary(const struct dataset *documents, const struct bpe_training *training,
                      struct pool *pool, struct bpe **bpe, struct cbtm_error *e)
{
	struct counting *c = mem_zeroed(1, sizeof *c, "counting", e);
	uint64_t total = 0;

	*bpe = NULL;
	if (!c)
		return e->name;
	c->threads = pool_threads(pool);
	c->pieces = mem_zeroed(c->threads, sizeof *c->pieces, "counting", e);
	if (!c->pieces || dataset_rows(documents, "key", &total, e))
		goto end;
	progress_start("counting words", total, "documents");
	for (uint32_t i = 0; i < dataset_parts(documents); i++)
		if (count_part(c, documents, i, pool, e))
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
	for (unsigned i = 0; i < FLOW_SLOTS; i++)
		buffer_free(&c->batch[i].text);
	free(c);
	return e->name;
}

/* ---------------------------------------------------------------- tokens */
/* The ids of TASK_ROWS documents, one behind another. */
struct task_ids {
	struct bpe_ids ids;
	uint64_t n[TASK_ROWS];
};

struct encoded {
	struct batch batch[FLOW_SLOTS];
	struct task_ids ids[FLOW_SLOTS][BATCH_TASKS];
	struct batch_reader reader;
	struct encoding *encoding;
	uint64_t done;
};

static int read_documents(void *arg, unsigned slot, size_t *tasks, struct cbtm_error *e)
{
	struct encoded *c = arg;

	return reader_next(&c->reader, &c->batch[slot], false, tasks, e);
}

static size_t rows_of(const struct batch *b, size_t task)
{
	size_t first = task * TASK_ROWS;

	return b->rows - first < TASK_ROWS ? b->rows - first : TASK_ROWS;
}

static int encode_some(void *arg, unsigned slot, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct encoded *c = arg;
	const struct batch *b = &c->batch[slot];
	struct task_ids *t = &c->ids[slot][task];

	return encoding_ids(c->encoding, thread, b->text.data ? b->text.data : "",
	                    b->start + task * TASK_ROWS, rows_of(b, task), &t->ids, t->n, e);
}

static int append_ids(void *arg, unsigned slot, uint64_t *bytes, struct cbtm_error *e)
{
	struct encoded *c = arg;
	const struct batch *b = &c->batch[slot];

	for (size_t task = 0; task * TASK_ROWS < b->rows; task++) {
		struct task_ids *t = &c->ids[slot][task];
		size_t first = task * TASK_ROWS;

		if (encoding_append(c->encoding, b->key + first, b->split + first, t->ids.v, t->n,
		                    rows_of(b, task), e))
			return e->name;
		if (t->ids.cap > KEPT_IDS)
			bpe_ids_free(&t->ids);
	}
	*bytes += b->text.n;
	progress_set(c->done += b->rows, NULL);
	return 0;
}

static int commit(void *arg, struct cbtm_error *e)
{
	return encoding_commit(((struct encoded *)arg)->encoding, e);
}

int corpus_encode(const struct store *documents, struct encoding *encoding, struct pool *pool,
                  struct cbtm_error *e)
{
	struct encoded *c = mem_zeroed(1, sizeof *c, "encoding", e);
	struct flow flow = { .pool = pool,
		                 .out = { encoding_out(encoding) },
		                 .step = STEP_ENCODE,
		                 .arg = c,
		                 .read = read_documents,
		                 .work = encode_some,
		                 .append = append_ids,
		                 .commit = commit };

	if (!c)
		return e->name;
	c->encoding = encoding;
	if (reader_open(&c->reader, documents, encoding_rows(encoding), e))
		goto end;
	c->done = c->reader.row;
	progress_start("tokens", c->reader.rows, "documents");
	if (!flow_run(&flow, e))
		encoding_finish(encoding, e);
end:
	progress_finish();
	reader_close(&c->reader);
	for (size_t i = 0; i < FLOW_SLOTS * BATCH_TASKS; i++)
		bpe_ids_free(&c->ids[i / BATCH_TASKS][i % BATCH_TASKS].ids);
	for (unsigned i = 0; i < FLOW_SLOTS; i++)
		buffer_free(&c->batch[i].text);
	free(c);
	return e->name;
}
