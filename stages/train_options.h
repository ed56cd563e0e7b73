/* SPDX-License-Identifier: MIT */
/* The keys of train. */
#pragma once
#include "model/config.h"
#include "model/schedule.h"
#include "stage/stage.h"

struct options {
	const char *compute, *import;
	uint64_t import_length;
	int architecture; /* enum architecture */
	uint64_t layers, width, heads, ffn;
	struct moe_config moe;
	double capacity_factor, balance_loss;
	int checkpointing;
	struct phase seed, branch;
	int seed_schedule, branch_schedule, seed_shape, branch_shape, budget, match;
	double beta1, beta2, epsilon, weight_decay, clip, dropout, attention_dropout, embedding_dropout;
	uint64_t random_seed, micro_batch, valid_every, log_every, checkpoint_every, explode_steps;
	double explode_factor;
	int keep_stable, use, keep;
	uint64_t branch_at;
	struct cbtm_counts seed_keep;
};
enum { TASK_SEED = 1, TASK_EXPERT = 2 };

#define FIELD(name) offsetof(struct options, name)
static const struct cbtm_param options[] = {
	{ "compute", CBTM_PARAM_TEXT, FIELD(compute), "cpu", 0, 0, NULL,
	  "compute plugin that runs the models", 0, 0 },
	{ "model.architecture", CBTM_PARAM_CHOICE, FIELD(architecture), "opt", 0, 0, "opt|gpt2",
	  "pre-norm decoder whose feed-forward layers have ReLU (opt) or GELU (gpt2)", 0, TASK_SEED },
	{ "model.layers", CBTM_PARAM_COUNT, FIELD(layers), "3", 1, 1024, NULL, "layers", 0, TASK_SEED },
	{ "model.width", CBTM_PARAM_COUNT, FIELD(width), "64", 1, 65536, NULL,
	  "numbers a token has between layers", 0, TASK_SEED },
	{ "model.heads", CBTM_PARAM_COUNT, FIELD(heads), "2", 1, 1024, NULL,
	  "attention heads of a layer; they divide the width", 0, TASK_SEED },
	{ "model.ffn", CBTM_PARAM_COUNT, FIELD(ffn), "0", 0, 262144, NULL,
	  "width of the feed-forward layer; 0: four times the width", 0, TASK_SEED },
	{ "seed.import", CBTM_PARAM_TEXT, FIELD(import), "", 0, 0, NULL,
	  "folder of the checkpoint that is the seed, instead of training one: Hugging Face's (OPT, "
	  "GPT-2), or one that cbtm import or another pipeline made; the vocabulary must be its own",
	  CBTM_PARAM_PATH, TASK_SEED },
	{ "seed.length", CBTM_PARAM_COUNT, FIELD(import_length), "0", 0, 1 << 20, NULL,
	  "imported: tokens that it is trained on and scored with at once (shard.length); 0: all its "
	  "positions",
	  0, TASK_SEED },
	{ "seed.tokens", CBTM_PARAM_COUNT, FIELD(seed.tokens), "6M", 0, 1e15, NULL,
	  "tokens the seed is trained on; 0: experts and dense begin from scratch", 0, TASK_SEED },
	{ "seed.batch", CBTM_PARAM_COUNT, FIELD(seed.batch), "16", 1, 65536, NULL,
	  "sequences of a step of the seed", 0, TASK_SEED },
	{ "seed.lr", CBTM_PARAM_REAL, FIELD(seed.lr), "3e-3", 1e-12, 10, NULL,
	  "the seed's highest learning rate", 0, TASK_SEED },
	{ "seed.warmup", CBTM_PARAM_COUNT, FIELD(seed.warmup), "100", 0, 1e9, NULL,
	  "steps in which the seed's learning rate rises", 0, TASK_SEED },
	{ "seed.schedule", CBTM_PARAM_CHOICE, FIELD(seed_schedule), "constant", 0, 0,
	  "constant|linear|cosine", "the seed's learning rate after the warm-up", 0, TASK_SEED },
	{ "seed.cooldown", CBTM_PARAM_REAL, FIELD(seed.cooldown), "0", 0, 1e15, NULL,
	  "constant: the last part of the tokens, in which the rate falls; 1 and more: so many tokens",
	  0, TASK_SEED },
	{ "seed.cooldown_shape", CBTM_PARAM_CHOICE, FIELD(seed_shape), "linear", 0, 0, "linear|1-sqrt",
	  "how it falls, of the cooldown that is gone: 1 - gone, or 1 - sqrt(gone)", 0, TASK_SEED },
	{ "seed.keep", CBTM_PARAM_COUNTS, FIELD(seed_keep), "[]", 1, 1e15, NULL,
	  "keep the seed's state behind so many tokens, too: branch.at goes on from there without "
	  "training",
	  CBTM_PARAM_NO_RESULT, TASK_SEED },
	{ "branch.at", CBTM_PARAM_COUNT, FIELD(branch_at), "0", 0, 1e15, NULL,
	  "branch from the seed as it is behind so many of its tokens, at the rates of its whole "
	  "schedule; the rest of it is not trained; 0: its end",
	  0, TASK_SEED },
	{ "branch.tokens", CBTM_PARAM_COUNT, FIELD(branch.tokens), "2M", 1, 1e15, NULL,
	  "tokens that dense, or all experts together, are trained on", 0, TASK_EXPERT },
	{ "branch.batch", CBTM_PARAM_COUNT, FIELD(branch.batch), "32", 1, 65536, NULL,
	  "sequences of a step of dense", 0, TASK_EXPERT },
	{ "branch.lr", CBTM_PARAM_REAL, FIELD(branch.lr), "3e-3", 1e-12, 10, NULL,
	  "the branch's highest learning rate", 0, TASK_EXPERT },
	{ "branch.warmup", CBTM_PARAM_COUNT, FIELD(branch.warmup), "50", 0, 1e9, NULL,
	  "steps in which the branch's learning rate rises", 0, TASK_EXPERT },
	{ "branch.schedule", CBTM_PARAM_CHOICE, FIELD(branch_schedule), "linear", 0, 0,
	  "constant|linear|cosine", "the branch's learning rate after the warm-up", 0, TASK_EXPERT },
	{ "branch.cooldown", CBTM_PARAM_REAL, FIELD(branch.cooldown), "0", 0, 1e15, NULL,
	  "constant: the last part of the tokens, in which the rate falls; 1 and more: so many tokens",
	  0, TASK_EXPERT },
	{ "branch.cooldown_shape", CBTM_PARAM_CHOICE, FIELD(branch_shape), "linear", 0, 0,
	  "linear|1-sqrt", "how it falls, of the cooldown that is gone: 1 - gone, or 1 - sqrt(gone)", 0,
	  TASK_EXPERT },
	{ "branch.budget", CBTM_PARAM_CHOICE, FIELD(budget), "equal", 0, 0, "equal|proportional",
	  "an expert's part of the tokens: 1/k, or its cluster's share", 0, TASK_EXPERT },
	{ "match", CBTM_PARAM_CHOICE, FIELD(match), "updates", 0, 0, "updates|batch",
	  "experts make as many updates as dense, of batch / k; or have its batch, and 1/k of its "
	  "updates",
	  0, TASK_EXPERT },
	{ "moe.experts", CBTM_PARAM_COUNT, FIELD(moe.experts), "0", 0, 1024, NULL,
	  "experts of a mixture (sparse upcycling): feed-forward layers of what is branched become so "
	  "many copies of the seed's, and a router; 0: none",
	  0, TASK_EXPERT },
	{ "moe.every", CBTM_PARAM_COUNT, FIELD(moe.every), "2", 1, 1024, NULL,
	  "of so many layers the last becomes a mixture", 0, TASK_EXPERT },
	{ "moe.top_k", CBTM_PARAM_COUNT, FIELD(moe.top_k), "2", 2, 8, NULL,
	  "experts that a token is sent to", 0, TASK_EXPERT },
	{ "moe.capacity_factor", CBTM_PARAM_REAL, FIELD(capacity_factor), "2", 0, 1e6, NULL,
	  "an expert takes so many times tokens / experts of a micro-batch at most; 0: any number", 0,
	  TASK_EXPERT },
	{ "moe.balance_loss", CBTM_PARAM_REAL, FIELD(balance_loss), "0.01", 0, 1e3, NULL,
	  "weight of the loss by which routers learn to use all experts alike", 0, TASK_EXPERT },
	{ "beta1", CBTM_PARAM_REAL, FIELD(beta1), "0.9", 0, 0.999999, NULL,
	  "AdamW: decay of the gradient's mean", 0, 0 },
	{ "beta2", CBTM_PARAM_REAL, FIELD(beta2), "0.95", 0, 0.9999999, NULL,
	  "AdamW: decay of the gradient's mean square", 0, 0 },
	{ "epsilon", CBTM_PARAM_REAL, FIELD(epsilon), "1e-8", 1e-12, 1, NULL,
	  "AdamW: added to the root of the mean square", 0, 0 },
	{ "weight_decay", CBTM_PARAM_REAL, FIELD(weight_decay), "0.1", 0, 10, NULL,
	  "AdamW: decay of matrices and embeddings, times the learning rate", 0, 0 },
	{ "clip", CBTM_PARAM_REAL, FIELD(clip), "1", 0, 1e9, NULL,
	  "the gradient's largest norm; 0: any", 0, 0 },
	{ "dropout", CBTM_PARAM_REAL, FIELD(dropout), "0", 0, 0.9, NULL,
	  "share of what the branches add that is dropped in training", 0, 0 },
	{ "attention_dropout", CBTM_PARAM_REAL, FIELD(attention_dropout), "-1", -1, 0.9, NULL,
	  "share of attention's probabilities dropped; -1: as dropout", 0, 0 },
	{ "embedding_dropout", CBTM_PARAM_REAL, FIELD(embedding_dropout), "0", 0, 0.9, NULL,
	  "share of the embedding's output dropped (GPT-2 has it, OPT not)", 0, 0 },
	{ "random_seed", CBTM_PARAM_COUNT, FIELD(random_seed), "1", 0, 1e15, NULL,
	  "seed of start values, order and dropout", 0, 0 },
	{ "micro_batch", CBTM_PARAM_COUNT, FIELD(micro_batch), "32", 1, 65536, NULL,
	  "sequences in memory at a time: larger batches are accumulated", 0, 0 },
	{ "activation_checkpointing", CBTM_PARAM_CHOICE, FIELD(checkpointing), "none", 0, 0,
	  "none|layers",
	  "layers: keep their inputs alone and compute the rest again for the gradient; less memory, "
	  "more time, the same result",
	  CBTM_PARAM_NO_RESULT, 0 },
	{ "valid_every", CBTM_PARAM_COUNT, FIELD(valid_every), "100", 0, 1e9, NULL,
	  "steps between two validations; 0: at the end alone", 0, 0 },
	{ "use", CBTM_PARAM_CHOICE, FIELD(use), "last", 0, 0, "last|best",
	  "which parameters are evaluated, branched from and exported: the last, or those of the best "
	  "validation",
	  0, 0 },
	{ "keep", CBTM_PARAM_CHOICE, FIELD(keep), "both", 0, 0, "both|used",
	  "publish both, the last and the best, so that another `use` trains nothing and each can be "
	  "exported; or "
	  "those alone that are used: last ones need no copy of the best in memory then",
	  0, 0 },
	{ "log_every", CBTM_PARAM_COUNT, FIELD(log_every), "10", 1, 1e9, NULL,
	  "steps between two points of the curve", 0, 0 },
	{ "explode_factor", CBTM_PARAM_REAL, FIELD(explode_factor), "2", 0, 1e9, NULL,
	  "stop a model whose loss stays above so many times the median of the last calm ones; 0: "
	  "never",
	  CBTM_PARAM_NO_RESULT, 0 },
	{ "explode_steps", CBTM_PARAM_COUNT, FIELD(explode_steps), "20", 1, 1e9, NULL,
	  "for so many steps in a row", CBTM_PARAM_NO_RESULT, 0 },
	{ "keep_stable", CBTM_PARAM_BOOL, FIELD(keep_stable), "true", 0, 0, NULL,
	  "constant: keep the state before the cooldown, so that a larger budget trains only what is "
	  "more",
	  CBTM_PARAM_NO_RESULT, 0 },
	{ "checkpoint_every", CBTM_PARAM_COUNT, FIELD(checkpoint_every), "60", 0, 1e6, NULL,
	  "seconds between two resume checkpoints; more where they would take over 2 % of the time; 0: "
	  "each step",
	  CBTM_PARAM_NO_RESULT, 0 },
	CBTM_PARAM_END
};
