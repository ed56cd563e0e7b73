/* SPDX-License-Identifier: MIT */
#include "tfidf.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define BATCH 1024
#define TASK_SIZE 16

/* Rows of the tf-idf matrix, in the order of the documents. */
struct rows {
	uint64_t *start; /* rows + 1 */
	uint32_t *column;
	float *value;
	size_t rows, entries, start_room, column_room, value_room;
};

struct weighing {
	const struct state *s;
	const struct cbtm_document *document;
	size_t n;
	struct rows *part; /* a task each */
};

static void rows_free(struct rows *r)
{
	host->release(r->value);
	host->release(r->column);
	host->release(r->start);
	*r = (struct rows){ 0 };
}

static int rows_reserve(struct rows *r, size_t rows, size_t entries, struct cbtm_error *e)
{
	if (grow(&r->start, &r->start_room, r->rows ? r->rows + 1 : 0, r->rows + rows + 1,
	         sizeof *r->start, e) ||
	    grow(&r->column, &r->column_room, r->entries, r->entries + entries, sizeof *r->column, e))
		return e->name;
	return grow(&r->value, &r->value_room, r->entries, r->entries + entries, sizeof *r->value, e);
}

/* Appends one document's L2-normalised row. */
static int add_row(struct rows *r, const struct state *s, const struct counts *c,
                   struct cbtm_error *e)
{
	double square = 0;
	if (rows_reserve(r, 1, c->n, e))
		return e->name;
	for (size_t i = 0; i < c->n; i++) {
		double weight = c->count[i] * s->idf[c->word[i]];
		square += weight * weight;
	}
	double norm = sqrt(square);
	r->start[r->rows] = r->entries;
	for (size_t i = 0; i < c->n; i++) {
		r->column[r->entries] = c->word[i];
		r->value[r->entries++] = (float)(c->count[i] * s->idf[c->word[i]] / norm);
	}
	r->start[++r->rows] = r->entries;
	return 0;
}

static int weigh_task(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct weighing *w = arg;
	struct counts c = { 0 };
	size_t to = (task + 1) * TASK_SIZE < w->n ? (task + 1) * TASK_SIZE : w->n;
	(void)thread;
	for (size_t i = task * TASK_SIZE; i < to && !e->name; i++)
		if (!counts_make(&c, &w->s->words, w->document[i].text, w->document[i].text_size, e))
			add_row(&w->part[task], w->s, &c, e);
	counts_free(&c);
	return e->name;
}

static int append(struct rows *r, const struct rows *part, struct cbtm_error *e)
{
	if (rows_reserve(r, part->rows, part->entries, e))
		return e->name;
	if (part->entries) {
		memcpy(r->column + r->entries, part->column, part->entries * sizeof *part->column);
		memcpy(r->value + r->entries, part->value, part->entries * sizeof *part->value);
	}
	for (size_t i = 0; i < part->rows; i++)
		r->start[r->rows + i] = r->entries + part->start[i];
	r->rows += part->rows;
	r->entries += part->entries;
	r->start[r->rows] = r->entries;
	return 0;
}

static int make_rows(const struct state *s, struct cbtm_documents *sample, struct rows *all,
                     struct cbtm_error *e)
{
	struct rows part[BATCH / TASK_SIZE];
	struct cbtm_document *batch = host->take(BATCH, sizeof *batch, e);
	if (batch && !rows_reserve(all, 0, 0, e))
		all->start[0] = 0;
	for (size_t n = 1; batch && n && !e->name;) {
		if (host->stop_requested() || sample->next(sample->arg, batch, BATCH, &n, e)) {
			host->error(e, CBTM_ERR_STOPPED, NULL, "stopped while weighing words");
			break;
		}
		size_t tasks = (n + TASK_SIZE - 1) / TASK_SIZE;
		struct weighing w = { s, batch, n, part };
		memset(part, 0, sizeof part);
		host->pool_run(host->pool(), tasks, weigh_task, &w, e);
		for (size_t i = 0; i < tasks; i++) {
			if (!e->name)
				append(all, &part[i], e);
			rows_free(&part[i]);
		}
		host->progress(sample->count + all->rows, 2 * sample->count, "documents");
	}
	host->release(batch);
	return e->name;
}

static int find_words(const struct options *o, struct cbtm_documents *sample, struct state *s,
                      struct cbtm_error *e)
{
	struct vocabulary all = { 0 };
	char what[200];
	if (!vocabulary_count(&all, sample, &s->documents, e) &&
	    !vocabulary_select(&all, o, s->documents, &s->words, e) && s->words.words == 0) {
		snprintf(what, sizeof what,
		         "no word is left to embed: %llu documents have %zu different words, min_df, "
		         "max_df and stop words leave none",
		         (unsigned long long)s->documents, all.words);
		host->error(e, CBTM_ERR_EMPTY_CORPUS, "embed", what);
	}
	vocabulary_free(&all);
	return e->name;
}

static int find_directions(const struct options *o, struct cbtm_documents *sample, struct state *s,
                           struct cbtm_error *e)
{
	struct rows rows = { 0 };
	char text[160];
	size_t rank = 0;
	if (make_rows(s, sample, &rows, e))
		goto done;
	struct cbtm_sparse a = { rows.rows, s->words.words, rows.start, rows.column, rows.value };
	if (host->svd(&a, s->dims, o->random_seed, s->v, s->singular, e))
		goto done;
	while (rank < s->dims && s->singular[rank] > 0)
		rank++;
	snprintf(text, sizeof text, "tf-idf: %zu documents x %zu words, %zu entries, rank at least %zu",
	         rows.rows, s->words.words, rows.entries, rank);
	host->log(1, text);
	if (rank < s->dims) {
		snprintf(text, sizeof text, "only %zu of %zu dims carry anything, the others are zero",
		         rank, s->dims);
		host->log(2, text);
	}
done:
	rows_free(&rows);
	return e->name;
}

void *tfidf_fit(const void *options, struct cbtm_documents *sample, struct cbtm_error *e)
{
	const struct options *o = options;
	struct state *s = host->take(1, sizeof *s, e);
	if (!s)
		return NULL;
	*s = (struct state){ .dims = o->dims };
	if (find_words(o, sample, s, e) || sample->rewind(sample->arg, e))
		goto done;
	s->idf = host->take(s->words.words, sizeof *s->idf, e);
	s->v = host->take(s->words.words, s->dims * sizeof *s->v, e);
	s->singular = host->take(s->dims, sizeof *s->singular, e);
	if (e->name)
		goto done;
	for (size_t i = 0; i < s->words.words; i++)
		s->idf[i] = log((1 + (double)s->documents) / (1 + (double)s->words.word[i].df)) + 1;
	find_directions(o, sample, s, e);
done:
	if (e->name) {
		tfidf_free(s);
		return NULL;
	}
	return s;
}

void tfidf_free(void *state)
{
	struct state *s = state;
	if (!s)
		return;
	vocabulary_free(&s->words);
	host->release(s->singular);
	host->release(s->v);
	host->release(s->idf);
	host->release(s);
}

void tfidf_add(const struct state *s, uint32_t word, double weight, double *sum)
{
	const float *row = s->v + (size_t)word * s->dims;
	for (size_t i = 0; i < s->dims; i++)
		sum[i] += weight * row[i];
}

void tfidf_normalise(const double *sum, size_t dims, float *vector)
{
	double square = 0;
	for (size_t i = 0; i < dims; i++)
		square += sum[i] * sum[i];
	for (size_t i = 0; i < dims; i++)
		vector[i] = square > 0 ? (float)(sum[i] / sqrt(square)) : 0;
}
