/* SPDX-License-Identifier: MIT */
/*
 * evaluate: held-out documents scored by the seed and by every expert, then all mixtures of the
 * experts from these scores alone.
 */
#include "base/memory.h"
#include "base/progress.h"
#include "ensemble/scoring.h"
#include "ensemble/system.h"
#include "stage/stage.h"
#include <stdlib.h>
#include <string.h>

struct options {
	const char *compute;
	int window;
	uint64_t documents, batch, route_every;
	struct cbtm_reals temperature;
	struct cbtm_counts top_k;
};
enum { TASK_SEED_SCORES = 1, TASK_SCORES = 2, TASK_RESULTS = 4 };
#define BOTH_SCORES (TASK_SEED_SCORES | TASK_SCORES)

static const struct cbtm_param options[] = {
	{ "compute", CBTM_PARAM_TEXT, offsetof(struct options, compute), "cpu", 0, 0, NULL,
	  "compute plugin that runs the models", 0, BOTH_SCORES },
	{ "window", CBTM_PARAM_CHOICE, offsetof(struct options, window), "truncate", 0, 0,
	  "truncate|stride", "score a document's first T tokens, or all in overlapping windows", 0,
	  BOTH_SCORES },
	{ "documents", CBTM_PARAM_COUNT, offsetof(struct options, documents), "0", 0, 1e12, NULL,
	  "score the first so many documents of valid and of test; 0: all", 0, BOTH_SCORES },
	{ "batch", CBTM_PARAM_COUNT, offsetof(struct options, batch), "0", 0, 65536, NULL,
	  "sequences scored together; 0: a good number", CBTM_PARAM_NO_RESULT, BOTH_SCORES },
	{ "temperature", CBTM_PARAM_REALS, offsetof(struct options, temperature), "[0.05, 0.1, 0.2]",
	  1e-6, 1e6, NULL, "temperatures T of the routing; valid chooses one", 0, TASK_RESULTS },
	{ "top_k", CBTM_PARAM_COUNTS, offsetof(struct options, top_k), "[1, 2, 4]", 1, 65536, NULL,
	  "numbers of experts that answer together; all is always tried", 0, TASK_RESULTS },
	{ "route_every", CBTM_PARAM_COUNT, offsetof(struct options, route_every), "1", 1, 1e9, NULL,
	  "tokens between two looks at the context", 0, TASK_RESULTS },
	CBTM_PARAM_END
};

/* Scores by the checkpoint of a dataset; an expert's scores say whose they are. */
static int score(struct stage_run *run, const char *checkpoint, bool expert, struct cbtm_error *e)
{
	const struct options *o = run->options;
	struct scoring s = { .tokens = stage_input(run, "tokens"),
		                 .window = o->window ? SCORING_STRIDE : SCORING_TRUNCATE,
		                 .documents = o->documents };
	uint64_t n;
	if (model_open(stage_input(run, checkpoint), run->plugin, run->plugin_options,
	               (uint32_t)o->batch, &s.model, e) ||
	    scoring_count(&s, &n, e))
		goto done;
	progress_start("scores", n, "documents");
	if (!scoring_run(&s, run->out, e)) {
		store_set_text(run->out, "vocabulary", model_vocabulary(s.model), e);
		store_set_u64(run->out, "length", model_length(s.model), e);
		store_set_text(run->out, "window", o->window ? "stride" : "truncate", e);
		if (expert) {
			store_set_u64(run->out, "cluster", run->cluster, e);
			store_set_u64(run->out, "clusters", run->clusters, e);
		}
	}
	progress_finish();
done:
	model_close(s.model);
	return e->name;
}

static int run_seed_scores(struct stage_run *run, struct cbtm_error *e)
{
	return score(run, "seed", false, e);
}

static int run_scores(struct stage_run *run, struct cbtm_error *e)
{
	return score(run, "expert", true, e);
}

