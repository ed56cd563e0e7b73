/* SPDX-License-Identifier: MIT */
/* Token ids, and clusters of documents -> shuffled sequences to train on. */
#include "stage/stage.h"
#include "store/split.h"
#include "text/bpe.h"
#include "text/sharding.h"
#include "text/weights.h"

struct options {
	uint64_t length, random_seed, memory;
	struct cbtm_texts weights;
	const char *weight_field;
};

static const struct cbtm_param params[] = {
	{ "length", CBTM_PARAM_COUNT, offsetof(struct options, length), "256", 1, 1 << 20, NULL,
	  "tokens that a model sees at once (T); a sequence has one more", 0, 0 },
	{ "random_seed", CBTM_PARAM_COUNT, offsetof(struct options, random_seed), "1", 0, 0, NULL,
	  "seed of the documents' and the sequences' order", 0, 0 },
	{ "memory", CBTM_PARAM_COUNT, offsetof(struct options, memory), "1Gi", 1 << 20, 0x1p50, NULL,
	  "bytes for shuffling; what is larger goes through files", CBTM_PARAM_NO_RESULT, 0 },
	{ "weights", CBTM_PARAM_TEXTS, offsetof(struct options, weights), "[]", 0, 0, NULL,
	  "VALUE=WEIGHT: documents whose weight_field is VALUE are trained on so many times, 0.5: "
	  "half of them; others once",
	  CBTM_PARAM_LATER, 0 },
	{ "weight_field", CBTM_PARAM_TEXT, offsetof(struct options, weight_field), "domain", 0, 0, NULL,
	  "metadata field (a path: domain, source.name) that weights are for", CBTM_PARAM_LATER, 0 },
	CBTM_PARAM_END
};

static bool weighs(const void *values, uint64_t k)
{
	(void)k;
	return ((const struct options *)values)->weights.n > 0;
}

static int check(const void *values, uint64_t k, struct cbtm_error *e)
{
	const struct options *o = values;
	struct weights *w = NULL;

	(void)k;
	weights_new(o->weight_field, &o->weights, 1, &w, e);
	weights_free(w);
	return e->name;
}

static int shard(struct stage_run *run, uint8_t split, bool of_cluster, struct cbtm_error *e)
{
	const struct options *o = run->options;
	char content[DIGEST_HEX];
	struct bpe *bpe = NULL;
	struct sharding s = {
		.tokens = stage_input(run, "tokens"),
		.assignments = of_cluster ? stage_input(run, "assignments") : NULL,
		.cluster = of_cluster ? run->cluster : 0,
		.clusters = of_cluster ? run->clusters : 1,
		.split = split,
		.length = o->length,
		.random_seed = o->random_seed,
		.memory = o->memory,
		.documents = o->weights.n ? stage_input(run, "documents") : NULL,
		.weights = o->weights,
		.weight_field = o->weight_field,
		.folder = run->out_dir,
		.vocabulary = content,
	};

	if (!bpe_open(stage_input(run, "vocabulary"), &bpe, content, e)) {
		s.vocabulary_size = bpe->size;
		s.eod = bpe->eod;
		sharding_run(&s, run->out, e);
	}
	bpe_free(bpe);
	return e->name;
}

static int seed_sequences(struct stage_run *run, struct cbtm_error *e)
{
	return shard(run, SPLIT_SEED, false, e);
}

static int sequences(struct stage_run *run, struct cbtm_error *e)
{
	return shard(run, SPLIT_BRANCH, true, e);
}

static const struct stage_task tasks[] = { { "seed_sequences",
	                                         "sequences",
	                                         "shuffle and pack the seed part",
	                                         1,
	                                         EACH_ONCE,
	                                         NULL,
	                                         { { "tokens", READS_ALL, NULL },
	                                           { "vocabulary", READS_ALL, NULL },
	                                           { "documents", READS_ALL, weighs } },
	                                         seed_sequences },
	                                       { "sequences",
	                                         "sequences",
	                                         "shuffle and pack a cluster of the branch part",
	                                         1,
	                                         EACH_CLUSTER,
	                                         NULL,
	                                         { { "tokens", READS_ALL, NULL },
	                                           { "vocabulary", READS_ALL, NULL },
	                                           { "assignments", READS_ALL, stage_if_clustered },
	                                           { "documents", READS_ALL, weighs } },
	                                         sequences },
	                                       { 0 } };

const struct cbtm_stage stage_shard = {
	.name = "shard",
	.sentence = "Shuffle documents, pack them into sequences, and shuffle these",
	.options = params,
	.options_size = sizeof(struct options),
	.tasks = tasks,
	.check = check,
	.example = "cbtm-shard --tokens work/tokens --vocabulary work/vocabulary "
			   "--assignments work/assignments --seed-sequences work/seed_sequences "
			   "--sequences work/sequences",
};
