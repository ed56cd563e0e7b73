/* SPDX-License-Identifier: MIT */
/* embed: an embedding fitted on train documents, then a vector for every document. */
#include "base/error.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/signals.h"
#include "math/dense.h"
#include "stage/documents.h"
#include "stage/points.h"
#include "stage/stage.h"
#include "stage/state.h"
#include <stdlib.h>
#include <string.h>

#define BATCH 1024   /* documents of a commit */
#define TASK_SIZE 32 /* documents that one thread embeds at once */

struct options {
	const char *plugin;
	uint64_t sample;
	int model;
};
enum { TASK_EMBEDDER = 1, TASK_VECTORS = 2 };

static const struct cbtm_param options[] = {
	{ "plugin", CBTM_PARAM_TEXT, offsetof(struct options, plugin), "tfidf-svd", 0, 0, NULL,
	  "embed plugin that makes vectors of documents", 0, TASK_EMBEDDER },
	{ "sample", CBTM_PARAM_COUNT, offsetof(struct options, sample), "0", 0, 1e15, NULL,
	  "fit on about so many train documents, chosen by key; 0: on all", 0, TASK_EMBEDDER },
	/* No result of its own: the model is an input of the task, and known by that. */
	{ "model", CBTM_PARAM_CHOICE, offsetof(struct options, model), "none", 0, 0, "none|seed",
	  "language model that the plugin is lent (lm-hidden needs one)", CBTM_PARAM_NO_RESULT,
	  TASK_EMBEDDER },
	CBTM_PARAM_END
};

static bool lends_model(const void *options, uint64_t k)
{
	(void)k;
	return ((const struct options *)options)->model;
}

static int run_embedder(struct stage_run *run, struct cbtm_error *e)
{
	const struct options *o = run->options;
	const struct cbtm_embed *embed = run->plugin;
	struct cbtm_state_writer writer = { run->out };
	struct document_sample sample;
	struct document_stream stream = { .dataset = NULL };
	void *state = NULL;
	stage_lend_model(run, "seed", "vocabulary");
	if (document_sample_make(stage_input(run, "documents"), o->sample, 1, &sample, e) ||
	    document_stream_open(stage_input(run, "documents"), &sample, &stream, e))
		goto done;
	state = embed->fit(run->plugin_options, &stream.documents, e);
	progress_finish();
	if (!state) {
		error_set(e, CBTM_ERR_PLUGIN, o->plugin, "fit() made no state");
		goto done;
	}
	if (embed->save(state, &writer, e) ||
	    state_put_plugin(run->out, &embed->plugin, run->plugin_options, e) ||
	    store_set_u64(run->out, "dims", embed->dims(state), e) ||
	    store_set_u64(run->out, "documents", stream.documents.count, e))
		goto done;
	store_commit(run->out, NULL, 0, e);
done:
	embed->free(state);
	document_stream_close(&stream);
	return e->name;
}

struct transform_work {
	const struct cbtm_embed *embed;
	const void *state;
	const struct cbtm_document *document;
	size_t n, d;
	float *vector; /* n x d */
};

static int transform_task(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)thread;
	struct transform_work *w = arg;
	size_t from = task * TASK_SIZE, n = w->n - from < TASK_SIZE ? w->n - from : TASK_SIZE;
	return w->embed->transform(w->state, w->document + from, n, w->vector + from * w->d, e);
}

/* Embeds w->n rows from `row` on and commits them with the number of zero vectors so far. */
static int do_batch(struct stage_run *run, struct document_reader *reader, uint64_t row,
                    struct transform_work *w, uint64_t *zero, struct cbtm_error *e)
{
	if (document_reader_take(reader, row, BATCH, DOCUMENT_BYTES, &w->document, &w->n, e))
		return e->name;
	if (w->embed->transform_together
	        ? w->embed->transform_together(w->state, w->document, w->n, w->vector, e)
	        : pool_run(run->pool, (w->n + TASK_SIZE - 1) / TASK_SIZE, transform_task, w, e))
		return e->name;
	for (size_t i = 0; i < w->n; i++) {
		const float *x = w->vector + i * w->d;
		*zero += dense_is_zero(x, w->d);
		if (points_check(x, w->d, row + i, w->document[i].key, w->embed->plugin.name, e) ||
		    store_append(run->out, "key", &w->document[i].key, 1, e))
			return e->name;
	}
	if (store_append(run->out, "vector", w->vector, w->n, e) ||
	    store_commit(run->out, zero, sizeof *zero, e) || fault_point("embed.batch", e))
		return e->name;
	progress_set(row + w->n, NULL);
	return signals_check(e);
}

static int run_vectors(struct stage_run *run, struct cbtm_error *e)
{
	struct transform_work w = { 0 };
	struct document_reader *reader = NULL;
	struct store *documents = NULL;
	const void *cursor = NULL;
	void *state = NULL;
	uint64_t zero = 0;
	size_t cursor_size = 0;
	if (stage_input_part(run, "documents", &documents, e) ||
	    stage_load_embedder(run, stage_input(run, "embedder"), &w.embed, &state, e) ||
	    document_reader_open(documents, true, &reader, e) ||
	    store_cursor(run->out, &cursor, &cursor_size, e))
		goto done;
	if (cursor_size == sizeof zero)
		memcpy(&zero, cursor, sizeof zero);
	w.state = state;
	w.d = w.embed->dims(state);
	w.vector = mem_aligned(BATCH, w.d * sizeof *w.vector, "vectors", e);
	if (!w.vector || store_add_column(run->out, "vector", STORE_F32, STORE_FIXED, w.d, e))
		goto done;
	uint64_t rows = document_reader_rows(reader);
	progress_start("vectors", rows, "documents");
	for (uint64_t row = store_rows(run->out, "key"); row < rows; row += w.n)
		if (do_batch(run, reader, row, &w, &zero, e))
			break;
	progress_finish();
	if (!e->name && !store_set_u64(run->out, "dims", w.d, e))
		store_set_u64(run->out, "zero_vectors", zero, e);
done:
	free(w.vector);
	document_reader_close(reader);
	if (w.embed)
		w.embed->free(state);
	return e->name;
}

static const struct stage_task tasks[] = { { .name = "embedder",
	                                         .kind = "state",
	                                         .sentence = "fit the embedding on train documents",
	                                         .version = 1,
	                                         .each = EACH_ONCE,
	                                         .plugin = "embed",
	                                         .reads = { { "documents", READS_ALL, NULL },
	                                                    { "seed", READS_ALL, lends_model },
	                                                    { "vocabulary", READS_ALL, lends_model } },
	                                         .run = run_embedder },
	                                       { .name = "vectors",
	                                         .kind = "vectors",
	                                         .sentence = "embed every document",
	                                         .version = 1,
	                                         .each = EACH_PART,
	                                         .reads = { { "documents", READS_SAME_PART, NULL },
	                                                    { "embedder", READS_ALL, NULL } },
	                                         .run = run_vectors },
	                                       { 0 } };

const struct cbtm_stage stage_embed = {
	.name = "embed",
	.sentence = "Fit an embedding on train documents and embed every document",
	.options = options,
	.options_size = sizeof(struct options),
	.plugin_param = "plugin",
	.tasks = tasks,
	.example = "cbtm-embed --documents work/documents --embedder work/embedder "
			   "--vectors work/vectors --dims 100",
};
