/* SPDX-License-Identifier: MIT */
/*
 * train: the seed from its sequences, then for each cluster an expert that branches from it. A
 * dense model is the one expert of one cluster.
 */
#include "base/error.h"
#include "model/checkpoint.h"
#include "model/training.h"
#include "stage/stage.h"
#include <stdio.h>

struct options {
	const char *compute;
	int architecture; /* enum architecture */
	uint64_t layers, width, heads, ffn;
	struct phase seed, branch;
	int seed_schedule, branch_schedule, budget, match;
	double beta1, beta2, epsilon, weight_decay, clip, dropout;
	uint64_t random_seed, micro_batch, valid_every, log_every, checkpoint_every;
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
	{ "seed.tokens", CBTM_PARAM_COUNT, FIELD(seed.tokens), "6M", 1, 1e15, NULL,
	  "tokens the seed is trained on", 0, TASK_SEED },
	{ "seed.batch", CBTM_PARAM_COUNT, FIELD(seed.batch), "16", 1, 65536, NULL,
	  "sequences of a step of the seed", 0, TASK_SEED },
	{ "seed.lr", CBTM_PARAM_REAL, FIELD(seed.lr), "3e-3", 1e-12, 10, NULL,
	  "the seed's highest learning rate", 0, TASK_SEED },
	{ "seed.warmup", CBTM_PARAM_COUNT, FIELD(seed.warmup), "100", 0, 1e9, NULL,
	  "steps in which the seed's learning rate rises", 0, TASK_SEED },
	{ "seed.schedule", CBTM_PARAM_CHOICE, FIELD(seed_schedule), "constant", 0, 0,
	  "constant|linear|cosine", "the seed's learning rate after the warm-up", 0, TASK_SEED },
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
	{ "branch.budget", CBTM_PARAM_CHOICE, FIELD(budget), "equal", 0, 0, "equal|proportional",
	  "an expert's part of the tokens: 1/k, or its cluster's share", 0, TASK_EXPERT },
	{ "match", CBTM_PARAM_CHOICE, FIELD(match), "updates", 0, 0, "updates|batch",
	  "experts make as many updates as dense, of batch / k; or have its batch, and 1/k of its "
	  "updates",
	  0, TASK_EXPERT },
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
	  "share of activations dropped in training", 0, 0 },
	{ "random_seed", CBTM_PARAM_COUNT, FIELD(random_seed), "1", 0, 1e15, NULL,
	  "seed of start values, order and dropout", 0, 0 },
	{ "micro_batch", CBTM_PARAM_COUNT, FIELD(micro_batch), "32", 1, 65536, NULL,
	  "sequences in memory at a time: larger batches are accumulated", 0, 0 },
	{ "valid_every", CBTM_PARAM_COUNT, FIELD(valid_every), "100", 0, 1e9, NULL,
	  "steps between two validations; 0: at the end alone", 0, 0 },
	{ "log_every", CBTM_PARAM_COUNT, FIELD(log_every), "10", 1, 1e9, NULL,
	  "steps between two points of the curve", 0, 0 },
	{ "checkpoint_every", CBTM_PARAM_COUNT, FIELD(checkpoint_every), "60", 0, 1e6, NULL,
	  "seconds between two resume checkpoints", CBTM_PARAM_NO_RESULT, 0 },
	CBTM_PARAM_END
};

/* What both tasks have in common. */
static struct training training_of(struct stage_run *run, const char *title, const char *sequences)
{
	const struct options *o = run->options;
	return (struct training){ .title = title,
		                      .compute = run->plugin,
		                      .compute_options = run->plugin_options,
		                      .beta1 = o->beta1,
		                      .beta2 = o->beta2,
		                      .epsilon = o->epsilon,
		                      .weight_decay = o->weight_decay,
		                      .clip = o->clip,
		                      .dropout = o->dropout,
		                      .random_seed = o->random_seed,
		                      .micro_batch = o->micro_batch,
		                      .log_every = o->log_every,
		                      .valid_every = o->valid_every,
		                      .checkpoint_every = o->checkpoint_every,
		                      .sequences = stage_input(run, sequences),
		                      .out = run->out,
		                      .dir = run->out_dir,
		                      .fingerprint = run->fingerprint };
}

