/* SPDX-License-Identifier: MIT */
#include "ensemble/scoring.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/signals.h"
#include "ensemble/match.h"
#include "store/split.h"
#include "store/tokens.h"
#include <stdlib.h>
#include <string.h>

#define BATCH_DOCUMENTS 128 /* handed to the model together */
#define COMMIT_SECONDS 10.0 /* work that a kill may cost */

/* Where scoring stands: committed with the rows. */
struct cursor {
	uint64_t part, row;
	uint64_t done[SPLIT_COUNT];
};

/* One document on its way through the model. */
struct document {
	uint64_t key;
	uint8_t split;
	uint32_t *ids; /* BOS text EOD: n + 2 */
	uint64_t n;    /* text tokens */
	float *logprob;
	uint64_t scored;
};

struct batch {
	struct arena *arena;
	struct document documents[BATCH_DOCUMENTS];
	size_t n;
	struct model_sequence *windows;
	size_t n_windows, window_capacity;
};

struct part {
	struct store *store;
	struct store_reader *key, *split;
	struct tokens_reader *ids;
	uint64_t rows;
};

static void part_close(struct part *p)
{
	store_reader_close(p->key);
	store_reader_close(p->split);
	tokens_close(p->ids);
	store_close(p->store);
	*p = (struct part){ 0 };
}

static int part_open(struct part *p, const struct scoring *s, uint32_t number, struct cbtm_error *e)
{
	*p = (struct part){ 0 };
	if (!dataset_part(s->tokens, number, &p->store, e) &&
	    !match_text(p->store, "vocabulary", model_vocabulary(s->model), e) &&
	    !store_reader_open(p->store, "key", &p->key, e) &&
	    !store_reader_open(p->store, "split", &p->split, e))
		tokens_open(p->store, &p->ids, e);
	p->rows = p->store ? store_row_count(p->store, "split") : 0;
	return e->name;
}

/* Sets *wanted if the row is held out and its split's limit is not reached. */
static int row_wanted(const struct scoring *s, struct part *p, const struct cursor *c, bool *wanted,
                      uint8_t *split, struct cbtm_error *e)
{
	const void *data;
	uint64_t n;
	if (store_read_row(p->split, c->row, &data, &n, e))
		return e->name;
	*split = *(const uint8_t *)data;
	*wanted = (*split == SPLIT_VALID || *split == SPLIT_TEST) &&
	          (!s->documents || c->done[*split] < s->documents);
	return 0;
}

int scoring_count(const struct scoring *s, uint64_t *documents, struct cbtm_error *e)
{
	struct part p = { 0 };
	struct cursor c = { 0 };
	for (; c.part < dataset_parts(s->tokens); c.part++) {
		if (part_open(&p, s, (uint32_t)c.part, e))
			break;
		for (c.row = 0; c.row < p.rows; c.row++) {
			bool wanted = false;
			uint8_t split = 0;
			if (row_wanted(s, &p, &c, &wanted, &split, e))
				break;
			c.done[split % SPLIT_COUNT] += wanted;
		}
		part_close(&p);
	}
	part_close(&p);
	*documents = c.done[SPLIT_VALID] + c.done[SPLIT_TEST];
	return e->name;
}

/* Cuts a document's sequence into windows; each position is scored by exactly one. */
static int add_windows(const struct scoring *s, struct batch *b, const struct document *d,
                       struct cbtm_error *e)
{
	uint64_t length = model_length(s->model), all = d->n + 2;
	uint64_t stride = s->window == SCORING_STRIDE ? (length + 1) / 2 : length;
	for (uint64_t start = 0, scored = 0; scored < d->scored; start += stride) {
		uint64_t n = all - start < length + 1 ? all - start : length + 1;
		if (array_reserve(&b->windows, &b->window_capacity, b->n_windows + 1, sizeof *b->windows,
		                  e))
			return e->name;
		/* Scores of this window begin at d->logprob[start]; the first ones are there already. */
		b->windows[b->n_windows++] =
			(struct model_sequence){ d->ids + start, (size_t)n, (size_t)(scored - start),
			                         d->logprob + start };
		scored = start + n - 1;
	}
	return 0;
}

