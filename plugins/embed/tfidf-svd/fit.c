/* SPDX-License-Identifier: MIT */
#include "tfidf.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROWS 64 /* of one task */

/* The tf-idf matrix, made of the counts. */
struct weighing {
	const struct counted *counted;
	uint32_t *const *rank;
	const struct state *s;
	uint64_t *start; /* rows + 1 */
	uint32_t *column;
	float *value;
};

/* start[row + 1]: how many known words the row has. */
static int measure_task(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct weighing *w = arg;
	const struct counted *c = w->counted;
	size_t to = (task + 1) * ROWS < c->rows ? (task + 1) * ROWS : c->rows;
	for (size_t r = task * ROWS; r < to; r++) {
		const uint32_t *rank = w->rank[c->owner[r]];
		uint64_t known = 0;
		for (uint64_t i = c->start[r]; i < c->start[r + 1]; i++)
			known += rank[c->word[i]] != NO_WORD;
		w->start[r + 1] = known;
	}
	return 0;
}

/* One L2-normalised row, its words ascending. key, scratch: room for the row. */
static void weigh_row(const struct weighing *w, size_t row, uint64_t *key, uint64_t *scratch)
{
	const struct counted *c = w->counted;
	const uint32_t *rank = w->rank[c->owner[row]];
	size_t n = 0;
	double square = 0;
	for (uint64_t i = c->start[row]; i < c->start[row + 1]; i++)
		if (rank[c->word[i]] != NO_WORD)
			key[n++] = (uint64_t)rank[c->word[i]] << 32 | c->count[i];
	sort_keys(key, scratch, n, w->s->words.words);
	for (size_t i = 0; i < n; i++) {
		double weight = (double)(uint32_t)key[i] * w->s->idf[key[i] >> 32];
		square += weight * weight;
	}
	double norm = sqrt(square);
	for (size_t i = 0; i < n; i++) {
		w->column[w->start[row] + i] = (uint32_t)(key[i] >> 32);
		w->value[w->start[row] + i] =
			(float)((double)(uint32_t)key[i] * w->s->idf[key[i] >> 32] / norm);
	}
}

static int weigh_task(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)thread;
	const struct weighing *w = arg;
	size_t rows = w->counted->rows, longest = 0;
	size_t to = (task + 1) * ROWS < rows ? (task + 1) * ROWS : rows;
	for (size_t r = task * ROWS; r < to; r++) {
		size_t n = (size_t)(w->start[r + 1] - w->start[r]);
		longest = n > longest ? n : longest;
	}
	uint64_t *key = host->take(2 * longest, sizeof *key, e);
	for (size_t r = task * ROWS; key && r < to; r++)
		weigh_row(w, r, key, key + longest);
	host->release(key);
	return e->name;
}

static int make_rows(const struct counted *c, uint32_t *const *rank, const struct state *s,
                     struct weighing *w, struct cbtm_error *e)
{
	size_t tasks = (c->rows + ROWS - 1) / ROWS;
	*w = (struct weighing){ c, rank, s, host->take(c->rows + 1, sizeof *w->start, e), NULL, NULL };
	if (!w->start || host->pool_run(host->pool(), tasks, measure_task, w, e))
		return e->name;
	w->start[0] = 0;
	for (size_t r = 0; r < c->rows; r++)
		w->start[r + 1] += w->start[r];
	w->column = host->take(w->start[c->rows], sizeof *w->column, e);
	w->value = host->take(w->start[c->rows], sizeof *w->value, e);
	return e->name ? (int)e->name : host->pool_run(host->pool(), tasks, weigh_task, w, e);
}

/* The words with their idf, and the rows of the matrix. */
static int make_matrix(const struct options *o, struct cbtm_documents *sample, struct state *s,
                       struct weighing *w, struct cbtm_error *e)
{
	struct counted c = { 0 };
	uint32_t **rank = NULL;
	size_t different = 0;
	char what[200];
	if (count_documents(&c, sample, e))
		goto done;
	rank = host->take(c.owners, sizeof *rank, e);
	if (!rank)
		goto done;
	memset(rank, 0, c.owners * sizeof *rank);
	if (select_words(&c, o, &s->words, rank, &different, e))
		goto done;
	s->documents = c.rows;
	if (s->words.words == 0) {
		snprintf(what, sizeof what,
		         "no word is left to embed: %llu documents have %zu different words, min_df, "
		         "max_df and stop words leave none",
		         (unsigned long long)s->documents, different);
		host->error(e, CBTM_ERR_EMPTY_CORPUS, "embed", what);
		goto done;
	}
	s->idf = host->take(s->words.words, sizeof *s->idf, e);
	for (size_t i = 0; s->idf && i < s->words.words; i++)
		s->idf[i] = log((1 + (double)s->documents) / (1 + (double)s->words.word[i].df)) + 1;
	if (s->idf)
		make_rows(&c, rank, s, w, e);
done:
	for (size_t i = 0; rank && i < c.owners; i++)
		host->release(rank[i]);
	host->release(rank);
	counted_free(&c);
	return e->name;
}

static int find_directions(const struct options *o, const struct weighing *w, struct state *s,
                           struct cbtm_error *e)
{
	char text[160];
	size_t rank = 0, rows = s->documents;
	struct cbtm_sparse a = { rows, s->words.words, w->start, w->column, w->value };
	s->v = host->take(s->words.words, s->dims * sizeof *s->v, e);
	s->singular = host->take(s->dims, sizeof *s->singular, e);
	if (e->name || host->svd(&a, s->dims, o->random_seed, s->v, s->singular, e))
		return e->name;
	while (rank < s->dims && s->singular[rank] > 0)
		rank++;
	snprintf(text, sizeof text,
	         "tf-idf: %zu documents x %zu words, %llu entries, rank at least %zu", rows,
	         s->words.words, (unsigned long long)w->start[rows], rank);
	host->log(1, text);
	if (rank < s->dims) {
		snprintf(text, sizeof text, "only %zu of %zu dims carry anything, the others are zero",
		         rank, s->dims);
		host->log(2, text);
	}
	return 0;
}

void *tfidf_fit(const void *options, struct cbtm_documents *sample, struct cbtm_error *e)
{
	const struct options *o = options;
	struct weighing rows = { 0 };
	struct state *s = host->take(1, sizeof *s, e);
	if (!s)
		return NULL;
	*s = (struct state){ .dims = o->dims };
	if (!make_matrix(o, sample, s, &rows, e))
		find_directions(o, &rows, s, e);
	host->release(rows.value);
	host->release(rows.column);
	host->release(rows.start);
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

void tfidf_normalise(const double *sum, size_t dims, float *vector)
{
	double square = 0;
	for (size_t i = 0; i < dims; i++)
		square += sum[i] * sum[i];
	for (size_t i = 0; i < dims; i++)
		vector[i] = square > 0 ? (float)(sum[i] / sqrt(square)) : 0;
}
