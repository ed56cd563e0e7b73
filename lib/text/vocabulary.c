/* SPDX-License-Identifier: MIT */
#include "text/vocabulary.h"
#include "base/error.h"
#include "base/file.h"
#include "text/bpe_train.h"
#include "text/corpus.h"
#include <stdlib.h>
#include <string.h>

static struct bpe_choice choice_of(const struct vocabulary_rules *r)
{
	return (
		struct bpe_choice){ .eod = r->eod, .bos = r->bos, .match_special = r->match_special != 0 };
}

/* Whether the name of a tokenizer is that of a dataset of ours. */
static bool is_dataset(const char *folder)
{
	struct cbtm_error ignored = { 0 };
	char *manifest = path_join(folder, "DATASET.json", &ignored);
	bool there = manifest && *folder && file_exists(manifest);

	free(manifest);
	return there;
}

static int read_dataset(const char *folder, struct bpe **bpe, struct cbtm_error *e)
{
	struct dataset *d = NULL;

	if (!dataset_open(folder, store_kind_find("vocabulary"), &d, e))
		bpe_open(d, bpe, NULL, e);
	dataset_close(d);
	return e->name;
}

bool vocabulary_is_trained(const struct vocabulary_rules *r)
{
	return !*r->vocab && !*r->tokenizer;
}

int vocabulary_check(const struct vocabulary_rules *r, struct cbtm_error *e)
{
	if (!*r->vocab != !*r->merges)
		return error_set(e, CBTM_ERR_CONFIG,
		                 *r->vocab ? "tokenize.vocabulary.merges" : "tokenize.vocabulary.vocab",
		                 "vocab.json and merges.txt go together, and this one is not given");
	if (*r->vocab && *r->tokenizer)
		return error_set(e, CBTM_ERR_CONFIG, "tokenize.vocabulary.tokenizer",
		                 "a vocabulary is imported from tokenizer.json or from vocab.json and "
		                 "merges.txt, not from both");
	if (is_dataset(r->tokenizer) && (*r->eod || *r->bos || r->match_special))
		return error_set(e, CBTM_ERR_CONFIG,
		                 *r->eod   ? "tokenize.vocabulary.eod"
		                 : *r->bos ? "tokenize.vocabulary.bos"
		                           : "tokenize.vocabulary.match_special",
		                 "a vocabulary that is a dataset knows it already");
	if (!vocabulary_is_trained(r))
		return 0;
	for (size_t i = 0; i < r->special.n; i++)
		for (size_t j = 0; j <= i; j++)
			if (!*r->special.v[i] || (j < i && !strcmp(r->special.v[i], r->special.v[j])))
				return error_set(e, CBTM_ERR_CONFIG, "tokenize.vocabulary.special",
				                 "the special token \"%s\" is %s", r->special.v[i],
				                 *r->special.v[i] ? "there twice" : "empty");
	return 0;
}

int vocabulary_make(const struct vocabulary_rules *r, const struct dataset *documents,
                    struct pool *pool, struct bpe **bpe, struct cbtm_error *e)
{
	struct bpe_choice choice = choice_of(r);
	struct bpe_training training = { .size = (uint32_t)r->size,
		                             .min_frequency = r->min_frequency,
		                             .special = r->special.v,
		                             .specials = (uint32_t)r->special.n,
		                             .choice = choice };

	if (is_dataset(r->tokenizer))
		return read_dataset(r->tokenizer, bpe, e);
	if (*r->tokenizer)
		return bpe_import_tokenizer(r->tokenizer, &choice, bpe, e);
	if (*r->vocab)
		return bpe_import(r->vocab, r->merges, &choice, bpe, e);
	return corpus_vocabulary(documents, &training, pool, bpe, e);
}
