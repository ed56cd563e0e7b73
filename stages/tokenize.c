/* SPDX-License-Identifier: MIT */
/* Text files -> documents -> a vocabulary -> token ids. */
#include "base/error.h"
#include "stage/stage.h"
#include "text/corpus.h"
#include "text/duplicates.h"
#include "text/ingest.h"
#include "text/vocabulary.h"
#include "tokenize_options.h"
#include "tokenize_source.h"

static bool deduplicates(const void *options, uint64_t k)
{
	(void)k;
	return ((const struct options *)options)->deduplicate;
}

static struct ingest ingest_of(const struct stage_run *run)
{
	const struct options *o = run->options;

	return (struct ingest){ .source = run->source,
		                    .part = run->part,
		                    .rules = &o->rules,
		                    .pool = run->pool,
		                    .out = run->out };
}

static int digests(struct stage_run *run, struct cbtm_error *e)
{
	struct ingest in = ingest_of(run);
	return ingest_digests(&in, e);
}

static int duplicates(struct stage_run *run, struct cbtm_error *e)
{
	if (store_rows(run->out, "dropped"))
		return 0; /* committed whole */
	return duplicates_find(stage_input(run, "digests"), DUPLICATES_MEMORY, run->out, e);
}

/* For a run with the input "vocabulary". */
static int open_encoding(struct stage_run *run, struct encoding **encoding, struct cbtm_error *e)
{
	struct dataset *v = stage_input(run, "vocabulary");

	return encoding_open(v, stage_kept(run, dataset_part_fingerprint(v, 0)),
	                     pool_threads(run->pool), run->out, encoding, e);
}

static int documents(struct stage_run *run, struct cbtm_error *e)
{
	const struct options *o = run->options;
	struct ingest in = ingest_of(run);

	in.duplicates = stage_input(run, "duplicates");
	in.folder = run->out_dir;
	if (!(run->along && open_encoding(run->along, &in.tokens, e)) && !ingest_part(&in, e) &&
	    run->parts == 1 && !store_rows(run->out, "key"))
		error_set(e, CBTM_ERR_EMPTY_CORPUS, o->input.v[0], "the input holds no document");
	encoding_free(in.tokens);
	return e->name;
}

static bool trains(const void *options, uint64_t k)
{
	(void)k;
	return vocabulary_is_trained(&((const struct options *)options)->vocabulary);
}

static void forget(void *bpe)
{
	bpe_free(bpe);
}

static int vocabulary(struct stage_run *run, struct cbtm_error *e)
{
	const struct vocabulary_rules *rules = &((const struct options *)run->options)->vocabulary;
	struct dataset *documents = trains(run->options, 1) ? stage_input(run, "documents") : NULL;
	struct bpe *bpe = NULL;

	if (store_rows(run->out, "symbol"))
		return 0; /* committed whole */
	if (!vocabulary_make(rules, documents, run->pool, &bpe, e) && !bpe_save(bpe, run->out, e) &&
	    !store_commit(run->out, NULL, 0, e))
		stage_keep(run, bpe, forget);
	else
		bpe_free(bpe);
	return e->name;
}

static int tokens(struct stage_run *run, struct cbtm_error *e)
{
	struct encoding *encoding = NULL;
	struct store *s = NULL;

	if (!stage_input_part(run, "documents", &s, e) && !open_encoding(run, &encoding, e))
		corpus_encode(s, encoding, run->pool, e);
	encoding_free(encoding);
	return e->name;
}

static const struct stage_task tasks[] = {
	{ "digests",
	  "digests",
	  "take the digests of the texts, to find duplicates",
	  1,
	  EACH_PART,
	  NULL,
	  { { 0 } },
	  digests },
	{ "duplicates",
	  "duplicates",
	  "find the documents whose text an earlier one has",
	  1,
	  EACH_ONCE,
	  NULL,
	  { { "digests", READS_ALL, NULL } },
	  duplicates },
	{ "documents",
	  "documents",
	  "read the corpus, check it and split it",
	  1,
	  EACH_PART,
	  NULL,
	  { { "duplicates", READS_ALL, deduplicates } },
	  documents },
	{ "vocabulary",
	  "vocabulary",
	  "learn a vocabulary from the train documents, or import one",
	  2,
	  EACH_ONCE,
	  NULL,
	  { { "documents", READS_ALL, trains } },
	  vocabulary },
	{ "tokens",
	  "tokens",
	  "encode the documents",
	  2,
	  EACH_PART,
	  NULL,
	  { { "documents", READS_SAME_PART, NULL }, { "vocabulary", READS_ALL, NULL } },
	  tokens },
	{ 0 }
};

static int check(const void *options, uint64_t k, struct cbtm_error *e)
{
	const struct options *o = options;

	(void)k;
	return reading_check(&o->rules, e) ? (int)e->name : vocabulary_check(&o->vocabulary, e);
}

const struct cbtm_stage stage_tokenize = {
	.name = "tokenize",
	.sentence = "Read a corpus of text, learn a vocabulary and encode the documents",
	.options = params,
	.options_size = sizeof(struct options),
	.source = &source,
	.tasks = tasks,
	.together = { "documents", "tokens" },
	.check = check,
	.heap = (size_t)256 << 20,
	.example = "cbtm-tokenize --input corpus.jsonl.zst --documents work/documents "
			   "--vocabulary work/vocabulary --tokens work/tokens",
};
