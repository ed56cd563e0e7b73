/* SPDX-License-Identifier: MIT */
#include "stage/card_data.h"
#include "base/json.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const double card_shares[CARD_SHARES] = { 0, 0.05, 0.25, 0.5, 0.75, 0.95, 1 };
static const char *const share_names[CARD_SHARES] = {
	"min", "p5", "p25", "p50", "p75", "p95", "max"
};

/* Where JSON goes; errors are looked at once, at the end. */
struct out {
	struct buffer *json;
	struct cbtm_error *e;
};

static void put_u64(struct out *o, const char *key, uint64_t v)
{
	json_put_key(o->json, key, o->e);
	json_put_u64(o->json, v, o->e);
}

static void put_f64(struct out *o, const char *key, double v)
{
	json_put_key(o->json, key, o->e);
	json_put_f64(o->json, v, o->e);
}

static void put_text(struct out *o, const char *key, const char *s, size_t n)
{
	json_put_key(o->json, key, o->e);
	json_put_string(o->json, s, n, o->e);
}

static void open(struct out *o, const char *key, char bracket)
{
	if (key)
		json_put_key(o->json, key, o->e);
	json_put_open(o->json, bracket, o->e);
}

static void shut(struct out *o, char bracket)
{
	json_put_close(o->json, bracket, o->e);
}

static double share(double x, double of)
{
	return of > 0 ? x / of : 0;
}

static uint64_t of_train(const uint64_t *count)
{
	return count[SPLIT_SEED] + count[SPLIT_BRANCH];
}

static uint64_t of_all(const uint64_t *count)
{
	uint64_t sum = 0;
	for (int s = 0; s < SPLIT_COUNT; s++)
		sum += count[s];
	return sum;
}

static void put_splits(struct out *o, const char *key, const uint64_t *count)
{
	open(o, key, '{');
	put_u64(o, "all", of_all(count));
	put_u64(o, "train", of_train(count));
	for (int s = 0; s < SPLIT_COUNT; s++)
		put_u64(o, split_names[s], count[s]);
	shut(o, '}');
}

static void put_distances(struct out *o, const struct card_data *d, uint32_t group)
{
	const struct card_total *t = &d->total[group];
	double n = (double)(of_all(t->documents) - t->zero);
	open(o, "distance", '{');
	put_f64(o, "mean", n > 0 ? t->distance / n : NAN);
	put_f64(o, "mean_square", n > 0 ? t->squared / n : NAN);
	for (size_t i = 0; i < CARD_SHARES; i++)
		put_f64(o, share_names[i], sqrt((double)quantiles_get(d->quantiles, group, i)));
	shut(o, '}');
}

static void put_overlap(struct out *o, const struct card_data *d, uint32_t cluster)
{
	const struct card_overlap *x = &d->margin.overlap[cluster];
	double n = (double)x->documents;
	open(o, "overlap", '{');
	put_u64(o, "documents", x->documents);
	put_f64(o, "margin", n > 0 ? x->margin / n : NAN);
	put_f64(o, "nearer_elsewhere", share((double)x->nearer, n));
	open(o, "neighbours", '[');
	for (size_t i = 0; i < d->margin.neighbours; i++) {
		const struct card_neighbour *b = &d->margin.neighbour[cluster * d->margin.neighbours + i];
		open(o, NULL, '{');
		put_u64(o, "cluster", b->cluster);
		put_f64(o, "distance", b->distance);
		put_f64(o, "second", share((double)b->nearest, n));
		shut(o, '}');
	}
	shut(o, ']');
	put_f64(o, "second_elsewhere", share((double)x->elsewhere, n));
	shut(o, '}');
}

static void put_terms(struct out *o, const struct card_data *d, uint32_t cluster)
{
	json_put_key(o->json, "terms", o->e);
	if (!d->term) {
		json_put_null(o->json, o->e);
		return;
	}
	open(o, NULL, '[');
	for (size_t i = 0; i < d->term_count[cluster]; i++) {
		const struct card_term *t = &d->term[cluster * d->terms + i];
		open(o, NULL, '{');
		put_text(o, "term", t->name, strlen(t->name));
		put_f64(o, "weight", t->weight);
		shut(o, '}');
	}
	shut(o, ']');
}

static void put_words(struct out *o, const struct card_data *d, uint32_t cluster)
{
	open(o, "words", '[');
	for (size_t i = 0; i < d->words.words[cluster]; i++) {
		const struct card_word *w = &d->words.word[cluster * d->terms + i];
		open(o, NULL, '{');
		put_text(o, "word", w->word, w->n);
		put_f64(o, "z", w->z);
		put_u64(o, "count", w->count);
		put_u64(o, "rest", w->rest);
		shut(o, '}');
	}
	shut(o, ']');
}

