/* SPDX-License-Identifier: MIT */
#include "ensemble/held_out.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/signals.h"
#include "store/tokens.h"
#include <stdlib.h>
#include <string.h>

#define BATCH 256 /* documents in memory at once */

/* One dataset of scores, read row after row. */
struct score_stream {
	struct store *store;
	struct store_reader *key, *split, *logprob;
	uint64_t rows;
};

struct streams {
	struct score_stream *scores;
	size_t n;
	uint64_t next; /* row of the next scored document */
};

static void streams_close(struct streams *s)
{
	for (size_t j = 0; s->scores && j < s->n; j++) {
		store_reader_close(s->scores[j].key);
		store_reader_close(s->scores[j].split);
		store_reader_close(s->scores[j].logprob);
		store_close(s->scores[j].store);
	}
	free(s->scores);
}

static int streams_open(struct streams *s, const struct held_out *h, struct cbtm_error *e)
{
	s->n = h->n_scores;
	s->scores = mem_zeroed(s->n, sizeof *s->scores, "scores", e);
	for (size_t j = 0; s->scores && j < s->n; j++) {
		struct score_stream *one = &s->scores[j];
		if (dataset_part(h->scores[j], 0, &one->store, e) ||
		    store_reader_open(one->store, "key", &one->key, e) ||
		    store_reader_open(one->store, "split", &one->split, e) ||
		    store_reader_open(one->store, "logprob", &one->logprob, e))
			break;
		one->rows = store_row_count(one->store, "key");
		if (one->rows != s->scores[0].rows)
			error_set(e, CBTM_ERR_BAD_DATA, store_path(one->store),
			          "scores of %llu documents, others have %llu", (unsigned long long)one->rows,
			          (unsigned long long)s->scores[0].rows);
		if (e->name)
			break;
	}
	return e->name;
}

/* The tokens' and assignments' columns of one part. */
struct part {
	struct store *tokens, *assignments;
	struct store_reader *key, *split, *cluster;
	struct tokens_reader *ids;
};

static void part_close(struct part *p)
{
	store_reader_close(p->key);
	store_reader_close(p->split);
	store_reader_close(p->cluster);
	tokens_close(p->ids);
	store_close(p->tokens);
	store_close(p->assignments);
	*p = (struct part){ 0 };
}

static int part_open(struct part *p, const struct held_out *h, uint32_t number,
                     struct cbtm_error *e)
{
	*p = (struct part){ 0 };
	if (dataset_part(h->tokens, number, &p->tokens, e) ||
	    store_reader_open(p->tokens, "key", &p->key, e) ||
	    store_reader_open(p->tokens, "split", &p->split, e) || tokens_open(p->tokens, &p->ids, e))
		return e->name;
	if (!h->assignments)
		return 0;
	if (dataset_part(h->assignments, number, &p->assignments, e) ||
	    store_reader_open(p->assignments, "cluster", &p->cluster, e))
		return e->name;
	if (store_row_count(p->assignments, "cluster") != store_row_count(p->tokens, "key"))
		error_set(e, CBTM_ERR_BAD_DATA, store_path(p->assignments),
		          "has another number of rows than the tokens");
	return e->name;
}

/* The one element of a row of a FIXED column of width 1. */
static int read_one(struct store_reader *r, uint64_t row, void *out, size_t size,
                    struct cbtm_error *e)
{
	const void *data;
	uint64_t n;
	if (store_read_row(r, row, &data, &n, e))
		return e->name;
	memcpy(out, data, size);
	return 0;
}

/* Sets *same if a row of the scores is of document d, by key and split: keys may come twice. */
static int stream_is_at(struct score_stream *one, uint64_t row, const struct evaluation_document *d,
                        bool *same, struct cbtm_error *e)
{
	uint64_t key = 0;
	uint8_t split = 0;
	if (read_one(one->key, row, &key, sizeof key, e) ||
	    read_one(one->split, row, &split, sizeof split, e))
		return e->name;
	*same = key == d->key && split == d->split;
	return 0;
}

static int read_logprobs(const struct held_out *h, struct streams *s, struct arena *a,
                         struct evaluation_document *d, struct cbtm_error *e)
{
	const float **logprob = arena_take(a, h->n_scores * sizeof *logprob, e);
	for (size_t j = 0; logprob && j < h->n_scores; j++) {
		struct score_stream *one = &s->scores[j];
		const void *data;
		uint64_t n;
		bool same;
		float *copy;
		if (stream_is_at(one, s->next, d, &same, e) ||
		    store_read_row(one->logprob, s->next, &data, &n, e))
			return e->name;
		if (!same || n == 0 || (j > 0 && n != d->positions))
			return error_set(e, CBTM_ERR_BAD_DATA, store_path(one->store),
			                 "row %llu is of another document or window than the other scores'",
			                 (unsigned long long)s->next);
		d->positions = (size_t)n;
		copy = arena_take(a, (size_t)n * sizeof *copy, e);
		if (!copy)
			return e->name;
		memcpy(copy, data, (size_t)n * sizeof *copy);
		logprob[j] = copy;
	}
	d->logprob = logprob;
	return e->name;
}

