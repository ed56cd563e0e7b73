/* SPDX-License-Identifier: MIT */
#include "stage/cards.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/signals.h"
#include "math/dense.h"
#include "stage/card_data.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	MOST_PAIRS = 2000000, /* of word and cluster, value and cluster: about 200 MB at most */
	MOST_VALUES = 30,     /* to list of a field */
	LEAST_DOCUMENTS = 3   /* that hold a word, for it to be shown */
};

/* While cards are made. */
struct making {
	const struct cards *c;
	struct card_data data;
	struct card_words *words;
	struct card_fields *fields;
	uint64_t rows, row; /* documents, and how many came already */
	uint8_t *zero;      /* a bit a document */
	double share;       /* of the sample */
	size_t d;
	float *centre; /* k x d */
	struct store *centres;
};

static int open_centres(struct making *m, struct cbtm_error *e)
{
	struct store_column_info info;
	struct store_reader *r = NULL;
	uint64_t k = 0;
	if (dataset_part(m->c->centres, 0, &m->centres, e))
		return e->name;
	if (!store_get_u64(m->centres, "clusters", &k) || !k || k > UINT32_MAX - 1 ||
	    !store_column_find(m->centres, "centre", &info) || info.rows != k)
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(m->centres), "these are no %llu centres",
		                 (unsigned long long)k);
	m->d = info.width;
	m->data.k = (uint32_t)k;
	m->data.centres = m->centres;
	m->centre = mem_aligned(k, m->d * sizeof *m->centre, "centres", e);
	if (m->centre && !store_reader_open(m->centres, "centre", &r, e))
		store_read_rows(r, 0, k, m->centre, e);
	store_reader_close(r);
	return e->name;
}

static int make_room(struct making *m, struct cbtm_error *e)
{
	const struct cards *c = m->c;
	struct card_data *data = &m->data;
	uint32_t k = data->k;
	size_t pairs = 4 * (size_t)k > MOST_PAIRS ? 4 * (size_t)k : MOST_PAIRS;
	if (dataset_rows(c->in.documents, "key", &m->rows, e))
		return e->name;
	m->share = c->options->sample && c->options->sample < m->rows
	               ? (double)c->options->sample / (double)m->rows
	               : 1;
	m->zero = mem_zeroed((size_t)(m->rows / 8 + 1), 1, "zero vectors", e);
	m->words = card_words_new(k, pairs, c->pool, e);
	m->fields = card_fields_new(&c->options->field, k, pairs, e);
	data->total = mem_zeroed((size_t)k + 1, sizeof *data->total, "sizes", e);
	data->quantiles = quantiles_new((size_t)k + 1, card_shares, CARD_SHARES, e);
	data->terms = c->options->terms;
	if (card_margin_make(&data->margin, c->pool, m->centre, k, m->d, e) ||
	    card_shown_make(&data->shown, k, c->options->documents, e) || !c->embed ||
	    !c->embed->features)
		return e->name;
	data->term = mem_zeroed(k, (c->options->terms + 1) * sizeof *data->term, "terms", e);
	data->term_count = mem_zeroed(k, sizeof *data->term_count, "terms", e);
	return e->name;
}

static void free_room(struct making *m)
{
	struct card_data *data = &m->data;
	free(data->term_count), free(data->term);
	card_ranking_free(&data->words);
	card_shown_free(&data->shown);
	card_margin_free(&data->margin);
	quantiles_free(data->quantiles);
	free(data->total);
	card_fields_free(m->fields);
	card_words_free(m->words);
	free(m->zero), free(m->centre);
	store_close(m->centres);
}

/* ---------------------------------------------------------------- the first pass */
static void add_total(struct card_total *t, const struct card_batch *b, size_t i, bool zero)
{
	uint8_t split = b->split[i];
	t->documents[split]++;
	t->tokens[split] += b->tokens[i];
	t->zero += zero;
	if (zero)
		return;
	t->squared += (double)b->distance[i];
	t->distance += sqrt((double)b->distance[i]);
	if (split == SPLIT_SEED || split == SPLIT_BRANCH) {
		t->train++;
		t->train_squared += (double)b->distance[i];
	}
}

/* What is measured on a sample of the documents, chosen by their keys. */
static int add_sampled(struct making *m, const struct card_batch *b, size_t i, bool zero,
                       struct cbtm_error *e)
{
	const char *text;
	size_t n;
	if (m->share < 1 &&
	    random_unit(random_key(m->c->seed, RANDOM_SAMPLE), b->key[i], 0) >= m->share)
		return 0;
	if (card_batch_text(b, i, &text, &n, e) ||
	    card_words_add(m->words, b->cluster[i], text, n, e) || zero)
		return e->name;
	return card_margin_add(&m->data.margin, b->cluster[i], b->vector + i * b->d, b->distance[i], e);
}

