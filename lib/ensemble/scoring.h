/* SPDX-License-Identifier: MIT */
/*
 * Scoring: log-probabilities of held-out documents' tokens by one model, into a store of kind
 * "scores". A document is read as BOS text EOD, BOS being the checkpoint's, once, or EOD where it has
 * none; its text tokens and the EOD are scored.
 */
#pragma once
#include "model/model.h"
#include "store/dataset.h"

enum scoring_window {
	SCORING_TRUNCATE, /* the first T tokens of a document (the paper) */
	SCORING_STRIDE    /* all of it, in windows of T that advance by T / 2 */
};

struct scoring {
	struct model *model;
	struct dataset *tokens;
	enum scoring_window window;
	uint64_t documents; /* the first so many of each split; 0: all */
};

/* How many documents will be scored: for progress. BAD_DATA if the tokens are of another
 * vocabulary than the model. */
int scoring_count(const struct scoring *s, uint64_t *documents, struct cbtm_error *e);

/* Goes on behind the writer's cursor, commits as it goes, calls progress_set with documents done.
 * BAD_DATA as above; EMPTY_CORPUS if nothing is held out. */
int scoring_run(const struct scoring *s, struct store_writer *out, struct cbtm_error *e);
