/* SPDX-License-Identifier: MIT */
/*
 * How long, with what batches and at what learning rate a model is trained. Experts and dense are
 * matched in tokens: after the branch all k experts together have seen what the dense model saw.
 */
#pragma once
#include "base/error.h"
#include <stdint.h>

enum schedule { SCHEDULE_CONSTANT, SCHEDULE_LINEAR, SCHEDULE_COSINE };
enum match {
	MATCH_UPDATES, /* as many updates as the dense model, of batch / k sequences (the paper) */
	MATCH_BATCH    /* the same batch, 1 / k of the updates */
};
enum budget {
	BUDGET_EQUAL,       /* each expert tokens / k (the paper) */
	BUDGET_PROPORTIONAL /* each expert its cluster's share of the tokens */
};

/* What a phase (seed, branch) is to be, as the user gives it. */
struct phase {
	uint64_t tokens; /* of all experts together */
	uint64_t batch;  /* sequences of a batch of the dense model */
	double lr;       /* the highest learning rate */
	uint64_t warmup; /* steps of linear rise */
	enum schedule schedule;
};

/* What one model of it does. */
struct schedule_plan {
	uint64_t steps, batch; /* updates; sequences of each */
	double lr;
	uint64_t warmup;
	enum schedule schedule;
};

/*
 * One of k experts (dense, seed: k = 1) on sequences of T tokens. share: its cluster's part of all
 * tokens, 1 / k unless proportional. CONFIG if k does not divide the batch (MATCH_UPDATES, equal)
 * or the tokens are less than half a batch; `where` names the section ("branch").
 */
int schedule_plan(const struct phase *p, const char *where, enum match match, enum budget budget,
                  uint64_t k, double share, uint64_t T, struct schedule_plan *plan,
                  struct cbtm_error *e);

/* The learning rate of a step, 1 .. steps: up in `warmup` steps, then constant, or falling to
 * nothing behind the last step. */
double schedule_lr(const struct schedule_plan *plan, uint64_t step);
