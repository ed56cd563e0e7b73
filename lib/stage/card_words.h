/* SPDX-License-Identifier: MIT */
/*
 * Words that set each cluster's documents apart from all others: counted with the paper's word
 * analyser, ranked by log-odds (math/log_odds.h).
 */
#pragma once
#include "base/pool.h"
#include "text/tally.h"

struct card_words;
/* Counts of at most so many pairs of word and cluster are kept (text/tally.h). */
struct card_words *card_words_new(uint32_t k, size_t most_pairs, struct pool *pool,
                                  struct cbtm_error *e);
void card_words_free(struct card_words *w); /* NULL is fine */
/* A document's text (copied). Counted later, some documents at once; the order of the calls alone
 * decides which. */
int card_words_add(struct card_words *w, uint32_t cluster, const char *text, size_t n,
                   struct cbtm_error *e);

struct card_word {
	const char *word;
	size_t n;
	uint64_t count, rest; /* in the cluster, in all others */
	double z;
};
struct card_ranking {
	struct card_word *word; /* k x most: a cluster's words, largest z first, then by bytes */
	size_t *words;          /* k */
	uint64_t documents, total, distinct, undercount; /* counted; distinct: words kept */
};
/*
 * The `most` words of largest z > 0 of each cluster, of those found in at least `least` documents.
 * *r is freed with card_ranking_free, before w.
 */
int card_words_rank(struct card_words *w, size_t most, uint64_t least, struct card_ranking *r,
                    struct cbtm_error *e);
void card_ranking_free(struct card_ranking *r);
