/* SPDX-License-Identifier: MIT */
/*
 * How long, with what batches and at what learning rate a model is trained. Experts and dense are
 * matched in tokens: after the branch all k experts together have seen what the dense model saw.
 */
#pragma once
#include "base/error.h"
#include <stdint.h>

enum schedule { SCHEDULE_CONSTANT, SCHEDULE_LINEAR, SCHEDULE_COSINE };
/* How a constant rate ends (Hu et al. 2024, warmup-stable-decay; Haegele et al. 2024 compare both). */
enum cooldown { COOLDOWN_LINEAR, COOLDOWN_ROOT /* 1 - sqrt */ };
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
	double cooldown; /* of a constant rate: a part of the tokens if below 1, else tokens; 0: none */
	enum cooldown shape;
};

/* What one model of it does. */
struct schedule_plan {
	uint64_t steps, batch; /* updates that decide the rate; sequences of each */
	uint64_t cut;          /* the run ends behind so many of them (schedule_cut); 0: behind all */
	double lr;
	uint64_t warmup;
	enum schedule schedule;
	uint64_t cooldown; /* the last so many steps; 0 unless the schedule is constant */
	enum cooldown shape;
};

/* A phase's own numbers: CONFIG if there is a cooldown and the schedule is not constant, or it is
 * longer than the phase. `where` names the section ("branch"). */
int schedule_check(const struct phase *p, const char *where, struct cbtm_error *e);

/*
 * One of k experts (dense, seed: k = 1) on sequences of T tokens. share: its cluster's part of all
 * tokens, 1 / k unless proportional. CONFIG if k does not divide the batch (MATCH_UPDATES, equal)
 * or the tokens are less than half a batch (no tokens at all are no step), or schedule_check says so.
 */
int schedule_plan(const struct phase *p, const char *where, enum match match, enum budget budget,
                  uint64_t k, double share, uint64_t T, struct schedule_plan *plan,
                  struct cbtm_error *e);

/*
 * Ends a plan early, behind `tokens` tokens of T-token sequences (0: leaves it as it is), at the rates that it has as
 * a whole. CONFIG naming `key` if that is more than all of it, or less than half a batch.
 */
int schedule_cut(struct schedule_plan *plan, const char *key, uint64_t tokens, uint64_t T,
                 struct cbtm_error *e);

/* How many updates are made. */
uint64_t schedule_end(const struct schedule_plan *plan);
/* The learning rate of a step, 1 .. steps: up in `warmup` steps, then constant to the cooldown, or
 * falling to nothing behind the last step. */
double schedule_lr(const struct schedule_plan *plan, uint64_t step);
/* The first so many steps are those of every longer run of the same rate: all before the cooldown
 * of a constant one, as far as they are made; 0 where the rate depends on the number of steps. */
uint64_t schedule_stable(const struct schedule_plan *plan);