static void put_documents(struct out *o, const char *key, const struct card_document *list,
                          size_t n)
{
	open(o, key, '[');
	for (size_t i = 0; i < n; i++) {
		const struct card_document *x = &list[i];
		char hex[17];
		snprintf(hex, sizeof hex, "%016" PRIx64, x->key);
		open(o, NULL, '{');
		put_text(o, "id", x->id, strlen(x->id));
		put_text(o, "key", hex, 16);
		put_text(o, "split", split_names[x->split], strlen(split_names[x->split]));
		put_f64(o, "distance", sqrt((double)x->distance));
		put_text(o, "text", x->text, strlen(x->text));
		shut(o, '}');
	}
	shut(o, ']');
}

int card_data_put(const struct card_data *d, uint32_t cluster, struct buffer *json,
                  struct cbtm_error *e)
{
	const struct card_total *t = &d->total[cluster], *all = &d->total[d->k];
	const struct card_shown *s = &d->shown;
	struct out o = { json, e };
	open(&o, NULL, '{');
	put_u64(&o, "cluster", cluster);
	put_splits(&o, "documents", t->documents);
	put_splits(&o, "tokens", t->tokens);
	open(&o, "share", '{');
	put_f64(&o, "documents",
	        share((double)of_train(t->documents), (double)of_train(all->documents)));
	put_f64(&o, "tokens", share((double)of_train(t->tokens), (double)of_train(all->tokens)));
	shut(&o, '}');
	put_u64(&o, "zero_vectors", t->zero);
	put_distances(&o, d, cluster);
	put_overlap(&o, d, cluster);
	put_terms(&o, d, cluster);
	put_words(&o, d, cluster);
	put_documents(&o, "nearest", s->nearest + cluster * s->most, s->n[cluster]);
	put_documents(&o, "farthest", s->farthest + cluster * s->most, s->n[cluster]);
	shut(&o, '}');
	return e->name;
}

/* ---------------------------------------------------------------- the whole */
static void put_fact(struct out *o, const struct store *s, const char *name)
{
	const char *json = store_get_json(s, name);
	json_put_key(o->json, name, o->e);
	buffer_text(o->json, json ? json : "null", o->e);
}

static void put_fit(struct out *o, const struct store *s)
{
	static const char *const facts[] = { "plugin",     "capacity",  "fitted", "zero_vectors",
		                                 "iterations", "objective", "gap" };
	open(o, "fit", '{');
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
		put_fact(o, s, facts[i]);
	shut(o, '}');
}

/* The largest cluster over the mean one, of train documents or tokens. */
static double balance_of(const struct card_data *d, bool tokens)
{
	uint64_t most = 0, sum = 0;
	for (uint32_t j = 0; j < d->k; j++) {
		uint64_t n = of_train(tokens ? d->total[j].tokens : d->total[j].documents);
		most = n > most ? n : most;
		sum += n;
	}
	return sum ? (double)most * d->k / (double)sum : NAN;
}

int card_data_put_summary(const struct card_data *d, struct buffer *json, struct cbtm_error *e)
{
	const struct card_total *all = &d->total[d->k];
	struct card_overlap sum = { 0 };
	struct out o = { json, e };
	for (uint32_t j = 0; j < d->k; j++) {
		sum.documents += d->margin.overlap[j].documents;
		sum.nearer += d->margin.overlap[j].nearer;
		sum.margin += d->margin.overlap[j].margin;
	}
	open(&o, NULL, '{');
	put_u64(&o, "clusters", d->k);
	put_splits(&o, "documents", all->documents);
	put_splits(&o, "tokens", all->tokens);
	put_u64(&o, "zero_vectors", all->zero);
	put_fit(&o, d->centres);
	put_f64(&o, "objective", all->train ? all->train_squared / (double)all->train : NAN);
	open(&o, "balance", '{');
	put_f64(&o, "documents", balance_of(d, false));
	put_f64(&o, "tokens", balance_of(d, true));
	shut(&o, '}');
	put_distances(&o, d, d->k);
	put_u64(&o, "sampled", d->words.documents);
	put_f64(&o, "margin", sum.documents ? sum.margin / (double)sum.documents : NAN);
	put_f64(&o, "nearer_elsewhere", share((double)sum.nearer, (double)sum.documents));
	open(&o, "words", '{');
	put_u64(&o, "counted", d->words.total);
	put_u64(&o, "distinct", d->words.distinct);
	put_u64(&o, "undercount", d->words.undercount);
	shut(&o, '}');
	shut(&o, '}');
	return e->name;
}
