/* SPDX-License-Identifier: MIT */
#include "stage/card_words.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "math/log_odds.h"
#include "text/words.h"
#include <stdlib.h>
#include <string.h>

/* Documents that are counted at once, in so many pieces: enough for any pool. */
enum { MOST_DOCUMENTS = 2048, MOST_BYTES = 8 << 20, PIECES = 64 };

struct waiting {
	size_t offset, n;
	uint32_t cluster;
};

struct card_words {
	uint32_t k;
	struct pool *pool;
	struct tally *tally, **own; /* of all; one a thread, of what it counts at a time */
	uint64_t *total;            /* k: all words, dropped ones too */
	uint64_t documents;
	struct buffer text;
	struct waiting *waiting;
	size_t n;
};

struct card_words *card_words_new(uint32_t k, size_t most_pairs, struct pool *pool,
                                  struct cbtm_error *e)
{
	struct card_words *w = mem_zeroed(1, sizeof *w, "word counts", e);
	if (!w)
		return NULL;
	w->k = k;
	w->pool = pool;
	w->tally = tally_new(k, most_pairs, e);
	w->total = mem_zeroed(k, sizeof *w->total, "word counts", e);
	w->own = mem_zeroed(pool_threads(pool), sizeof *w->own, "word counts", e);
	for (unsigned i = 0; w->own && i < pool_threads(pool); i++)
		w->own[i] = tally_new(k, SIZE_MAX, e);
	w->waiting = mem_zeroed(MOST_DOCUMENTS, sizeof *w->waiting, "word counts", e);
	if (!e->name)
		return w;
	card_words_free(w);
	return NULL;
}

void card_words_free(struct card_words *w)
{
	if (!w)
		return;
	for (unsigned i = 0; w->own && i < pool_threads(w->pool); i++)
		tally_free(w->own[i]);
	free(w->own);
	free(w->waiting);
	buffer_free(&w->text);
	free(w->total);
	tally_free(w->tally);
	free(w);
}

/* ---------------------------------------------------------------- counting */
struct counting {
	const struct card_words *w;
	size_t pieces;
	uint64_t *total; /* words of each waiting document */
};
struct document {
	struct tally *tally;
	uint32_t cluster;
	uint64_t number, words;
	struct cbtm_error *e;
};

static int count_word(void *arg, const char *word, size_t n)
{
	struct document *d = arg;
	d->words++;
	return tally_add(d->tally, word, n, d->cluster, d->number, d->e);
}

/* Sums do not depend on which thread counted a piece. */
static int count_piece(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	const struct counting *c = arg;
	const struct card_words *w = c->w;
	size_t to = w->n * (task + 1) / c->pieces;
	for (size_t i = w->n * task / c->pieces; i < to && !e->name; i++) {
		const struct waiting *x = &w->waiting[i];
		struct document d = { w->own[thread], x->cluster, i, 0, e };
		words_each(w->text.data + x->offset, x->n, count_word, &d);
		c->total[i] = d.words;
	}
	return e->name;
}

static int count_waiting(struct card_words *w, struct cbtm_error *e)
{
	struct counting c = { w, w->n < PIECES ? w->n : PIECES, NULL };
	c.total = mem_zeroed(w->n, sizeof *c.total, "word counts", e);
	if (c.total)
		pool_run(w->pool, c.pieces, count_piece, &c, e);
	for (unsigned i = 0; i < pool_threads(w->pool); i++) {
		if (!e->name)
			tally_merge(w->tally, w->own[i], e);
		tally_clear(w->own[i]);
	}
	for (size_t i = 0; !e->name && i < w->n; i++)
		w->total[w->waiting[i].cluster] += c.total[i];
	free(c.total);
	w->documents += w->n;
	w->n = 0;
	buffer_clear(&w->text);
	return e->name ? (int)e->name : tally_prune(w->tally, e);
}

int card_words_add(struct card_words *w, uint32_t cluster, const char *text, size_t n,
                   struct cbtm_error *e)
{
	if (w->n && (w->n == MOST_DOCUMENTS || n > MOST_BYTES || w->text.n > MOST_BYTES - n) &&
	    count_waiting(w, e))
		return e->name;
	w->waiting[w->n++] = (struct waiting){ w->text.n, n, cluster };
	return buffer_add(&w->text, text, n, e);
}

/* ---------------------------------------------------------------- ranking */
static bool goes_before(const struct card_word *a, const struct card_word *b)
{
	size_t n = a->n < b->n ? a->n : b->n;
	int order = memcmp(a->word, b->word, n);
	if (a->z != b->z)
		return a->z > b->z;
	return order ? order < 0 : a->n < b->n;
}

/* Into its place among at most `most`. */
static void insert(struct card_word *list, size_t *n, size_t most, const struct card_word *word)
{
	size_t at = *n;
	while (at > 0 && goes_before(word, &list[at - 1]))
		at--;
	if (at == most)
		return;
	size_t after = (*n < most ? *n : most - 1) - at;
	memmove(list + at + 1, list + at, after * sizeof *list);
	list[at] = *word;
	*n += *n < most;
}

int card_words_rank(struct card_words *w, size_t most, uint64_t least, struct card_ranking *r,
                    struct cbtm_error *e)
{
	struct tally_row *row = NULL;
	size_t rows = 0, room = 0;
	uint64_t all = 0;
	*r = (struct card_ranking){ 0 };
	if (!size_mul(most, sizeof *r->word, &room))
		return error_set(e, CBTM_ERR_MEMORY, NULL, "%zu words a cluster are too many", most);
	r->word = mem_zeroed(w->k, room, "top words", e);
	r->words = mem_zeroed(w->k, sizeof *r->words, "top words", e);
	if (e->name || (w->n && count_waiting(w, e)) || tally_rows(w->tally, &row, &rows, e))
		goto done;
	for (uint32_t j = 0; j < w->k; j++)
		all += w->total[j];
	r->documents = w->documents;
	r->total = all;
	r->distinct = rows;
	r->undercount = tally_undercount(w->tally);
	for (size_t i = 0; most && i < rows; i++)
		for (size_t c = 0; row[i].documents >= least && c < row[i].cells; c++) {
			uint32_t j = row[i].cell[c].group;
			uint64_t y = row[i].cell[c].count, n = w->total[j];
			struct card_word word = { row[i].s, row[i].n, y, row[i].count - y, 0 };
			word.z = log_odds_z(y, n, word.rest, all - n, LOG_ODDS_PRIOR);
			if (word.z > 0)
				insert(r->word + j * most, &r->words[j], most, &word);
		}
done:
	free(row);
	return e->name;
}

void card_ranking_free(struct card_ranking *r)
{
	free(r->words), free(r->word);
	*r = (struct card_ranking){ 0 };
}
