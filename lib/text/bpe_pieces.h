/* SPDX-License-Identifier: MIT */
/*
 * The pre-tokenizer's pieces of texts, and how often each occurs: what a vocabulary is trained on.
 * Short pieces lie in a table of 32-byte entries, which are looked up many at a time so that
 * memory's latency is hidden; long ones (few) in a set of strings. Memory: at most 64 bytes a
 * different short piece (96 while the table grows), and the long ones' bytes.
 */
#pragma once
#include "text/strings.h"
#include <stdbool.h>

enum { BPE_PIECE_SHORT = 16 };

struct bpe_piece {
	uint64_t key[2]; /* its bytes, zeros behind them */
	uint64_t count;  /* 0: an empty entry */
	uint64_t n;      /* bytes */
};

/* {0} is empty. */
struct bpe_pieces {
	struct bpe_piece *slot;
	size_t slots;  /* a power of two, or 0 */
	size_t shorts; /* different short pieces */
	struct strings longs;
	uint64_t *count; /* longs.n */
	size_t cap;
};
void bpe_pieces_free(struct bpe_pieces *p); /* leaves {0} */
/* Different pieces. */
static inline size_t bpe_pieces_size(const struct bpe_pieces *p)
{
	return p->shorts + p->longs.n;
}

/* Counts a text's pieces. */
int bpe_pieces_text(struct bpe_pieces *p, const char *text, size_t n, struct cbtm_error *e);
/* Counts `count` (> 0) more of one piece, n > 0. */
int bpe_pieces_count(struct bpe_pieces *p, const char *piece, size_t n, uint64_t count,
                     struct cbtm_error *e);
/* Adds all of `more`. */
int bpe_pieces_add(struct bpe_pieces *p, const struct bpe_pieces *more, struct cbtm_error *e);

/* Walks the pieces in no particular order: start with *cursor = 0. False at the end. */
bool bpe_pieces_next(const struct bpe_pieces *p, size_t *cursor, const char **piece, size_t *n,
                     uint64_t *count);
