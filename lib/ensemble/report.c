/* SPDX-License-Identifier: MIT */
#include "ensemble/report.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "ensemble/compare.h"
#include "ensemble/report_table.h"
#include "store/dataset.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESAMPLES 2000
#define MOST_PAIRED 4 /* systems that are compared each with each */

/* A row of JSON of a store, appended. */
static int read_row(const struct store *s, const char *column, uint64_t row, struct buffer *json,
                    struct cbtm_error *e)
{
	struct store_reader *r = NULL;
	const void *text;
	uint64_t n;
	if (!store_reader_open(s, column, &r, e) && !store_read_row(r, row, &text, &n, e))
		buffer_add(json, text, (size_t)n, e);
	store_reader_close(r);
	return e->name;
}

static int read_results(const struct store *s, struct buffer *json, struct cbtm_error *e)
{
	return read_row(s, "results", 0, json, e);
}

/* What cards say of the whole: the summary and the fields, without each cluster. */
static int read_cards(const struct store *s, struct buffer *json, struct cbtm_error *e)
{
	buffer_text(json, "{\"summary\":", e);
	read_row(s, "summary", 0, json, e);
	buffer_text(json, ",\"fields\":[", e);
	for (uint64_t i = 0; !e->name && i < store_row_count(s, "field"); i++) {
		buffer_text(json, i ? "," : "", e);
		read_row(s, "field", i, json, e);
	}
	return buffer_text(json, "]}", e);
}

typedef int read_store(const struct store *s, struct buffer *json, struct cbtm_error *e);

/* The JSON of a dataset of one part; an empty object if dir is NULL. The parser keeps it alive. */
static int load(const char *dir, const char *kind, read_store *read, struct json_parser *parser,
                struct json *root, struct cbtm_error *e)
{
	struct buffer json = { 0 };
	struct dataset *d = NULL;
	struct store *s = NULL;
	if (!dir)
		buffer_text(&json, "{}", e);
	else if (!dataset_open(dir, store_kind_find(kind), &d, e) && !dataset_part(d, 0, &s, e))
		read(s, &json, e);
	if (!e->name)
		json_parse(parser, json.data, json.n, dir ? dir : kind, root, e);
	store_close(s);
	dataset_close(d);
	buffer_free(&json);
	return e->name;
}

static int load_system(const struct report_system *system, struct json_parser *const parser[2],
                       struct report_view *view, struct cbtm_error *e)
{
	view->name = system->name;
	if (load(system->results_dir, "results", read_results, parser[0], &view->root, e))
		return e->name;
	if (!system->cards_dir)
		return 0;
	return load(system->cards_dir, "cards", read_cards, parser[1], &view->cards, e);
}

/* One system's test documents, sorted by key, for pairing. */
struct documents {
	struct document {
		uint64_t key, tokens;
		double nll;
		size_t row; /* in the order of the results */
	} * v;
	size_t n;
};

