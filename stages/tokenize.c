/* SPDX-License-Identifier: MIT */
/* Text files -> documents -> a vocabulary -> token ids. */
#include "base/error.h"
#include "stage/stage.h"
#include "text/corpus.h"
#include "text/ingest.h"
#include "text/vocabulary.h"

enum { DOCUMENTS = 1, VOCABULARY = 2 }; /* bits of used_by: tasks in order */

struct options {
	struct cbtm_texts input;
	struct ingest_rules rules;
	uint64_t part_bytes;
	struct vocabulary_rules vocabulary;
};

#define AT(field) offsetof(struct options, field)
static const struct cbtm_param params[] = {
	{ "input", CBTM_PARAM_TEXTS, AT(input), NULL, 0, 0, NULL,
	  "files, folders or globs of the corpus; plain, .gz or .zst",
	  CBTM_PARAM_REQUIRED | CBTM_PARAM_PATH | CBTM_PARAM_NO_RESULT, DOCUMENTS },
	{ "format", CBTM_PARAM_CHOICE, AT(rules.document.format), "jsonl", 0, 0, "jsonl|lines|text",
	  "a document is a JSON object a line, a line, or a file", 0, DOCUMENTS },
	{ "text", CBTM_PARAM_TEXT, AT(rules.document.text), "text", 0, 0, NULL,
	  "field of the text (dotted path)", 0, DOCUMENTS },
	{ "id", CBTM_PARAM_TEXT, AT(rules.document.id), "id", 0, 0, NULL,
	  "field of the id, a string or an integer; where missing, the text's digest", 0, DOCUMENTS },
	{ "meta", CBTM_PARAM_TEXT, AT(rules.document.meta), "meta", 0, 0, NULL, "field of the metadata",
	  0, DOCUMENTS },
	{ "split.field", CBTM_PARAM_TEXT, AT(rules.document.split_field), "", 0, 0, NULL,
	  "field with train, valid or test; without one the id decides", 0, DOCUMENTS },
	{ "split.valid", CBTM_PARAM_REAL, AT(rules.document.valid), "0.02", 0, 1, NULL,
	  "share of the documents on which choices are made", 0, DOCUMENTS },
	{ "split.test", CBTM_PARAM_REAL, AT(rules.document.test), "0.02", 0, 1, NULL,
	  "share of the documents on which results are measured", 0, DOCUMENTS },
	{ "split.seed", CBTM_PARAM_REAL, AT(rules.document.seed), "0.75", 0, 1, NULL,
	  "share of the train documents that the seed model sees; 0 with an imported seed", 0,
	  DOCUMENTS },
	{ "random_seed", CBTM_PARAM_COUNT, AT(rules.document.split_seed), "1", 0, 0, NULL,
	  "seed of the split", 0, DOCUMENTS },
	{ "bad_lines", CBTM_PARAM_COUNT, AT(rules.bad_lines), "0", 0, 0, NULL,
	  "lines of a part that may be broken (left out) or have invalid UTF-8 (repaired)",
	  CBTM_PARAM_NO_RESULT, DOCUMENTS },
	{ "line_bytes", CBTM_PARAM_COUNT, AT(rules.line_bytes), "64Mi", 1, 1 << 30, NULL,
	  "bytes of the longest line (or file of format text)", CBTM_PARAM_NO_RESULT, DOCUMENTS },
	{ "part_bytes", CBTM_PARAM_COUNT, AT(part_bytes), "1Gi", 1, 0x1p50, NULL,
	  "bytes of input files that make a part", CBTM_PARAM_NO_RESULT, DOCUMENTS },
	{ "vocabulary.size", CBTM_PARAM_COUNT, AT(vocabulary.size), "4096", 257, 1 << 24, NULL,
	  "tokens of a vocabulary trained on the corpus", 0, VOCABULARY },
	{ "vocabulary.min_frequency", CBTM_PARAM_COUNT, AT(vocabulary.min_frequency), "0", 0, 0, NULL,
	  "trained: a pair that occurs less often is not merged", 0, VOCABULARY },
	{ "vocabulary.special", CBTM_PARAM_TEXTS, AT(vocabulary.special), "[<|endoftext|>]", 0, 0, NULL,
	  "trained: special tokens, which get the first ids", 0, VOCABULARY },
	{ "vocabulary.vocab", CBTM_PARAM_TEXT, AT(vocabulary.vocab), "", 0, 0, NULL,
	  "vocab.json to import instead", CBTM_PARAM_PATH, VOCABULARY },
	{ "vocabulary.merges", CBTM_PARAM_TEXT, AT(vocabulary.merges), "", 0, 0, NULL,
	  "merges.txt beside it", CBTM_PARAM_PATH, VOCABULARY },
	{ "vocabulary.tokenizer", CBTM_PARAM_TEXT, AT(vocabulary.tokenizer), "", 0, 0, NULL,
	  "tokenizer.json to import instead: a byte-level BPE", CBTM_PARAM_PATH, VOCABULARY },
	{ "vocabulary.match_special", CBTM_PARAM_BOOL, AT(vocabulary.match_special), "false", 0, 0,
	  NULL, "special tokens are found in text too; else their names are ordinary text", 0,
	  VOCABULARY },
	{ "vocabulary.eod", CBTM_PARAM_TEXT, AT(vocabulary.eod), "", 0, 0, NULL,
	  "special token that ends a document (default <|endoftext|>, else </s>)", 0, VOCABULARY },
	{ "vocabulary.bos", CBTM_PARAM_TEXT, AT(vocabulary.bos), "", 0, 0, NULL,
	  "special token that begins a text, if any", 0, VOCABULARY },
	CBTM_PARAM_END
};

