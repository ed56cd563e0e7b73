/* SPDX-License-Identifier: MIT */
/*
 * Trains one model, the seed or an expert, from a dataset of sequences to a checkpoint. The result
 * is a function of the task alone: not of threads, of when it was stopped, or how often.
 */
#pragma once
#include "base/digest.h"
#include "base/error.h"
#include "model/config.h"
#include "model/schedule.h"
#include "store/dataset.h"
#include <cbtm/compute.h>
#include <stdbool.h>

struct training {
	const char *title; /* "seed", "expert 3": for progress and log */
	const struct cbtm_compute *compute;
	const void *compute_options; /* NULL: the defaults */
	struct model_config config;
	uint64_t length; /* T, tokens of a sequence; at most the config's positions */
	struct schedule_plan plan;
	double beta1, beta2, epsilon, weight_decay, clip;
	double dropout, attention_dropout, embedding_dropout; /* rates; see <cbtm/compute.h> */
	uint64_t random_seed;                                 /* of start values, shuffles, dropout */
	uint64_t micro_batch; /* sequences at a time; a larger batch is accumulated */
	uint64_t log_every;   /* steps from one point of the curve to the next */
	uint64_t valid_every; /* steps from one validation to the next; 0: at the end alone */
	uint64_t
		checkpoint_every;  /* seconds from one resume checkpoint to the next, or more (pace.h) */
	double explode_factor; /* see model/watch.h; 0: a loss may be as high as it is */
	uint64_t explode_steps;
	double capacity_factor, balance_loss; /* of mixtures: <cbtm/compute.h> */
	bool checkpointing;                   /* see emit.h; changes no result */
	bool use_best;    /* publish the parameters of the best validation instead of the last ones */
	bool keep_both;   /* and the others of the two beside them */
	bool keep_stable; /* keep DIR/stable-...: what a longer run of a constant rate goes on from */
	const struct cbtm_counts
		*keep_tokens; /* keep the states behind so many tokens, too; may be NULL */
	struct dataset *sequences;
	struct dataset *start; /* the checkpoint to branch from, a mixture from a dense one by sparse
	                          upcycling (upcycle.h); NULL: fresh parameters */
	struct store_writer *out;
	const char *dir; /* resume checkpoints lie here */
	struct digest fingerprint;
};

/*
 * Fills what an expert inherits: config and length from the checkpoint `start`; and, from `sequences`, the
 * number of clusters, this cluster's tokens, all clusters' tokens. BAD_DATA if the sequences have
 * another vocabulary or length than the checkpoint.
 */
int training_branch(struct training *t, uint64_t *clusters, uint64_t *tokens, uint64_t *tokens_all,
                    struct cbtm_error *e);

/*
 * Takes the result over where a run beside this one has it (model/sibling.h). Else trains, from the
 * beginning, from a resume checkpoint, or from where a shorter run of the same constant rate was, and
 * writes parameters, curves and facts to `out`, committed; removes the resume checkpoints. CONFIG if
 * the folder has a resume checkpoint of other settings; STOPPED with a resume checkpoint when a stop
 * is requested; NOT_FINITE or DIVERGED (the last resume checkpoint is kept) if the loss or the gradient
 * is not finite, or the loss explodes; BAD_DATA if ids do not fit the model.
 */
int training_run(const struct training *t, struct cbtm_error *e);
