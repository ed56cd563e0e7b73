/* SPDX-License-Identifier: MIT */
/*
 * The results of one system as JSON: every mixture on valid and test, the temperature that valid
 * chose for each top-k, the matrix of experts on clusters, each test document's loss. The keys
 * are documented in doc/results.md.
 */
#pragma once
#include "base/buffer.h"
#include "ensemble/plan.h"

/* What training saw, from a checkpoint's facts. */
struct results_model {
	uint64_t tokens, steps, parameters;
	double passes; /* passes over its documents; negative: not known */
};

struct results_facts {
	size_t k;
	struct results_model seed;
	const struct results_model *experts; /* k */
	const double *share;                 /* k */
	const char *window;                  /* "truncate" or "stride" */
	uint64_t length, route_every;
};

/* Appends one JSON object to `out`. */
int results_write(const struct mixture_plan *plan, const struct evaluation *v,
                  const struct results_facts *facts, struct buffer *out, struct cbtm_error *e);