static int by_key(const void *a, const void *b)
{
	const struct document *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static int documents_read(const struct report_view *view, struct documents *out,
                          struct cbtm_error *e)
{
	struct json list, item, member;
	size_t cursor = 0;
	if (!view_is_evaluated(view))
		return 0;
	if (!json_member(view->root, "test_documents", &list))
		return error_set(e, CBTM_ERR_BAD_DATA, view->name, "results without test_documents");
	out->v = mem_zeroed(json_count(list), sizeof *out->v, "results", e);
	if (!out->v)
		return e->name;
	while (json_next(list, &cursor, NULL, NULL, &item)) {
		struct document *d = out->v + out->n;
		const char *hex;
		size_t n;
		char key[17] = "";
		if (!json_member(item, "key", &member) || !json_string(member, &hex, &n) || n != 16 ||
		    !json_member(item, "tokens", &member) || !json_u64(member, &d->tokens) ||
		    !json_member(item, "nll", &member) || !json_f64(member, &d->nll))
			return error_set(e, CBTM_ERR_BAD_DATA, view->name, "a test document is malformed");
		memcpy(key, hex, 16);
		d->key = strtoull(key, NULL, 16);
		d->row = out->n++;
	}
	qsort(out->v, out->n, sizeof *out->v, by_key);
	return 0;
}

/* Of the documents that both have; c->documents = 0 if there is none. */
static int compare(const struct documents *a, const struct documents *b, struct comparison *c,
                   struct cbtm_error *e)
{
	size_t n = a->n < b->n ? a->n : b->n, m = 0;
	double *nll_a = mem_zeroed(n, sizeof *nll_a, "comparison", e);
	double *nll_b = mem_zeroed(n, sizeof *nll_b, "comparison", e);
	uint64_t *tokens = mem_zeroed(n, sizeof *tokens, "comparison", e);
	if (nll_a && nll_b && tokens) {
		for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
			const struct document *x = a->v + i, *y = b->v + j;
			if (x->key == y->key && x->tokens == y->tokens) {
				nll_a[m] = x->nll;
				nll_b[m] = y->nll;
				tokens[m++] = x->tokens;
			}
			i += x->key <= y->key;
			j += y->key <= x->key;
		}
		*c = (struct comparison){ 0 };
		if (m > 0)
			compare_paired(nll_a, nll_b, tokens, m, RESAMPLES, c, e);
	}
	free(nll_a);
	free(nll_b);
	free(tokens);
	return e->name;
}

static int put_comparison(struct buffer *json, const struct report_comparison *c,
                          struct cbtm_error *e)
{
	json_put_open(json, '{', e);
	json_put_key(json, "system", e);
	json_put_string(json, c->a, strlen(c->a), e);
	json_put_key(json, "against", e);
	json_put_string(json, c->b, strlen(c->b), e);
	json_put_key(json, "perplexity_ratio", e);
	json_put_f64(json, c->c.ratio, e);
	json_put_key(json, "low", e);
	json_put_f64(json, c->c.low, e);
	json_put_key(json, "high", e);
	json_put_f64(json, c->c.high, e);
	json_put_key(json, "documents", e);
	json_put_u64(json, c->c.documents, e);
	return json_put_close(json, '}', e);
}

/* Figures of the cards that a comparison of systems is about. */
static void put_cards(struct buffer *json, const struct report_view *view, struct cbtm_error *e)
{
	static const char *const summary[] = { "objective", "balance.documents", "balance.tokens",
		                                   "margin" };
	static const char *const measures[] = { "nmi", "purity", "homogeneity", "completeness" };
	static const char *const keys[] = { "objective", "balance_documents", "balance_tokens",
		                                "margin" };
	const char *name;
	size_t n;
	json_put_key(json, "cards", e);
	json_put_open(json, '{', e);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		json_put_key(json, keys[i], e);
		json_put_f64(json, view_summary(view, summary[i]), e);
	}
	json_put_key(json, "fields", e);
	json_put_open(json, '[', e);
	for (size_t f = 0; view_field_name(view, f, &name, &n); f++) {
		char *field = mem_copy(name, n, e);
		json_put_open(json, '{', e);
		json_put_key(json, "field", e);
		json_put_string(json, name, n, e);
		for (size_t i = 0; field && i < sizeof measures / sizeof measures[0]; i++) {
			json_put_key(json, measures[i], e);
			json_put_f64(json, view_field(view, field, measures[i]), e);
		}
		json_put_close(json, '}', e);
		free(field);
	}
	json_put_close(json, ']', e);
	json_put_close(json, '}', e);
}

static int put_systems(struct buffer *json, const struct report_view *views, size_t n,
                       struct cbtm_error *e)
{
	json_put_key(json, "systems", e);
	json_put_open(json, '[', e);
	for (size_t i = 0; i < n; i++) {
		json_put_open(json, '{', e);
		json_put_key(json, "name", e);
		json_put_string(json, views[i].name, strlen(views[i].name), e);
		json_put_key(json, "results", e);
		if (view_is_evaluated(&views[i]))
			json_print(views[i].root, json, e);
		else
			json_put_null(json, e);
		if (views[i].cards.document)
			put_cards(json, &views[i], e);
		json_put_close(json, '}', e);
	}
	return json_put_close(json, ']', e);
}

