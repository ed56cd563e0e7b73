/* SPDX-License-Identifier: MIT */
/* The vocabulary that tokenize is told to use: one of files, or one trained on the corpus. */
#pragma once
#include "base/pool.h"
#include "text/bpe.h"
#include <cbtm/param.h>

struct vocabulary_rules {
	uint64_t size, min_frequency; /* of one that is trained */
	struct cbtm_texts special;    /* its special tokens, in front of all others */
	const char *vocab, *merges;   /* files to import instead; "" */
	const char *tokenizer;        /* tokenizer.json, or a dataset of a vocabulary: the same again */
	const char *eod, *bos;        /* as in struct bpe_choice */
	int match_special;
};

/* Whether it is trained: no file is named. */
bool vocabulary_is_trained(const struct vocabulary_rules *r);
/* CONFIG for files that do not go together, and for special tokens that cannot be told apart. */
int vocabulary_check(const struct vocabulary_rules *r, struct cbtm_error *e);
/* Imports it, or trains it on the train documents (corpus_vocabulary). Free with bpe_free. */
int vocabulary_make(const struct vocabulary_rules *r, const struct dataset *documents,
                    struct pool *pool, struct bpe **bpe, struct cbtm_error *e);
