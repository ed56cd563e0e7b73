/* SPDX-License-Identifier: MIT */
/* Texts that break pre-tokenizers and caches, made at random, and the slow way to cut and encode. */
#pragma once
#include "text/bpe.h"

enum { TORTURE_TEXTS = 6 };

/* Some texts in one piece of memory, exactly as large so that AddressSanitizer sees reads behind. */
struct torture {
	char *text;
	size_t n, start[TORTURE_TEXTS], stop[TORTURE_TEXTS], texts;
};
/* number: which; about `bytes` bytes at most. Gaps lie between the texts of every second. */
struct torture torture_make(uint64_t number, size_t bytes);
void torture_free(struct torture *t);

/* One byte a position 0 .. n: whether a piece of a text starts or ends there; 2 outside texts. */
unsigned char *torture_starts(const struct torture *t);
/* The ids of all texts, piece by piece without a cache; end[i] as bpe_encode_batch has it. */
void torture_encode(const struct bpe *b, const struct torture *t, struct bpe_ids *ids,
                    size_t end[TORTURE_TEXTS]);

/* Vocabularies: as recorded; with ids beyond 16 bits; with ranks reversed, so that symbols are there
 * which no text is encoded to. */
enum torture_vocabulary { TORTURE_RECORDED, TORTURE_WIDE, TORTURE_REVERSED, TORTURE_VOCABULARIES };
struct bpe *torture_vocabulary(enum torture_vocabulary which);

struct encode_kernel;
/* Encodes many of them with a kernel, and compares. */
void torture_check(const struct encode_kernel *kernel, enum torture_vocabulary which);
