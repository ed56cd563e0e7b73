/* SPDX-License-Identifier: MIT */
#include "stage/needs.h"
#include "base/param.h"
#include "model/checkpoint.h"
#include "model/footprint.h"
#include "model/huggingface.h"
#include "model/schedule.h"
#include "store/split.h"
#include <cbtm/compute.h>
#include <math.h>
#include <string.h>

/* Ratios measured on the documents of Debian packages, 42 MB (doc/running.md says how they are used). */
#define STORED_TEXT 0.55    /* bytes of the documents' store of a byte of the corpus */
#define TOKEN_BYTES 0.275   /* bytes of text of a token, a bit of the vocabulary's size */
#define WORDS_PER_ROOT 16.0 /* different words, of the root of the text's bytes */
enum {
	PROGRAM = 24 << 20,   /* a process before it has read anything */
	COMPUTING = 32 << 20, /* one that computes, with its threads and libraries */
	READING = 128 << 20,  /* what reading or writing text takes beside it */
	TOKENS = 192 << 20,   /* the same with encoders whose caches are full, and two threads */
	TABLE = 1 << 30,      /* at most: the table that duplicates are found by */
	STORE = 64 << 10,     /* pages of a store whatever it holds */
	COLUMN = 12 << 10,    /* and of each tensor */
	RESUME = 3,           /* states on disk at the moment of the most: the last two and a new one */
	SCORED_TOKENS = 4096, /* tokens scored together */
	/* Of the plugin cpu (plugins/compute/cpu/cpu.h). */
	BF16_WIDTH = 128,       /* width from which on precision auto takes bf16 */
	PAST_CACHES = 64 << 20, /* bytes of two bf16 packs of all matrices from which on one is kept */
};
/* What a plugin takes for activations, of what the list of operations makes them: bf16 rows are half as long, but
 * some lie there twice. tests/unit/stage/needs_test.c has what was measured. */
#define MOVING_FP32 1.05
#define MOVING_BF16 0.8

/* What is asked, and what all answers have in common. */
struct question {
	const struct needs_system *s;
	const struct stage_task *task;
	const struct needs_corpus *c;
	uint64_t k;
	double documents, tokens, share[SPLIT_COUNT]; /* shares of documents */
	uint64_t vocabulary, dims, words, length;
	struct need *need;
	struct cbtm_error *e;
};

uint64_t needs_add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

uint64_t needs_times(uint64_t a, uint64_t b)
{
	uint64_t r;

	return __builtin_mul_overflow(a, b, &r) ? UINT64_MAX : r;
}

static uint64_t whole(double v)
{
	return v >= 0x1p64 ? UINT64_MAX : v > 0 ? (uint64_t)v : 0;
}

/* ---------------------------------------------------------------- settings */

static const void *find_value(const struct needs_system *s, const char *stage, const char *key)
{
	for (size_t i = 0; s->stage[i]; i++) {
		const struct cbtm_param *row;
		const void *options = s->options[i];
		if (strcmp(s->stage[i]->name, stage) != 0)
			continue;
		row = param_find(s->stage[i]->options, key);
		if (!row && s->plugin[i]) {
			row = s->plugin[i]->params ? param_find(s->plugin[i]->params, key) : NULL;
			options = s->plugin_options[i];
		}
		return row ? (const char *)options + row->offset : NULL;
	}
	return NULL;
}

static uint64_t count_of(const struct question *q, const char *stage, const char *key)
{
	const uint64_t *v = find_value(q->s, stage, key);

	return v ? *v : 0;
}

static double real_of(const struct question *q, const char *stage, const char *key)
{
	const double *v = find_value(q->s, stage, key);

	return v ? *v : 0;
}

static int choice_of(const struct question *q, const char *stage, const char *key)
{
	const int *v = find_value(q->s, stage, key);

	return v ? *v : 0;
}

static const char *text_of(const struct question *q, const char *stage, const char *key)
{
	const char *const *v = find_value(q->s, stage, key);

	return v ? *v : "";
}

/* ---------------------------------------------------------------- the model */

static bool imports(const struct question *q)
{
	return *text_of(q, "train", "seed.import");
}

/* The model of a folder of Hugging Face's, or of a checkpoint of ours; false: neither can be read. */
static bool imported(const char *folder, struct model_config *c)
{
	struct cbtm_error ignored = { 0 };
	struct dataset *d = NULL;
	struct store *s = NULL;
	bool known;

	if (!huggingface_config(folder, c, &ignored))
		return true;
	ignored = (struct cbtm_error){ 0 };
	known = !dataset_open(folder, NULL, &d, &ignored) && !dataset_part(d, 0, &s, &ignored) &&
	        !checkpoint_config(s, c, &ignored);
	store_close(s);
	dataset_close(d);
	return known;
}

