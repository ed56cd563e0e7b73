/* SPDX-License-Identifier: MIT */
/*
 * Training a byte-level BPE (Sennrich et al. 2016) as Hugging Face's BpeTrainer does, ties
 * included, with special_tokens = ["<|endoftext|>"] and the alphabet of all bytes: id 0 is
 * <|endoftext|>, 1 to 256 are the bytes by GPT-2's code point for them, then the merges' results.
 */
#pragma once
#include "text/bpe.h"
#include "text/strings.h"

/* The pre-tokenizer's pieces of texts, and how often each occurs. {0} is empty. */
struct bpe_pieces {
	struct strings piece;
	uint64_t *count; /* piece.n */
	size_t cap;
};
void bpe_pieces_free(struct bpe_pieces *p); /* leaves {0} */
int bpe_pieces_text(struct bpe_pieces *p, const char *text, size_t n, struct cbtm_error *e);
/* Adds all of `more`. */
int bpe_pieces_add(struct bpe_pieces *p, const struct bpe_pieces *more, struct cbtm_error *e);

/*
 * A vocabulary of `size` tokens (at least 257) or fewer, if no pair is left: merges the pair with
 * the largest count, ties to the lower left, then right id. Does not depend on the pieces' order.
 */
int bpe_train(const struct bpe_pieces *p, uint32_t size, struct bpe **bpe, struct cbtm_error *e);
