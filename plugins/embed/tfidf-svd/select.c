/* SPDX-License-Identifier: MIT */
#include "tfidf.h"
#include <stdlib.h>
#include <string.h>

/* A candidate beside its text: qsort has no argument. */
struct choice {
	uint64_t head; /* the first 8 bytes, the first one uppermost: most words differ there */
	const char *text;
	uint64_t tf;
	uint32_t df, number, size;
};

static int compare_text(const void *left, const void *right)
{
	const struct choice *a = left, *b = right;
	if (a->head != b->head)
		return a->head < b->head ? -1 : 1;
	return strcmp(a->text, b->text);
}

static int compare_frequency(const void *left, const void *right)
{
	const struct choice *a = left, *b = right;
	if (a->tf != b->tf)
		return a->tf > b->tf ? -1 : 1;
	return compare_text(left, right);
}

/* Adds the words of an owner, whose vocabulary is given up, to all. */
static int add_owner(struct vocabulary *own, struct vocabulary *all, uint32_t *rank,
                     struct cbtm_error *e)
{
	struct vocabulary given = *own;
	*own = (struct vocabulary){ .words = given.words };
	vocabulary_add_all(all, &given, rank, e);
	for (size_t i = 0; !e->name && i < given.words; i++) {
		struct word *w = &all->word[rank[i]];
		w->df += given.word[i].df;
		w->tf += given.word[i].tf;
	}
	vocabulary_free(&given);
	return e->name;
}

/* The words of all owners as one vocabulary, that of the owner who has most and what the others add;
 * rank[owner][number]: a word's number there. Of the owners' vocabularies only the number of words
 * is left. */
static int merge(struct counted *c, struct vocabulary *all, uint32_t **rank, struct cbtm_error *e)
{
	size_t first = 0;
	for (size_t t = 0; t < c->owners; t++) {
		first = c->own[t].words > c->own[first].words ? t : first;
		rank[t] = host->take(c->own[t].words + 1, sizeof *rank[t], e);
	}
	if (e->name)
		return e->name;
	*all = c->own[first];
	c->own[first] = (struct vocabulary){ .words = all->words };
	for (size_t i = 0; i < all->words; i++)
		rank[first][i] = (uint32_t)i;
	for (size_t t = 0; t < c->owners; t++)
		if (t != first && add_owner(&c->own[t], all, rank[t], e))
			return e->name;
	return 0;
}

/* As scikit-learn: a share of the documents, or, from 1 on (max_df: above 1), their number. */
static bool is_let_in(const struct word *w, const struct options *o, double documents)
{
	double least = o->min_df < 1 ? o->min_df * documents : o->min_df;
	double most = o->max_df <= 1 ? o->max_df * documents : o->max_df;
	return w->df >= least && w->df <= most;
}

struct sorting {
	struct choice *choice;
	size_t start[257]; /* by the first byte */
};

static int sort_task(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct sorting *s = arg;
	size_t n = s->start[task + 1] - s->start[task];
	if (n > 1)
		qsort(s->choice + s->start[task], n, sizeof *s->choice, compare_text);
	return 0;
}

/* Sorts n candidates by their texts: `from` into `to`, a first byte a task. */
static int sort_by_text(const struct choice *from, struct choice *to, size_t n,
                        struct cbtm_error *e)
{
	struct sorting s = { .choice = to };
	size_t place[256];
	for (size_t i = 0; i < n; i++)
		s.start[(from[i].head >> 56) + 1]++;
	for (size_t i = 0; i < 256; i++) {
		s.start[i + 1] += s.start[i];
		place[i] = s.start[i];
	}
	for (size_t i = 0; i < n; i++)
		to[place[from[i].head >> 56]++] = from[i];
	return host->pool_run(host->pool(), 256, sort_task, &s, e);
}

/* Whatever the order of `all` is: the words that are kept, sorted, and where each of all went. */
static int keep(const struct vocabulary *all, const struct options *o, double documents,
                struct vocabulary *kept, uint32_t *went, struct cbtm_error *e)
{
	struct choice *choice = host->take(all->words + 1, sizeof *choice, e), *sorted = NULL;
	size_t n = 0;
	for (size_t i = 0; choice && i < all->words; i++) {
		const struct word *w = &all->word[i];
		went[i] = NO_WORD;
		if (is_let_in(w, o, documents))
			choice[n++] = (struct choice){ __builtin_bswap64(w->head),
				                           all->text + w->offset,
				                           w->tf,
				                           w->df,
				                           (uint32_t)i,
				                           w->size };
	}
	if (choice && o->max_features && n > o->max_features) {
		qsort(choice, n, sizeof *choice, compare_frequency);
		n = o->max_features;
	}
	sorted = choice ? host->take(n + 1, sizeof *sorted, e) : NULL;
	if (!sorted || sort_by_text(choice, sorted, n, e) || vocabulary_reserve(kept, n, e))
		goto done;
	for (size_t i = 0; i < n; i++) {
		uint32_t number = vocabulary_add(kept, sorted[i].text, sorted[i].size, e);
		if (number == NO_WORD)
			break;
		kept->word[number].df = sorted[i].df;
		went[sorted[i].number] = number;
	}
done:
	host->release(sorted);
	host->release(choice);
	return e->name;
}

int select_words(struct counted *c, const struct options *o, struct vocabulary *kept,
                 uint32_t **rank, size_t *different, struct cbtm_error *e)
{
	struct vocabulary all = { 0 };
	uint32_t *went = NULL;
	if (merge(c, &all, rank, e))
		goto done;
	*different = all.words;
	went = host->take(all.words + 1, sizeof *went, e);
	if (!went || keep(&all, o, (double)c->rows, kept, went, e))
		goto done;
	for (size_t t = 0; t < c->owners; t++)
		for (size_t i = 0; i < c->own[t].words; i++)
			rank[t][i] = went[rank[t][i]];
done:
	host->release(went);
	vocabulary_free(&all);
	return e->name;
}