static int plan(const void *options, void **source, uint32_t *parts, struct cbtm_error *e)
{
	const struct options *o = options;
	struct source *s;

	if (source_plan(o->input.v, o->input.n, o->part_bytes,
	                o->rules.document.format == DOCUMENT_TEXT, &s, e))
		return e->name;
	*source = s;
	*parts = s->parts;
	return 0;
}

static int slice_digest(void *source, uint32_t part, struct digest *d, struct cbtm_error *e)
{
	return source_digest(source, part, d, e);
}

static void plan_free(void *source)
{
	source_free(source);
}

static const struct stage_source source = { plan, slice_digest, plan_free };

static int documents(struct stage_run *run, struct cbtm_error *e)
{
	const struct options *o = run->options;

	if (ingest_part(run->source, run->part, &o->rules, run->pool, run->out, e))
		return e->name;
	if (run->parts == 1 && !store_rows(run->out, "key"))
		return error_set(e, CBTM_ERR_EMPTY_CORPUS, o->input.v[0], "the input holds no document");
	return 0;
}

static bool trains(const void *options, uint64_t k)
{
	(void)k;
	return vocabulary_is_trained(&((const struct options *)options)->vocabulary);
}

static int vocabulary(struct stage_run *run, struct cbtm_error *e)
{
	const struct vocabulary_rules *rules = &((const struct options *)run->options)->vocabulary;
	struct dataset *documents = trains(run->options, 1) ? stage_input(run, "documents") : NULL;
	struct bpe *bpe = NULL;

	if (store_rows(run->out, "symbol"))
		return 0; /* committed whole */
	if (!vocabulary_make(rules, documents, run->pool, &bpe, e) && !bpe_save(bpe, run->out, e))
		store_commit(run->out, NULL, 0, e);
	bpe_free(bpe);
	return e->name;
}

static int tokens(struct stage_run *run, struct cbtm_error *e)
{
	char content[DIGEST_HEX];
	struct store *s = NULL;
	struct bpe *bpe = NULL;

	if (!stage_input_part(run, "documents", &s, e) &&
	    !bpe_open(stage_input(run, "vocabulary"), &bpe, content, e))
		corpus_encode(s, bpe, content, run->pool, run->out, e);
	bpe_free(bpe);
	return e->name;
}

static const struct stage_task tasks[] = {
	{ "documents",
	  "documents",
	  "read the corpus, check it and split it",
	  1,
	  EACH_PART,
	  NULL,
	  { { 0 } },
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
	  1,
	  EACH_PART,
	  NULL,
	  { { "documents", READS_SAME_PART, NULL }, { "vocabulary", READS_ALL, NULL } },
	  tokens },
	{ 0 }
};

static int check(const void *options, uint64_t k, struct cbtm_error *e)
{
	const struct options *o = options;
	const struct document_rules *d = &o->rules.document;

	(void)k;
	if (d->valid + d->test >= 1)
		return error_set(e, CBTM_ERR_CONFIG, "tokenize.split",
		                 "valid and test are %g of the documents: nothing is left to train on",
		                 d->valid + d->test);
	return vocabulary_check(&o->vocabulary, e);
}

const struct cbtm_stage stage_tokenize = {
	.name = "tokenize",
	.sentence = "Read a corpus of text, learn a vocabulary and encode the documents",
	.options = params,
	.options_size = sizeof(struct options),
	.source = &source,
	.tasks = tasks,
	.check = check,
	.example = "cbtm-tokenize --input corpus.jsonl.zst --documents work/documents "
			   "--vocabulary work/vocabulary --tokens work/tokens",
};
