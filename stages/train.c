/* SPDX-License-Identifier: MIT */
/*
 * train: the seed from its sequences, then for each cluster an expert that branches from it. A
 * dense model is the one expert of one cluster.
 */
#include "base/error.h"
#include "model/checkpoint.h"
#include "model/training.h"
#include "stage/import.h"
#include "stage/stage.h"
#include "stages/train_options.h"
#include <stdio.h>

/* A choice is an int in the options. */
static struct phase phase_of(const struct options *o, bool seed)
{
	struct phase p = seed ? o->seed : o->branch;
	p.schedule = (enum schedule)(seed ? o->seed_schedule : o->branch_schedule);
	p.shape = (enum cooldown)(seed ? o->seed_shape : o->branch_shape);
	return p;
}

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
		                      .attention_dropout =
		                          o->attention_dropout < 0 ? o->dropout : o->attention_dropout,
		                      .embedding_dropout = o->embedding_dropout,
		                      .random_seed = o->random_seed,
		                      .micro_batch = o->micro_batch,
		                      .capacity_factor = o->capacity_factor,
		                      .balance_loss = o->balance_loss,
		                      .checkpointing = o->checkpointing != 0,
		                      .log_every = o->log_every,
		                      .valid_every = o->valid_every,
		                      .checkpoint_every = o->checkpoint_every,
		                      .explode_factor = o->explode_factor,
		                      .explode_steps = o->explode_steps,
		                      .keep_stable = o->keep_stable,
		                      .use_best = o->use != 0,
		                      .keep_both = o->keep == 0,
		                      .sequences = stage_input(run, sequences),
		                      .out = run->out,
		                      .dir = run->out_dir,
		                      .fingerprint = run->fingerprint };
}

static int run_seed(struct stage_run *run, struct cbtm_error *e)
{
	const struct options *o = run->options;
	struct training t = training_of(run, "seed", "seed_sequences");
	struct phase phase = phase_of(o, true);
	struct store *s = NULL;
	if (*o->import)
		return stage_import_seed(run, o->import, o->import_length, e);
	t.config = (struct model_config){ .architecture = (enum architecture)o->architecture,
		                              .layers = o->layers,
		                              .width = o->width,
		                              .heads = o->heads,
		                              .ffn = o->ffn };
	if (!t.config.ffn)
		t.config.ffn = 4 * o->width;
	if (!dataset_part(t.sequences, 0, &s, e) &&
	    !checkpoint_fact(s, "vocabulary_size", &t.config.vocabulary, e) &&
	    !checkpoint_fact(s, "length", &t.length, e) &&
	    !schedule_plan(&phase, "seed", MATCH_UPDATES, BUDGET_EQUAL, 1, 1, t.length, &t.plan, e) &&
	    !schedule_cut(&t.plan, "branch.at", o->branch_at, t.length, e)) {
		t.config.length = t.length;
		t.keep_tokens = &o->seed_keep;
		training_run(&t, e);
	}
	store_close(s);
	return e->name;
}

static int run_expert(struct stage_run *run, struct cbtm_error *e)
{
	const struct options *o = run->options;
	char title[32] = "expert";
	struct training t = training_of(run, title, "sequences");
	struct phase phase = phase_of(o, false);
	uint64_t k, tokens, all;
	t.start = stage_input(run, "seed");
	if (training_branch(&t, &k, &tokens, &all, e) ||
	    schedule_plan(&phase, "branch", (enum match)o->match, (enum budget)o->budget, k,
	                  (double)tokens / (double)all, t.length, &t.plan, e))
		return e->name;
	t.config.moe = o->moe;
	if (k > 1)
		snprintf(title, sizeof title, "expert %u", run->cluster);
	else
		snprintf(title, sizeof title, o->moe.experts ? "moe" : "dense");
	if (model_config_check(&t.config, e) || store_set_u64(run->out, "cluster", run->cluster, e) ||
	    store_set_u64(run->out, "clusters", k, e))
		return e->name;
	return training_run(&t, e);
}

static bool trains_seed(const void *options, uint64_t k)
{
	(void)k;
	return !*((const struct options *)options)->import;
}

static bool imports_seed(const void *options, uint64_t k)
{
	return !trains_seed(options, k);
}

/* Points of the seed's own training. */
static int check_points(const struct options *o, struct cbtm_error *e)
{
	if (*o->import && o->branch_at) {
		error_set(e, CBTM_ERR_CONFIG, "branch.at",
		          "an imported seed is not trained here: it has no point but its end");
		return error_hint(e, "leave branch.at out, or import the checkpoint of that point");
	}
	if (!*o->import && o->branch_at > o->seed.tokens)
		return error_set(e, CBTM_ERR_CONFIG, "branch.at",
		                 "%llu tokens are more than the %llu of the seed (seed.tokens)",
		                 (unsigned long long)o->branch_at, (unsigned long long)o->seed.tokens);
	for (size_t i = 0; i < o->seed_keep.n && !*o->import; i++)
		if (o->seed_keep.v[i] > o->seed.tokens)
			return error_set(e, CBTM_ERR_CONFIG, "seed.keep",
			                 "%llu tokens are more than the %llu of the seed (seed.tokens)",
			                 (unsigned long long)o->seed_keep.v[i],
			                 (unsigned long long)o->seed.tokens);
	return 0;
}

static int check(const void *options, uint64_t k, struct cbtm_error *e)
{
	const struct options *o = options;
	struct phase seed = phase_of(o, true), branch = phase_of(o, false);
	if ((!*o->import && schedule_check(&seed, "seed", e)) || schedule_check(&branch, "branch", e) ||
	    check_points(o, e))
		return e->name;
	struct model_config c = { .vocabulary = 1,
		                      .length = 1,
		                      .layers = o->layers,
		                      .width = o->width,
		                      .heads = o->heads,
		                      .ffn = 1,
		                      .moe = o->moe };
	if (*o->import) /* its layers are not known yet */
		c.layers = o->moe.every;
	if (model_config_check(&c, e))
		return e->name;
	if (k > 1 && o->match == MATCH_UPDATES && o->budget == BUDGET_EQUAL && o->branch.batch % k)
		return error_set(e, CBTM_ERR_CONFIG, "branch.batch",
		                 "a batch of %llu sequences cannot be divided among %llu experts",
		                 (unsigned long long)o->branch.batch, (unsigned long long)k);
	return 0;
}

static const struct stage_task tasks[] = {
	{ .name = "seed",
	  .kind = "checkpoint",
	  .sentence = "train the seed that all experts branch from, or import it",
	  .version = 4,
	  .each = EACH_ONCE,
	  .plugin = "compute",
	  .reads = { { .dataset = "seed_sequences", .how = READS_ALL, .wanted = trains_seed },
	             { .dataset = "vocabulary", .how = READS_ALL, .wanted = imports_seed } },
	  .run = run_seed },
	{ .name = "expert",
	  .kind = "checkpoint",
	  .sentence = "train a cluster's expert, branched from the seed",
	  .version = 4,
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
