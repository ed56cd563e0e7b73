/* SPDX-License-Identifier: MIT */
/*
 * What a training run writes to log.jsonl (doc/training.md names every member): a "step" for each
 * point of the curve, a "valid" for each validation, a "save" for each resume checkpoint. After a
 * kill the steps that are trained again are not said again: the log has each once.
 */
#pragma once
#include "base/digest.h"
#include "model/config.h"
#include "model/expert_load.h"
#include "model/history.h"

struct journal {
	const char *task;               /* "expert 3" */
	char run[17];                   /* the first digits of the task's fingerprint */
	double flops;                   /* floating-point operations a token */
	uint64_t said_step, said_valid; /* what the log has already */
	uint64_t step;                  /* of the last point, or where this process began */
	double time, resting; /* when that was; seconds since then in which nothing was trained */
};

/*
 * Floating-point operations that training on a token takes: 6 N + 12 L T d (Chowdhery et al. 2022,
 * PaLM, appendix B): forward and backward products of the N parameters that work on it (of a
 * mixture's experts those of its choices) without the positions, and of attention over T tokens, not halved for its being causal. What is computed again to save
 * memory does not count.
 */
double journal_flops(const struct model_config *c, uint64_t T);

/* `step`: where the run begins, 0 unless it goes on. The title is the caller's. */
void journal_start(struct journal *j, const char *task, struct digest fingerprint, double flops,
                   uint64_t step);
/* `load`: of the step's mixtures, if there are some. `tokens`: of one step. The rate is that since the last point, without what journal_rest was told. */
int journal_step(struct journal *j, const struct curve_point *p, const struct expert_load *load,
                 uint64_t tokens, struct cbtm_error *e);
int journal_valid(struct journal *j, const struct valid_point *p, double seconds,
                  struct cbtm_error *e);
struct journal_saved {
	uint64_t step, bytes;
	double seconds; /* until it was on the disk */
	double waited;  /* of them those in which nothing was trained */
	double share;   /* of this process's time in which training waited for checkpoints, so far */
};
int journal_save(struct journal *j, const struct journal_saved *s, struct cbtm_error *e);
/* The seconds are no training: of a validation or a checkpoint. */
void journal_rest(struct journal *j, double seconds);