static int run_results(struct stage_run *run, struct cbtm_error *e)
{
	const struct options *o = run->options;
	struct system_datasets in = { .tokens = stage_input(run, "tokens"),
		                          .vocabulary = stage_input(run, "vocabulary"),
		                          .seed = stage_input(run, "seed"),
		                          .seed_scores = stage_input(run, "seed_scores"),
		                          .centres = stage_input(run, "centres"),
		                          .assignments = stage_input(run, "assignments"),
		                          .k = stage_input_count(run, "scores"),
		                          .temperature = o->temperature,
		                          .top_k = o->top_k,
		                          .route_every = o->route_every,
		                          .pool = run->pool };
	struct buffer json = { 0 };
	struct dataset **lists = mem_zeroed(2 * in.k, sizeof *lists, "experts", e);
	void *embedder = NULL;
	if (!lists)
		goto done;
	if (stage_input_count(run, "expert") != in.k) {
		error_set(e, CBTM_ERR_BAD_DATA, NULL, "%zu experts for %zu scores",
		          stage_input_count(run, "expert"), in.k);
		goto done;
	}
	for (size_t j = 0; j < in.k; j++) {
		lists[j] = stage_input_at(run, "scores", j);
		lists[in.k + j] = stage_input_at(run, "expert", j);
	}
	in.scores = lists;
	in.experts = lists + in.k;
	if (stage_input(run, "embedder") &&
	    stage_load_embedder(run, stage_input(run, "embedder"), &in.embed, &embedder, e))
		goto done;
	in.embedder = embedder;
	if (!system_evaluate(&in, &json, e))
		store_append_row(run->out, "results", json.data, json.n, e);
done:
	if (embedder)
		in.embed->free(embedder);
	free(lists);
	buffer_free(&json);
	return e->name;
}

static const struct stage_task tasks[] = {
	{ .name = "seed_scores",
	  .kind = "scores",
	  .sentence = "score held-out documents by the seed",
	  .version = 2,
	  .each = EACH_ONCE,
	  .plugin = "compute",
	  .reads = { { "tokens", READS_ALL, NULL }, { "seed", READS_ALL, NULL } },
	  .run = run_seed_scores },
	{ .name = "scores",
	  .kind = "scores",
	  .sentence = "score held-out documents by an expert",
	  .version = 2,
	  .each = EACH_CLUSTER,
	  .plugin = "compute",
	  .reads = { { "tokens", READS_ALL, NULL }, { "expert", READS_SAME_CLUSTER, NULL } },
	  .run = run_scores },
	{ .name = "results",
	  .kind = "results",
	  .sentence = "evaluate all mixtures of the experts from their scores",
	  .version = 1,
	  .each = EACH_ONCE,
	  .reads = { { "tokens", READS_ALL, NULL },
	             { "vocabulary", READS_ALL, NULL },
	             { "seed", READS_ALL, NULL },
	             { "seed_scores", READS_ALL, NULL },
	             { "scores", READS_ALL_CLUSTERS, NULL },
	             { "expert", READS_ALL_CLUSTERS, NULL },
	             { "embedder", READS_ALL, stage_if_clustered },
	             { "centres", READS_ALL, stage_if_clustered },
	             { "assignments", READS_ALL, stage_if_clustered } },
	  .run = run_results },
	{ 0 }
};

const struct cbtm_stage stage_evaluate = {
	.name = "evaluate",
	.sentence = "Score held-out documents by every expert and evaluate their mixtures",
	.options = options,
	.options_size = sizeof(struct options),
	.plugin_param = "compute",
	.tasks = tasks,
	.example = "cbtm-evaluate --tokens work/tokens --vocabulary work/vocabulary --seed work/seed "
			   "--expert work/expert --embedder work/embedder --centres work/centres "
			   "--assignments work/assignments --seed-scores out/seed-scores --scores out/scores "
			   "--results out/results",
};
