/* SPDX-License-Identifier: MIT */
/* cluster: k centres fitted on train documents, a cluster for every document, cards for people. */
#include "base/error.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/signals.h"
#include "stage/cards.h"
#include "stage/clustering.h"
#include "stage/points.h"
#include "stage/stage.h"
#include <stdlib.h>
#include <string.h>

#define BATCH 8192 /* documents of a commit */

struct options {
	const char *plugin;
	uint64_t k, random_seed, sample;
	int capacity, assign;
	struct card_options card;
};
enum { TASK_CENTRES = 1, TASK_ASSIGNMENTS = 2, TASK_CARDS = 4 };
enum { CAPACITY_DOCUMENTS, CAPACITY_TOKENS, ASSIGN_NEAREST = 0, ASSIGN_PRICED };

#define FIELD(name) offsetof(struct options, name)
static const struct cbtm_param options[] = {
	{ "plugin", CBTM_PARAM_TEXT, FIELD(plugin), "balanced-kmeans", 0, 0, NULL, "plugin", 0, 0 },
	{ "k", CBTM_PARAM_COUNT, FIELD(k), "4", 1, 1e6, NULL,
	  "number of clusters, and so of experts; 1: none, the dense model", 0, TASK_CENTRES },
	{ "capacity", CBTM_PARAM_CHOICE, FIELD(capacity), "documents", 0, 0, "documents|tokens",
	  "what is balanced in the fit, by plugins that balance", 0, TASK_CENTRES },
	{ "sample", CBTM_PARAM_COUNT, FIELD(sample), "0", 0, 1e15, NULL,
	  "fit on about so many train documents, chosen by key; 0: on all", 0, TASK_CENTRES },
	{ "assign", CBTM_PARAM_CHOICE, FIELD(assign), "nearest", 0, 0, "nearest|priced",
	  "to the nearest centre, or by distance + price, which keeps the balance", 0,
	  TASK_ASSIGNMENTS },
	{ "random_seed", CBTM_PARAM_COUNT, FIELD(random_seed), "1", 0, 1e15, NULL,
	  "seed of the first centres, of random clusters, and of zero vectors", 0, 0 },
	{ "card.field", CBTM_PARAM_TEXTS, FIELD(card.field), "[domain]", 0, 0, NULL,
	  "metadata fields (paths: domain, source.name) to compare clusters with", 0, TASK_CARDS },
	{ "card.sample", CBTM_PARAM_COUNT, FIELD(card.sample), "100K", 0, 1e15, NULL,
	  "count words and overlaps in about so many documents; 0: all", 0, TASK_CARDS },
	{ "card.terms", CBTM_PARAM_COUNT, FIELD(card.terms), "20", 0, 1000, NULL,
	  "top terms and words to keep of a cluster", 0, TASK_CARDS },
	{ "card.documents", CBTM_PARAM_COUNT, FIELD(card.documents), "10", 0, 1000, NULL,
	  "nearest and farthest documents to keep of a cluster", 0, TASK_CARDS },
	CBTM_PARAM_END
};

static bool counts_tokens(const void *values, uint64_t k)
{
	(void)k;
	return ((const struct options *)values)->capacity == CAPACITY_TOKENS;
}

static int run_centres(struct stage_run *run, struct cbtm_error *e)
{
	const struct options *o = run->options;
	struct clustering c = { .plugin = run->plugin,
		                    .plugin_options = run->plugin_options,
		                    .k = o->k,
		                    .seed = o->random_seed,
		                    .sample = o->sample,
		                    .vectors = stage_input(run, "vectors"),
		                    .documents = stage_input(run, "documents"),
		                    .tokens = stage_input(run, "tokens"),
		                    .pool = run->pool };
	clustering_fit(&c, run->out, e);
	progress_finish();
	return e->name;
}

/* One part's documents and vectors, and room for a batch of results. */
struct batch {
	struct document_reader *documents;
	struct store_reader *vectors;
	const char *where; /* the vectors' file */
	size_t n;
	float *x, *distance;
	uint32_t *cluster;
	uint64_t zero;
};

static int do_batch(struct stage_run *run, const struct centres *c, struct batch *b, uint64_t row,
                    struct cbtm_error *e)
{
	const struct cbtm_document *document;
	if (document_reader_take(b->documents, row, BATCH, DOCUMENT_BYTES, &document, &b->n, e) ||
	    store_read_rows(b->vectors, row, b->n, b->x, e))
		return e->name;
	for (size_t i = 0; i < b->n; i++)
		if (points_check(b->x + i * c->d, c->d, row + i, document[i].key, b->where, e) ||
		    store_append(run->out, "key", &document[i].key, 1, e))
			return e->name;
	if (centres_assign(c, run->pool, b->x, document, b->n, b->cluster, b->distance, e) ||
	    store_append(run->out, "cluster", b->cluster, b->n, e) ||
	    store_append(run->out, "distance", b->distance, b->n, e) ||
	    store_commit(run->out, NULL, 0, e) || fault_point("cluster.batch", e))
		return e->name;
	progress_set(row + b->n, NULL);
	return signals_check(e);
}

