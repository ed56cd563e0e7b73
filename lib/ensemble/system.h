/* SPDX-License-Identifier: MIT */
/* One system's datasets -> its results (results.h). */
#pragma once
#include "base/buffer.h"
#include "base/pool.h"
#include "store/dataset.h"
#include <cbtm/embed.h>

struct system_datasets {
	struct dataset *tokens, *vocabulary, *seed, *seed_scores;
	struct dataset *const *scores;  /* k */
	struct dataset *const *experts; /* k: their facts alone are read */
	size_t k;
	/* Only if k > 1: */
	struct dataset *centres, *assignments;
	const struct cbtm_embed *embed;
	const void *embedder;

	struct cbtm_reals temperature;
	struct cbtm_counts top_k;
	uint64_t route_every;
	struct pool *pool;
};

/* Appends the results' JSON to `out`. BAD_DATA if the datasets do not belong together. */
int system_evaluate(const struct system_datasets *in, struct buffer *out, struct cbtm_error *e);