/* False: it is imported, and what it is cannot be told. */
static bool model_of(const struct question *q, bool mixture, struct model_config *c)
{
	struct cbtm_error ignored = { 0 };

	*c = (struct model_config){ .architecture =
		                            (enum architecture)choice_of(q, "train", "model.architecture"),
		                        .vocabulary = q->vocabulary,
		                        .length = q->length,
		                        .layers = count_of(q, "train", "model.layers"),
		                        .width = count_of(q, "train", "model.width"),
		                        .heads = count_of(q, "train", "model.heads"),
		                        .ffn = count_of(q, "train", "model.ffn") };
	if (!c->ffn)
		c->ffn = 4 * c->width;
	if (imports(q) && !imported(text_of(q, "train", "seed.import"), c))
		return false;
	if (mixture && count_of(q, "train", "moe.experts"))
		c->moe = (struct moe_config){ count_of(q, "train", "moe.experts"),
			                          count_of(q, "train", "moe.every"),
			                          count_of(q, "train", "moe.top_k") };
	return !model_config_check(c, &ignored);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool keeps_best(const struct question *q)
{
	return count_of(q, "train", "valid_every") &&
	       (!choice_of(q, "train", "keep") || choice_of(q, "train", "use"));
}

/* Whether the compute plugin will have this processor multiply in bf16. */
static bool in_bf16(const struct question *q, const struct model_config *c)
{
	for (size_t i = 0; q->s->stage[i]; i++) {
		const struct cbtm_plugin *plugin = q->s->plugin[i];
		if (strcmp(q->s->stage[i]->name, "train") != 0 || !plugin)
			continue;
		const struct cbtm_compute *compute = (const struct cbtm_compute *)plugin;
		return c->width >= BF16_WIDTH && strstr(compute->variant(q->s->plugin_options[i]), "bf16");
	}
	return false;
}

/* Of a process that computes with a model: what it holds, what a plugin keeps of weights in the order and the precision
 * in which it multiplies them, and activations. */
static uint64_t computing(const struct question *q, const struct model_config *c,
                          const struct footprint *f)
{
	bool bf16 = in_bf16(q, c);
	uint64_t packs = needs_times(bf16 ? 4 : 8, f->parameters); /* two of each matrix */

	if (bf16 && packs > PAST_CACHES)
		packs /= 2;
	return needs_add(needs_add(COMPUTING, needs_add(f->fixed, packs)),
	                 whole((double)f->moving * (bf16 ? MOVING_BF16 : MOVING_FP32)));
}

/* Of a model: its checkpoint, and a process that trains it, or scores with it. */
static int of_model(const struct question *q, bool mixture, bool train, uint64_t batch)
{
	struct emit_how how = { .train = train,
		                    .dropout = real_of(q, "train", "dropout") > 0,
		                    .checkpointing = choice_of(q, "train", "activation_checkpointing") };
	struct model_config c;
	struct footprint f;

	if (!model_of(q, mixture, &c))
		return 0;
	how.length = (uint32_t)least(q->length, c.length);
	how.batch = (uint32_t)least(batch, UINT32_MAX);
	if (footprint_make(&c, &how, &f, q->e))
		return q->e->name;
	q->need->disk = needs_add(needs_add(4 * f.parameters, COLUMN * f.tensors), STORE);
	q->need->copy = q->need->disk;
	q->need->memory = computing(q, &c, &f);
	q->need->exact = true;
	q->need->spare = q->need->disk;
	if (!train)
		return 0;
	/* Parameters and moments; and the best ones, in memory, in what is saved, and, if they are not the last, in
	 * what is published. */
	uint64_t sets = 3 + keeps_best(q), set = needs_add(4 * f.parameters, COLUMN * f.tensors);
	q->need->spare = needs_times(RESUME, needs_times(sets, set));
	if (keeps_best(q)) {
		q->need->memory = needs_add(q->need->memory, 4 * f.parameters);
		q->need->disk = needs_add(q->need->disk, set);
		q->need->exact = false;
	}
	return 0;
}

static int trained(struct question *q, bool seed)
{
	const char *phase = seed ? "seed.batch" : "branch.batch";
	uint64_t batch = count_of(q, "train", phase);
	bool constant =
		choice_of(q, "train", seed ? "seed.schedule" : "branch.schedule") == SCHEDULE_CONSTANT;
	struct need *n = q->need;

	if (!seed && choice_of(q, "train", "match") == MATCH_UPDATES && q->k)
		batch = (batch + q->k - 1) / q->k;
	if (of_model(q, !seed, !(seed && imports(q)),
	             least(batch, count_of(q, "train", "micro_batch"))))
		return q->e->name;
	if (constant && !(seed && imports(q)) && choice_of(q, "train", "keep_stable"))
		n->disk = needs_add(n->disk, n->spare / RESUME); /* the state before the cooldown */
	return 0;
}

static int need_seed(struct question *q)
{
	return trained(q, true);
}

static int need_expert(struct question *q)
{
	return trained(q, false);
}

/* Tokens of held-out documents that are scored. */
static uint64_t scored_tokens(const struct question *q)
{
	double share = q->share[SPLIT_VALID] + q->share[SPLIT_TEST], documents = q->documents * share;
	double each = q->documents > 0 ? q->tokens / q->documents : 0;
	double asked = 2.0 * (double)count_of(q, "evaluate", "documents");

	if (asked > 0 && asked < documents)
		documents = asked;
	if (!choice_of(q, "evaluate", "window") && each > (double)q->length)
		each = (double)q->length;
	return whole(documents * (each + 1));
}

static int need_scores(struct question *q)
{
	uint64_t batch = count_of(q, "evaluate", "batch"),
			 fit = SCORED_TOKENS / (q->length + !q->length);

	if (of_model(q, strcmp(q->task->name, "scores") == 0, false, batch ? batch : fit ? fit : 1))
		return q->e->name;
	*q->need = (struct need){ .disk = needs_add(STORE, needs_times(4, scored_tokens(q))),
		                      .memory = q->need->memory };
	return 0;
}

/* ---------------------------------------------------------------- the corpus */

static int need_digests(struct question *q)
{
	*q->need = (struct need){ .disk = needs_add(STORE, whole(16 * q->documents)),
		                      .memory = PROGRAM + READING };
	return 0;
}

static int need_duplicates(struct question *q)
{
	*q->need =
		(struct need){ .disk = needs_add(STORE, whole(8 * q->documents)),
		               .memory = needs_add(PROGRAM, least(TABLE, whole(48 * q->documents))) };
	return 0;
}

static int need_documents(struct question *q)
{
	*q->need = (struct need){ .disk = needs_add(STORE, whole(STORED_TEXT * (double)q->c->bytes)),
		                      .memory = PROGRAM + TOKENS };
	return 0;
}

static int need_vocabulary(struct question *q)
{
	*q->need = (struct need){ .disk = needs_add(STORE, needs_times(16, q->vocabulary)),
		                      .memory = needs_add(PROGRAM + READING, 200 * q->words) };
	return 0;
}

/* Ids of `tokens` tokens, packed: about as many bits each as the vocabulary's size has. */
static uint64_t packed(const struct question *q, double tokens)
{
	return needs_add(STORE, whole(tokens * 1.05 * log2((double)q->vocabulary + 2) / 8));
}

static int need_tokens(struct question *q)
{
	*q->need = (struct need){ .disk = packed(q, q->tokens), .memory = PROGRAM + TOKENS };
	return 0;
}

static int shuffled(struct question *q, double tokens)
{
	uint64_t raw = needs_add(needs_times(8, whole(tokens)), STORE);
	uint64_t most = count_of(q, "shard", "memory");

	*q->need = (struct need){ .disk = packed(q, tokens),
		                      .spare = raw > most ? raw : 0,
		                      .memory = needs_add(PROGRAM, least(needs_times(2, raw), most)) };
	return 0;
}

static int need_seed_sequences(struct question *q)
{
	return shuffled(q, q->tokens * (q->share[SPLIT_SEED] + q->share[SPLIT_VALID]));
}

static int need_sequences(struct question *q)
{
	return shuffled(q, q->tokens * (q->share[SPLIT_BRANCH] + q->share[SPLIT_VALID]) /
	                       (double)(q->k ? q->k : 1));
}

/* ---------------------------------------------------------------- embedding and clusters */

static int need_embedder(struct question *q)
{
	uint64_t buckets = count_of(q, "embed", "buckets"), rows = buckets ? buckets : q->words;
	uint64_t matrix = needs_times(needs_times(rows, q->dims), 4);

	*q->need = (struct need){ .disk = needs_add(STORE, matrix),
		                      .memory = needs_add(PROGRAM + READING, needs_times(2, matrix)) };
	return 0;
}

static uint64_t vector_bytes(const struct question *q)
{
	return needs_times(whole(q->documents), needs_times(q->dims, 4));
}

static int need_vectors(struct question *q)
{
	uint64_t embedder;

	need_embedder(q);
	embedder = q->need->disk;
	*q->need = (struct need){ .disk = needs_add(
								  STORE, needs_add(vector_bytes(q), whole(8 * q->documents))),
		                      .memory = needs_add(PROGRAM + READING, embedder),
		                      .exact = q->c->exact_documents };
	return 0;
}

static int need_centres(struct question *q)
{
	uint64_t each = needs_times(q->dims, 4), sample = count_of(q, "cluster", "sample");
	uint64_t n = whole(q->documents * (q->share[SPLIT_SEED] + q->share[SPLIT_BRANCH]));

	if (sample)
		n = least(n, sample);
	*q->need = (struct need){ .disk = needs_add(STORE, needs_times(q->k, needs_add(each, 16))),
		                      .memory = needs_add(PROGRAM, needs_times(n, needs_add(each, 64))),
		                      .exact = true };
	return 0;
}

static int need_assignments(struct question *q)
{
	*q->need = (struct need){ .disk = needs_add(STORE, whole(16 * q->documents)),
		                      .memory = PROGRAM + (READING >> 2),
		                      .exact = q->c->exact_documents };
	return 0;
}

static int need_cards(struct question *q)
{
	need_embedder(q);
	*q->need = (struct need){ .disk = needs_add(STORE, needs_times(q->k, 16 << 10)),
		                      .memory = needs_add(PROGRAM + READING, q->need->disk) };
	return 0;
}

static int need_results(struct question *q)
{
	need_embedder(q);
	*q->need = (struct need){ .disk = needs_add(STORE, needs_times(q->k, needs_times(q->k, 64))),
		                      .memory = PROGRAM + READING / 2 + (q->k > 1 ? q->need->disk : 0) };
	return 0;
}

static const struct {
	const char *task;
	int (*need)(struct question *q);
	bool in_parts; /* its disk is shared out among the parts */
} answers[] = {
	{ "digests", need_digests, true },
	{ "duplicates", need_duplicates, false },
	{ "documents", need_documents, true },
	{ "vocabulary", need_vocabulary, false },
	{ "tokens", need_tokens, true },
	{ "embedder", need_embedder, false },
	{ "vectors", need_vectors, true },
	{ "centres", need_centres, false },
	{ "assignments", need_assignments, true },
	{ "cards", need_cards, false },
	{ "seed_sequences", need_seed_sequences, false },
	{ "sequences", need_sequences, false },
	{ "seed", need_seed, false },
	{ "expert", need_expert, false },
	{ "seed_scores", need_scores, false },
	{ "scores", need_scores, false },
	{ "results", need_results, false },
};

/* Shares of documents by the settings; of tokens that are counted, theirs. */
static void corpus_of(struct question *q)
{
	double valid = real_of(q, "tokenize", "split.valid"),
		   test = real_of(q, "tokenize", "split.test");
	double seed = real_of(q, "tokenize", "split.seed"), train = 1 - valid - test;
	double bits = log2((double)q->vocabulary + 2);

	q->documents = (double)q->c->documents;
	q->tokens = (double)q->c->bytes / (TOKEN_BYTES * bits) + q->documents;
	q->share[SPLIT_SEED] = train * seed;
	q->share[SPLIT_BRANCH] = train * (1 - seed);
	q->share[SPLIT_VALID] = valid;
	q->share[SPLIT_TEST] = test;
	if (!q->c->exact_tokens)
		return;
	q->tokens = 0;
	for (int i = 0; i < SPLIT_COUNT; i++)
		q->tokens += (double)q->c->tokens[i];
	for (int i = 0; i < SPLIT_COUNT && q->tokens > 0; i++)
		q->share[i] = (double)q->c->tokens[i] / q->tokens;
}

int needs_of(const struct needs_system *s, const struct needs_corpus *c,
             const struct stage_task *task, uint64_t k, uint32_t parts, struct need *need,
             struct cbtm_error *e)
{
	struct question q = { .s = s, .task = task, .c = c, .k = k, .need = need, .e = e };
	struct model_config model;

	*need = (struct need){ 0 };
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		if (strcmp(answers[i].task, task->name) != 0)
			continue;
		q.vocabulary = count_of(&q, "tokenize", "vocabulary.size");
		q.length = count_of(&q, "shard", "length");
		q.words = whole(WORDS_PER_ROOT * sqrt((double)c->bytes));
		q.dims = count_of(&q, "embed", "dims");
		if (imports(&q) && model_of(&q, false, &model))
			q.vocabulary = model.vocabulary;
		if (!q.dims) /* a model's hidden states */
			q.dims = model_of(&q, false, &model) ? model.width : 1024;
		corpus_of(&q);
		if (answers[i].need(&q))
			return e->name;
		/* A part is written twice: while it grows, and whole. */
		if (!need->spare)
			need->spare = answers[i].in_parts && parts ? need->disk / parts : need->disk;
	}
	return 0;
}