static int run_assignments(struct stage_run *run, struct cbtm_error *e)
{
	const struct options *o = run->options;
	struct store *vectors = NULL, *documents = NULL, *store = NULL;
	struct batch b = { 0 };
	struct centres c = { .plugin = run->plugin,
		                 .plugin_options = run->plugin_options,
		                 .seed = o->random_seed,
		                 .priced = o->assign == ASSIGN_PRICED };
	if (stage_input_part(run, "vectors", &vectors, e) ||
	    stage_input_part(run, "documents", &documents, e) ||
	    dataset_part(stage_input(run, "centres"), 0, &store, e) || centres_load(&c, store, e) ||
	    document_reader_open(documents, false, &b.documents, e) ||
	    store_reader_open(vectors, "vector", &b.vectors, e))
		goto done;
	uint64_t rows = document_reader_rows(b.documents);
	if (store_row_count(vectors, "vector") != rows) {
		error_set(e, CBTM_ERR_BAD_DATA, store_path(vectors), "these are not the vectors of %s",
		          store_path(documents));
		goto done;
	}
	b.where = store_path(vectors);
	b.x = mem_aligned(BATCH, c.d * sizeof *b.x, "vectors", e);
	b.distance = mem_aligned(BATCH, sizeof *b.distance, "distances", e);
	b.cluster = mem_aligned(BATCH, sizeof *b.cluster, "clusters", e);
	if (e->name)
		goto done;
	progress_start("assignments", rows, "documents");
	for (uint64_t row = store_rows(run->out, "key"); row < rows; row += b.n)
		if (do_batch(run, &c, &b, row, e))
			break;
	progress_finish();
	store_get_u64(vectors, "zero_vectors", &b.zero);
	if (!e->name && !store_set_u64(run->out, "clusters", c.k, e))
		store_set_u64(run->out, "zero_vectors", b.zero, e);
done:
	free(b.cluster), free(b.distance), free(b.x);
	store_reader_close(b.vectors), document_reader_close(b.documents);
	centres_free(&c);
	store_close(store);
	return e->name;
}

static int run_cards(struct stage_run *run, struct cbtm_error *e)
{
	const struct options *o = run->options;
	return cards_run(run, &o->card, o->random_seed, e);
}

static const struct stage_task tasks[] = { { .name = "centres",
	                                         .kind = "centres",
	                                         .sentence =
	                                             "find k centres of the train documents' vectors",
	                                         .version = 2,
	                                         .each = EACH_ONCE,
	                                         .plugin = "cluster",
	                                         .reads = { { "vectors", READS_ALL, NULL },
	                                                    { "documents", READS_ALL, NULL },
	                                                    { "tokens", READS_ALL, counts_tokens } },
	                                         .run = run_centres },
	                                       { .name = "assignments",
	                                         .kind = "assignments",
	                                         .sentence = "give every document a cluster",
	                                         .version = 1,
	                                         .each = EACH_PART,
	                                         .plugin = "cluster",
	                                         .reads = { { "vectors", READS_SAME_PART, NULL },
	                                                    { "documents", READS_SAME_PART, NULL },
	                                                    { "centres", READS_ALL, NULL } },
	                                         .run = run_assignments },
	                                       { .name = "cards",
	                                         .kind = "cards",
	                                         .sentence = "describe every cluster, for people",
	                                         .version = 1,
	                                         .each = EACH_ONCE,
	                                         .reads = { { "documents", READS_ALL, NULL },
	                                                    { "tokens", READS_ALL, NULL },
	                                                    { "embedder", READS_ALL, NULL },
	                                                    { "vectors", READS_ALL, NULL },
	                                                    { "centres", READS_ALL, NULL },
	                                                    { "assignments", READS_ALL, NULL } },
	                                         .run = run_cards },
	                                       { 0 } };

const struct cbtm_stage stage_cluster = {
	.name = "cluster",
	.sentence = "Find k clusters of documents by their vectors and give every document one",
	.options = options,
	.options_size = sizeof(struct options),
	.plugin_param = "plugin",
	.tasks = tasks,
	.for_people = "cards",
	.example = "cbtm-cluster --vectors work/vectors --documents work/documents "
			   "--centres work/centres --assignments work/assignments --k 4",
};