static int run_seed(struct stage_run *run, struct cbtm_error *e)
{
	const struct options *o = run->options;
	struct training t = training_of(run, "seed", "seed_sequences");
	struct phase phase = o->seed;
	struct store *s = NULL;
	phase.schedule = (enum schedule)o->seed_schedule;
	t.config = (struct model_config){ .architecture = (enum architecture)o->architecture,
		                              .layers = o->layers,
		                              .width = o->width,
		                              .heads = o->heads,
		                              .ffn = o->ffn };
	if (!t.config.ffn)
		t.config.ffn = 4 * o->width;
	if (!dataset_part(t.sequences, 0, &s, e) &&
	    !checkpoint_fact(s, "vocabulary_size", &t.config.vocabulary, e) &&
	    !checkpoint_fact(s, "length", &t.config.length, e) &&
	    !schedule_plan(&phase, "seed", MATCH_UPDATES, BUDGET_EQUAL, 1, 1, t.config.length, &t.plan,
	                   e))
		training_run(&t, e);
	store_close(s);
	return e->name;
}

static int run_expert(struct stage_run *run, struct cbtm_error *e)
{
	const struct options *o = run->options;
	char title[32];
	struct training t = training_of(run, title, "sequences");
	struct phase phase = o->branch;
	uint64_t k, tokens, all;
	t.start = stage_input(run, "seed");
	phase.schedule = (enum schedule)o->branch_schedule;
	if (training_branch(&t, &k, &tokens, &all, e) ||
	    schedule_plan(&phase, "branch", (enum match)o->match, (enum budget)o->budget, k,
	                  (double)tokens / (double)all, t.config.length, &t.plan, e))
		return e->name;
	snprintf(title, sizeof title, k > 1 ? "expert %u" : "dense", run->cluster);
	if (store_set_u64(run->out, "cluster", run->cluster, e) ||
	    store_set_u64(run->out, "clusters", k, e))
		return e->name;
	return training_run(&t, e);
}

static int check(const void *options, uint64_t k, struct cbtm_error *e)
{
	const struct options *o = options;
	if (o->width % o->heads)
		return error_set(e, CBTM_ERR_CONFIG, "model.heads",
		                 "%llu heads do not divide the width %llu", (unsigned long long)o->heads,
		                 (unsigned long long)o->width);
	if (k > 1 && o->match == MATCH_UPDATES && o->budget == BUDGET_EQUAL && o->branch.batch % k)
		return error_set(e, CBTM_ERR_CONFIG, "branch.batch",
		                 "a batch of %llu sequences cannot be divided among %llu experts",
		                 (unsigned long long)o->branch.batch, (unsigned long long)k);
	return 0;
}

static const struct stage_task tasks[] = {
	{ .name = "seed",
	  .kind = "checkpoint",
	  .sentence = "train the seed that all experts branch from",
	  .version = 1,
	  .each = EACH_ONCE,
	  .plugin = "compute",
	  .reads = { { .dataset = "seed_sequences", .how = READS_ALL } },
	  .run = run_seed },
	{ .name = "expert",
	  .kind = "checkpoint",
	  .sentence = "train a cluster's expert, branched from the seed",
	  .version = 1,
	  .each = EACH_CLUSTER,
	  .plugin = "compute",
	  .reads = { { .dataset = "sequences", .how = READS_SAME_CLUSTER },
	             { .dataset = "seed", .how = READS_ALL } },
	  .run = run_expert },
	{ 0 }
};

const struct cbtm_stage stage_train = {
	.name = "train",
	.sentence = "Train a seed and branch one expert from it for every cluster",
	.options = options,
	.options_size = sizeof(struct options),
	.plugin_param = "compute",
	.tasks = tasks,
	.check = check,
	.example = "cbtm-train --seed-sequences work/seed_sequences --sequences work/sequences "
			   "--seed work/seed --expert work/expert --seed-tokens 6M --threads 2",
};
