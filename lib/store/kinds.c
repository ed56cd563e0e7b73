/* SPDX-License-Identifier: MIT */
/* Every kind of store, declared once. doc/store-format.md says the same in words. */
#include "store/store.h"
#include <string.h>

#define END_WITH(level)                                                                            \
	{                                                                                              \
		NULL, STORE_U8, STORE_FIXED, 0, level                                                      \
	}
#define END END_WITH(0)

/* tokenize: one row a document; all columns have the same number of rows. */
static const struct store_column documents[] = {
	{ "key", STORE_U64, STORE_FIXED, 1, -1 }, /* first 8 bytes of the id's XXH3-128 */
	{ "id", STORE_U8, STORE_VARIABLE, 0, STORE_FAST },
	{ "text", STORE_U8, STORE_VARIABLE, 0, STORE_FAST }, /* valid UTF-8 */
	{ "meta", STORE_U8, STORE_VARIABLE, 0, STORE_FAST }, /* JSON object */
	{ "split", STORE_U8, STORE_FIXED, 1, 0 },            /* enum split, text/document.h */
	END
};
/* One row a document of the source: the digest of its text. */
static const struct store_column digests[] = { { "digest", STORE_U64, STORE_FIXED, 2, -1 }, END };
/* Row = part of the source: bit i (of byte i / 8, the lowest first) says that its row i has a text
 * that was there before. */
static const struct store_column duplicates[] = { { "dropped", STORE_U8, STORE_VARIABLE, 0, 0 },
	                                              END };
static const struct store_column vocabulary[] = {
	{ "symbol", STORE_U8, STORE_VARIABLE, 0,
	  0 }, /* row = id: the bytes it stands for; special: its name */
	{ "special", STORE_U8, STORE_FIXED, 1, 0 }, /* 1: a special token, stands for no text */
	{ "added", STORE_U8, STORE_FIXED, 1, 0 },   /* bits: how it is found in text, text/bpe.h */
	{ "merge", STORE_U32, STORE_FIXED, 2, 0 },  /* row = rank: ids of the pair */
	END
};
/* Rows as in documents. Beside these the column "ids", VARIABLE, u16 or u32 by the vocabulary's
 * size: ids of the text alone, no BOS, no EOD (store/tokens.h). */
static const struct store_column tokens[] = { { "key", STORE_U64, STORE_FIXED, 1, -1 },
	                                          { "split", STORE_U8, STORE_FIXED, 1, 0 },
	                                          END_WITH(STORE_FAST) };
static const struct store_column state[] = { END }; /* named arrays of a plugin */
static const struct store_column vectors[] = { { "key", STORE_U64, STORE_FIXED, 1, 0 },
	                                           { "vector", STORE_F32, STORE_FIXED, 0, 0 },
	                                           END };
static const struct store_column centres[] = {
	{ "centre", STORE_F32, STORE_FIXED, 0, 0 },    /* k x d */
	{ "price", STORE_F64, STORE_FIXED, 1, 0 },     /* k */
	{ "documents", STORE_U64, STORE_FIXED, 1, 0 }, /* k: sizes in the fit */
	{ "tokens", STORE_U64, STORE_FIXED, 1, 0 },    /* k */
	{ "step.restart", STORE_U64, STORE_FIXED, 1, 0 },
	{ "step.objective", STORE_F64, STORE_FIXED, 1, 0 },
	{ "step.gap", STORE_F64, STORE_FIXED, 1, 0 },
	{ "step.moved", STORE_U64, STORE_FIXED, 1, 0 },
	END
};
static const struct store_column assignments[] = { { "key", STORE_U64, STORE_FIXED, 1, 0 },
	                                               { "cluster", STORE_U32, STORE_FIXED, 1, 0 },
	                                               { "distance", STORE_F32, STORE_FIXED, 1,
	                                                 0 }, /* squared, to its centre */
	                                               END };
/* cluster: what people look at, as JSON (doc/clusters.md). */
static const struct store_column cards[] = {
	{ "card", STORE_U8, STORE_VARIABLE, 0, 0 },    /* row = cluster */
	{ "field", STORE_U8, STORE_VARIABLE, 0, 0 },   /* a row a metadata field */
	{ "summary", STORE_U8, STORE_VARIABLE, 0, 0 }, /* row 0 */
	END
};
/* shard: train and held-out sequences of one cluster, shuffled. */
static const struct store_column sequences[] = {
	{ "ids", STORE_U32, STORE_FIXED, 0, 0 }, /* T + 1 */
	{ "boundary", STORE_U32, STORE_VARIABLE, 0,
	  0 }, /* positions of the sequence where a document starts */
	{ "document", STORE_U64, STORE_VARIABLE, 0, 0 }, /* keys of its documents, in order */
	{ "valid", STORE_U32, STORE_FIXED, 0, 0 },       /* T + 1, of valid documents */
	END
};
/* train: parameters as tensors named by the model, curves beside them. */
static const struct store_column checkpoint[] = { { "curve.step", STORE_U64, STORE_FIXED, 1, 0 },
	                                              { "curve.tokens", STORE_U64, STORE_FIXED, 1, 0 },
	                                              { "curve.loss", STORE_F64, STORE_FIXED, 1, 0 },
	                                              { "curve.lr", STORE_F64, STORE_FIXED, 1, 0 },
	                                              { "curve.gradient_norm", STORE_F64, STORE_FIXED,
	                                                1, 0 },
	                                              { "valid.step", STORE_U64, STORE_FIXED, 1, 0 },
	                                              { "valid.loss", STORE_F64, STORE_FIXED, 1, 0 },
	                                              END };
/* evaluate: one row a held-out document. */
static const struct store_column scores[] = {
	{ "key", STORE_U64, STORE_FIXED, 1, 0 },
	{ "split", STORE_U8, STORE_FIXED, 1, 0 },
	{ "logprob", STORE_F32, STORE_VARIABLE, 0, 0 }, /* natural log, each scored token and the EOD */
	END
};
static const struct store_column results[] = { { "results", STORE_U8, STORE_VARIABLE, 0,
	                                             0 }, /* row 0: results.json */
	                                           END };

static const struct store_kind kind_table[] = {
	{ "documents", 1, documents, false },
	{ "digests", 1, digests, false },
	{ "duplicates", 1, duplicates, false },
	{ "vocabulary", 2, vocabulary, false },
	{ "tokens", 1, tokens, true },
	{ "state", 1, state, true },
	{ "vectors", 1, vectors, false },
	{ "centres", 1, centres, true },
	{ "assignments", 1, assignments, false },
	{ "cards", 1, cards, false },
	{ "sequences", 1, sequences, false },
	{ "checkpoint", 1, checkpoint, true },
	{ "scores", 1, scores, false },
	{ "results", 1, results, false },
};
#define KINDS (sizeof kind_table / sizeof kind_table[0])

const struct store_kind *store_kind_find(const char *name)
{
	for (size_t i = 0; i < KINDS; i++)
		if (!strcmp(kind_table[i].name, name))
			return &kind_table[i];
	return NULL;
}

const struct store_kind *const *store_kinds(void)
{
	static const struct store_kind *list[KINDS + 1];
	for (size_t i = 0; i < KINDS; i++)
		list[i] = &kind_table[i];
	return list;
}