static int add_document(struct making *m, const struct card_batch *b, size_t i,
                        struct cbtm_error *e)
{
	struct card_data *data = &m->data;
	uint32_t cluster = b->cluster[i];
	bool zero = dense_is_zero(b->vector + i * b->d, b->d);
	const char *meta;
	size_t n;
	add_total(&data->total[cluster], b, i, zero);
	add_total(&data->total[data->k], b, i, zero);
	if (zero) {
		m->zero[m->row / 8] |= (uint8_t)(1 << m->row % 8);
	} else {
		struct card_document d = { .key = b->key[i],
			                       .row = b->row + i,
			                       .part = b->part,
			                       .split = b->split[i],
			                       .distance = b->distance[i] };
		card_shown_offer(&data->shown, cluster, &d);
		quantiles_add(data->quantiles, cluster, b->distance[i]);
		quantiles_add(data->quantiles, data->k, b->distance[i]);
	}
	m->row++;
	if (m->c->options->field.n &&
	    (card_batch_meta(b, i, &meta, &n, e) || card_fields_add(m->fields, cluster, meta, n, e)))
		return e->name;
	return add_sampled(m, b, i, zero, e);
}

static int add_batch(void *arg, const struct card_batch *b, struct cbtm_error *e)
{
	struct making *m = arg;
	for (size_t i = 0; i < b->n; i++)
		if (add_document(m, b, i, e))
			return e->name;
	progress_set(m->row, NULL);
	return fault_point("cluster.cards", e) ? (int)e->name : signals_check(e);
}

/* ---------------------------------------------------------------- further passes */
static int add_distances(void *arg, uint64_t first, const uint32_t *cluster, const float *distance,
                         size_t n, struct cbtm_error *e)
{
	struct making *m = arg;
	for (size_t i = 0; i < n; i++) {
		if (m->zero[(first + i) / 8] >> (first + i) % 8 & 1)
			continue;
		quantiles_add(m->data.quantiles, cluster[i], distance[i]);
		quantiles_add(m->data.quantiles, m->data.k, distance[i]);
	}
	return signals_check(e);
}

static int gather(struct making *m, struct cbtm_error *e)
{
	const struct cards *c = m->c;
	struct card_data *data = &m->data;
	if (card_rows_each(&c->in, data->k, m->d, add_batch, m, e))
		return e->name;
	quantiles_next(data->quantiles);
	for (int pass = 1; pass < QUANTILE_PASSES; pass++) {
		if (card_distances_each(c->in.assignments, add_distances, m, e))
			return e->name;
		quantiles_next(data->quantiles);
	}
	if (data->term && card_terms_rank(c->embed, c->embedder, m->centre, data->k, m->d,
	                                  c->options->terms, data->term, data->term_count, e))
		return e->name;
	if (card_margin_finish(&data->margin, e) ||
	    card_words_rank(m->words, c->options->terms, LEAST_DOCUMENTS, &data->words, e))
		return e->name;
	return card_shown_read(&data->shown, c->in.documents, e);
}

/* ---------------------------------------------------------------- the rows */
static int put_row(struct store_writer *out, const char *column, struct buffer *json,
                   struct cbtm_error *e)
{
	if (!e->name)
		store_append_row(out, column, json->data, json->n, e);
	buffer_clear(json);
	return e->name;
}

static int put_rows(struct making *m, struct store_writer *out, struct cbtm_error *e)
{
	struct buffer json = { 0 };
	for (uint32_t j = 0; !e->name && j < m->data.k; j++)
		if (!card_data_put(&m->data, j, &json, e))
			put_row(out, "card", &json, e);
	for (size_t i = 0; !e->name && i < m->c->options->field.n; i++)
		if (!card_fields_put(m->fields, i, MOST_VALUES, &json, e))
			put_row(out, "field", &json, e);
	if (!e->name && !card_data_put_summary(&m->data, &json, e))
		put_row(out, "summary", &json, e);
	buffer_free(&json);
	if (!e->name && !store_set_u64(out, "clusters", m->data.k, e))
		store_commit(out, NULL, 0, e);
	return e->name;
}

int cards_make(const struct cards *c, struct store_writer *out, struct cbtm_error *e)
{
	struct making m = { .c = c };
	if (store_rows(out, "summary")) /* a resume behind the only commit */
		return 0;
	if (!open_centres(&m, e) && !make_room(&m, e)) {
		progress_start("cards", m.rows, "documents");
		gather(&m, e);
		progress_finish();
	}
	if (!e->name)
		put_rows(&m, out, e);
	free_room(&m);
	return e->name;
}

int cards_run(struct stage_run *run, const struct card_options *options, uint64_t seed,
              struct cbtm_error *e)
{
	struct cards c = { .in = { stage_input(run, "documents"), stage_input(run, "tokens"),
		                       stage_input(run, "vectors"), stage_input(run, "assignments") },
		               .centres = stage_input(run, "centres"),
		               .options = options,
		               .seed = seed,
		               .pool = run->pool };
	void *embedder = NULL;
	if (stage_load_embedder(run, stage_input(run, "embedder"), &c.embed, &embedder, e))
		return e->name;
	c.embedder = embedder;
	cards_make(&c, run->out, e);
	c.embed->free(embedder);
	return e->name;
}