/* Reads row `row` of the part into *d; sets *scored = false if it has no scores. */
static int read_document(const struct held_out *h, struct part *p, struct streams *s, uint64_t row,
                         struct arena *a, struct evaluation_document *d, bool *scored,
                         struct cbtm_error *e)
{
	uint8_t split = 0;
	bool same = false;
	*scored = false;
	*d = (struct evaluation_document){ 0 };
	if (s->next >= s->scores[0].rows || read_one(p->split, row, &split, sizeof split, e) ||
	    (split != SPLIT_VALID && split != SPLIT_TEST) ||
	    read_one(p->key, row, &d->key, sizeof d->key, e))
		return e->name;
	d->split = split;
	if (stream_is_at(&s->scores[0], s->next, d, &same, e) || !same)
		return e->name;
	const uint32_t *ids;
	uint64_t n;
	if (read_logprobs(h, s, a, d, e) || tokens_read(p->ids, row, &ids, &n, e) ||
	    (p->cluster && read_one(p->cluster, row, &d->cluster, sizeof d->cluster, e)))
		return e->name;
	if (d->positions > n + 1)
		return error_set(e, CBTM_ERR_BAD_DATA, store_path(s->scores[0].store),
		                 "row %llu has more scores than the document has tokens",
		                 (unsigned long long)s->next);
	if (d->cluster >= h->n_scores - 1)
		return error_set(e, CBTM_ERR_BAD_DATA, store_path(p->assignments),
		                 "row %llu is in cluster %u, there are %zu experts",
		                 (unsigned long long)row, d->cluster, h->n_scores - 1);
	size_t text = d->positions < n ? d->positions : (size_t)n; /* scored text tokens */
	uint32_t *copy = arena_take(a, (text + 1) * sizeof *copy, e);
	for (size_t t = 0; copy && t < text; t++) {
		if (ids[t] >= h->vocabulary_size)
			return error_set(e, CBTM_ERR_BAD_DATA, store_path(p->tokens),
			                 "token id %u is not in the vocabulary", ids[t]);
		copy[t] = ids[t];
		d->bytes += h->symbol_size[ids[t]];
	}
	d->ids = copy;
	s->next++;
	*scored = true;
	return e->name;
}

int held_out_evaluate(const struct held_out *h, struct evaluation *v, struct cbtm_error *e)
{
	struct streams s = { 0 };
	struct part p = { 0 };
	struct arena *a = NULL;
	struct evaluation_document *batch = mem_zeroed(BATCH, sizeof *batch, "documents", e);
	if (!batch || streams_open(&s, h, e))
		goto done;
	progress_start("mixtures", s.scores[0].rows, "documents");
	for (uint32_t number = 0; number < dataset_parts(h->tokens); number++) {
		if (part_open(&p, h, number, e))
			goto done;
		uint64_t rows = store_row_count(p.tokens, "key");
		for (uint64_t row = 0; row < rows;) {
			size_t n = 0;
			if (signals_check(e) || !(a = arena_new(e)))
				goto done;
			for (; row < rows && n < BATCH; row++) {
				bool scored;
				if (read_document(h, &p, &s, row, a, &batch[n], &scored, e))
					goto done;
				n += scored;
			}
			if (evaluation_add(v, batch, n, e))
				goto done;
			arena_free(a);
			a = NULL;
			progress_set(s.next, NULL);
		}
		part_close(&p);
	}
	if (s.next != s.scores[0].rows)
		error_set(e, CBTM_ERR_BAD_DATA, store_path(s.scores[0].store),
		          "has scores of documents that the tokens do not hold");
done:
	progress_finish();
	part_close(&p);
	streams_close(&s);
	arena_free(a);
	free(batch);
	return e->name;
}

int held_out_shares(const struct held_out *h, size_t k, double *share, struct cbtm_error *e)
{
	struct part p = { 0 };
	double total = 0;
	for (size_t j = 0; j < k; j++)
		share[j] = 0;
	for (uint32_t number = 0; h->assignments && number < dataset_parts(h->tokens); number++) {
		if (part_open(&p, h, number, e))
			goto done;
		uint64_t rows = store_row_count(p.tokens, "key");
		for (uint64_t row = 0; row < rows; row++) {
			const uint32_t *ids;
			uint64_t n;
			uint32_t cluster = 0;
			uint8_t split = 0;
			if (read_one(p.split, row, &split, 1, e))
				goto done;
			if (split != SPLIT_BRANCH)
				continue;
			if (tokens_read(p.ids, row, &ids, &n, e) ||
			    read_one(p.cluster, row, &cluster, sizeof cluster, e))
				goto done;
			if (cluster < k)
				share[cluster] += (double)n;
			total += (double)n;
		}
		part_close(&p);
	}
	for (size_t j = 0; j < k; j++)
		share[j] = total > 0 ? share[j] / total : 1.0 / (double)k;
done:
	part_close(&p);
	return e->name;
}
