/* SPDX-License-Identifier: MIT */
/* Everything that cards say, gathered by cards.c and written as JSON by card_data.c. */
#pragma once
#include "math/quantile.h"
#include "stage/card_fields.h"
#include "stage/card_margin.h"
#include "stage/card_shown.h"
#include "stage/card_terms.h"
#include "stage/card_words.h"
#include "store/split.h"

enum { CARD_SHARES = 7 };
extern const double card_shares[CARD_SHARES]; /* of the quantiles of distances */

/* A cluster's totals, or those of all. */
struct card_total {
	uint64_t documents[SPLIT_COUNT], tokens[SPLIT_COUNT];
	uint64_t zero;            /* documents of zero vectors; they have no distance */
	double squared, distance; /* sums over the others */
	double train_squared;     /* over train documents */
	uint64_t train;           /* how many those are */
};

struct card_data {
	uint32_t k;
	const struct store *centres; /* facts of the fit */
	struct card_total *total;    /* k + 1: all of them last */
	struct quantiles *quantiles; /* k + 1 groups */
	struct card_margin margin;
	struct card_shown shown;
	struct card_ranking words;
	size_t terms;           /* room a cluster, of terms and words */
	struct card_term *term; /* k x terms; NULL: the embedding's features have no names */
	size_t *term_count;     /* k */
};
/* A cluster's card, and the summary, appended as JSON. */
int card_data_put(const struct card_data *d, uint32_t cluster, struct buffer *json,
                  struct cbtm_error *e);
int card_data_put_summary(const struct card_data *d, struct buffer *json, struct cbtm_error *e);