static int add_document(const struct scoring *s, struct part *p, const struct cursor *c,
                        uint8_t split, struct batch *b, struct cbtm_error *e)
{
	struct document *d = &b->documents[b->n];
	const uint32_t *ids;
	const void *data;
	uint64_t n, length = model_length(s->model);
	*d = (struct document){ .split = split };
	if (store_read_row(p->key, c->row, &data, &n, e))
		return e->name;
	memcpy(&d->key, data, sizeof d->key);
	if (tokens_read(p->ids, c->row, &ids, &d->n, e))
		return e->name;
	d->scored = d->n + 1;
	if (s->window == SCORING_TRUNCATE && d->scored > length)
		d->scored = length;
	d->ids = arena_take(b->arena, (size_t)(d->n + 2) * sizeof *d->ids, e);
	d->logprob = arena_take(b->arena, (size_t)(d->n + 1) * sizeof *d->logprob, e);
	if (!d->ids || !d->logprob)
		return e->name;
	d->ids[0] = model_bos(s->model);
	d->ids[d->n + 1] = model_eod(s->model);
	memcpy(d->ids + 1, ids, (size_t)d->n * sizeof *ids);
	b->n++;
	return add_windows(s, b, d, e);
}

static int batch_write(const struct batch *b, struct store_writer *out, struct cbtm_error *e)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct document *d = &b->documents[i];
		if (store_append(out, "key", &d->key, 1, e) ||
		    store_append(out, "split", &d->split, 1, e) ||
		    store_append_row(out, "logprob", d->logprob, d->scored, e))
			break;
	}
	return e->name;
}

/* Scores up to BATCH_DOCUMENTS of the part from the cursor on, and moves it. */
static int score_batch(const struct scoring *s, struct part *p, struct cursor *c, struct batch *b,
                       struct store_writer *out, struct cbtm_error *e)
{
	b->n = b->n_windows = 0;
	b->arena = arena_new(e);
	if (!b->arena)
		return e->name;
	for (; c->row < p->rows && b->n < BATCH_DOCUMENTS; c->row++) {
		bool wanted = false;
		uint8_t split = 0;
		if (row_wanted(s, p, c, &wanted, &split, e) ||
		    (wanted && add_document(s, p, c, split, b, e)))
			break;
		c->done[split % SPLIT_COUNT] += wanted;
	}
	if (!e->name && b->n && !model_score(s->model, b->windows, b->n_windows, e))
		batch_write(b, out, e);
	arena_free(b->arena);
	return e->name;
}

int scoring_run(const struct scoring *s, struct store_writer *out, struct cbtm_error *e)
{
	struct part p = { 0 };
	struct cursor c = { 0 };
	const void *saved;
	size_t n;
	struct batch *b = mem_zeroed(1, sizeof *b, "scoring", e);
	if (!b || store_cursor(out, &saved, &n, e))
		goto done;
	if (n == sizeof c)
		memcpy(&c, saved, n);
	double committed = clock_seconds();
	for (; c.part < dataset_parts(s->tokens); c.part++, c.row = 0) {
		if (part_open(&p, s, (uint32_t)c.part, e))
			goto done;
		while (c.row < p.rows) {
			if (score_batch(s, &p, &c, b, out, e))
				goto done;
			progress_set(c.done[SPLIT_VALID] + c.done[SPLIT_TEST], NULL);
			if (signals_stop_requested() || clock_seconds() - committed > COMMIT_SECONDS) {
				if (store_commit(out, &c, sizeof c, e) || signals_check(e))
					goto done;
				committed = clock_seconds();
			}
		}
		part_close(&p);
	}
	if (c.done[SPLIT_VALID] + c.done[SPLIT_TEST] == 0)
		error_set(e, CBTM_ERR_EMPTY_CORPUS, dataset_dir(s->tokens),
		          "no document is held out: raise tokenize.split.valid and tokenize.split.test");
done:
	part_close(&p);
	if (b)
		free(b->windows);
	free(b);
	return e->name;
}
