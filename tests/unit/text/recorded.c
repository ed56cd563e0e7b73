/* SPDX-License-Identifier: MIT */
#include "text/recorded.h"
#include "text/bpe_train.h"
#include "text/recorded_bpe.h"
#include <stdlib.h>
#include <string.h>

struct bpe *recorded_vocabulary(void)
{
	static const struct bpe_training training = { .size = RECORDED_SIZE,
		                                          .choice = { .eod = "", .bos = "" } };
	struct cbtm_error e = { 0 };
	struct bpe_pieces p = { 0 };
	struct bpe *b = NULL;

	for (size_t i = 0; i < sizeof recorded_corpus / sizeof *recorded_corpus; i++)
		bpe_pieces_text(&p, recorded_corpus[i], strlen(recorded_corpus[i]), &e);
	if (e.name || bpe_train(&p, &training, &b, &e))
		abort();
	bpe_pieces_free(&p);
	return b;
}

const char *recorded_merge_list(void)
{
	return recorded_merges;
}
