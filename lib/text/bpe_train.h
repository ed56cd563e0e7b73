/* SPDX-License-Identifier: MIT */
/*
 * Training a byte-level BPE (Sennrich et al. 2016) as Hugging Face's BpeTrainer does, ties
 * included, with the alphabet of all bytes: the special tokens come first, then the bytes by GPT-2's
 * code point for them, then the merges' results.
 */
#pragma once
#include "text/bpe.h"
#include "text/bpe_pieces.h"

struct bpe_training {
	uint32_t size;          /* tokens of the vocabulary, all counted; no merge where it is small */
	uint64_t min_frequency; /* a pair that occurs less often is not merged; 0 and 1: all are */
	const char *const *special; /* names, different */
	uint32_t specials;          /* how many; 0: "<|endoftext|>" alone */
	struct bpe_choice choice;
};

/*
 * A vocabulary of t->size tokens or fewer, if no pair is left: merges the pair with the largest
 * count, ties to the lower left, then right id. Does not depend on the pieces' order. BAD_DATA for
 * a special token that is the name of a byte or of what a merge makes.
 *
 * Memory beside the pieces: 20 bytes a different piece and 4 a byte of it; 4 for each place where a
 * pair stood or came about (at most 12 bytes a byte, twice that while the list grows); 60 a pair. It
 * does not grow with how often pieces occur.
 */
int bpe_train(const struct bpe_pieces *p, const struct bpe_training *t, struct bpe **bpe,
              struct cbtm_error *e);
