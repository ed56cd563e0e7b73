/* SPDX-License-Identifier: MIT */
/*
 * The results of one system as JSON: every mixture on valid and test, the temperature that valid
 * chose for each top-k, the matrix of experts on clusters, each document's loss. The keys are
 * documented in doc/results.md.
 */
#pragma once
#include "base/buffer.h"
#include "ensemble/evaluation.h"

/* Which mixtures a system is evaluated under. */
struct results_plan {
	struct mixture *mixtures; /* 0: the seed; 1..k: the experts; then those that mix (k > 1) */
	size_t n;
};
/* temperatures and top_ks as asked for; "all experts" is always added. Free with results_plan_free. */
int results_plan_make(size_t k, const double *temperatures, size_t n_temperatures,
                      const uint64_t *top_ks, size_t n_top_ks, struct results_plan *plan,
                      struct cbtm_error *e);
void results_plan_free(struct results_plan *plan);

/* What training saw, from the checkpoints' facts. */
struct results_model {
	uint64_t tokens, steps, parameters, documents;
	double repeats; /* how often its documents were seen */
};
struct results_facts {
	size_t k;
	struct results_model seed;
	const struct results_model *experts; /* k */
};

/* Index of the mixture with the smallest loss on valid among those of this mode and top_k (mode
 * CONTEXT; top_k 0 = all); SIZE_MAX if there is none. Ties: the earlier one. */
size_t results_choose(const struct results_plan *plan, const struct evaluation *v,
                      enum mixture_mode mode, size_t top_k);
/* The system's own answer, chosen on valid: the best context mixture; k = 1: its one expert. */
size_t results_answer(const struct results_plan *plan, const struct evaluation *v, size_t k);

int results_write(const struct results_plan *plan, const struct evaluation *v,
                  const struct results_facts *facts, struct buffer *out, struct cbtm_error *e);