/* The systems as they were read, and how they compare. */
struct comparing {
	size_t n, n_pairs;
	struct json_parser *(*parsers)[2]; /* of results, of cards */
	struct report_view *views;
	struct documents *documents;
	struct report_comparison *pairs; /* n x n at most */
};

static void comparing_free(struct comparing *c)
{
	for (size_t i = 0; i < c->n; i++) {
		for (int p = 0; c->parsers && p < 2; p++)
			json_parser_free(c->parsers[i][p]);
		if (c->documents)
			free(c->documents[i].v);
	}
	free(c->parsers);
	free(c->views);
	free(c->documents);
	free(c->pairs);
}

static int read_systems(struct comparing *c, const struct report_system *systems, size_t n,
                        struct cbtm_error *e)
{
	size_t pairs;
	if (!size_mul(n, n, &pairs))
		return error_set(e, CBTM_ERR_MEMORY, NULL, "%zu systems are too many", n);
	c->n = n;
	c->parsers = mem_zeroed(n, sizeof *c->parsers, "report", e);
	c->views = mem_zeroed(n, sizeof *c->views, "report", e);
	c->documents = mem_zeroed(n, sizeof *c->documents, "report", e);
	c->pairs = mem_zeroed(pairs, sizeof *c->pairs, "report", e);
	if (!c->parsers || !c->views || !c->documents || !c->pairs)
		return e->name;
	for (size_t i = 0; i < n; i++) {
		c->parsers[i][0] = json_parser_new(e);
		c->parsers[i][1] = json_parser_new(e);
		if (e->name || load_system(&systems[i], c->parsers[i], &c->views[i], e) ||
		    documents_read(&c->views[i], &c->documents[i], e))
			return e->name;
	}
	return 0;
}

static int compare_systems(struct comparing *c, struct cbtm_error *e)
{
	size_t against = c->n <= MOST_PAIRED ? c->n : 1;
	for (size_t b = 0; b < against; b++)
		for (size_t a = b + 1; a < c->n; a++) {
			struct report_comparison *pair = c->pairs + c->n_pairs;
			pair->a = c->views[a].name;
			pair->b = c->views[b].name;
			if (compare(&c->documents[a], &c->documents[b], &pair->c, e))
				return e->name;
			c->n_pairs += pair->c.documents > 0;
		}
	return 0;
}

static int put_report(struct buffer *json, const struct comparing *c, struct cbtm_error *e)
{
	json_put_open(json, '{', e);
	put_systems(json, c->views, c->n, e);
	json_put_key(json, "comparisons", e);
	json_put_open(json, '[', e);
	for (size_t i = 0; i < c->n_pairs; i++)
		put_comparison(json, &c->pairs[i], e);
	json_put_close(json, ']', e);
	json_put_close(json, '}', e);
	return buffer_text(json, "\n", e);
}

int report_make(const struct report_system *systems, size_t n, struct buffer *json,
                struct buffer *table, struct cbtm_error *e)
{
	struct comparing c = { 0 };
	if (!read_systems(&c, systems, n, e) && !compare_systems(&c, e) &&
	    (!json || !put_report(json, &c, e)) && table)
		report_table(c.views, n, c.pairs, c.n_pairs, table, e);
	comparing_free(&c);
	return e->name;
}

int report_write(const struct report_system *systems, size_t n, const char *json_path,
                 struct buffer *table, struct cbtm_error *e)
{
	struct buffer json = { 0 };
	if (!report_make(systems, n, &json, table, e))
		file_replace(json_path, json.data, json.n, e);
	buffer_free(&json);
	return e->name;
}
