/* SPDX-License-Identifier: MIT */
/*
 * Finite state entropy, zstd's code for symbols with counts that are no powers of two (RFC 8878,
 * section 4.1; J. Duda, "Asymmetric numeral systems", 2013). Only what a writer needs. A stream is
 * read from its end: the last symbol is put first.
 */
#pragma once
#include "store/bits.h"
#include <stddef.h>

enum { FSE_LOG_MAX = 9, FSE_SYMBOLS = 64 };

struct fse {
	unsigned log; /* 2^log states; 0: only one symbol is there, which takes no bits */
	uint16_t share[FSE_SYMBOLS]; /* of the states */
	uint16_t next[1 << FSE_LOG_MAX];
	struct {
		int32_t bits; /* (state + bits) >> 16: how many are put */
		int32_t from; /* next[(state >> that) + from]: the next state */
	} symbol[FSE_SYMBOLS];
};

/* A code for symbols 0 .. n - 1 (n <= FSE_SYMBOLS) with these counts, some of which is not 0. `log`
 * is from 5 to FSE_LOG_MAX and 2^log > n. */
void fse_make(struct fse *f, const uint32_t *count, size_t n, unsigned log);

/* Writes what a reader needs to make the same code of several symbols; returns the end. At most
 * FSE_SYMBOLS x (log + 2) bits. */
unsigned char *fse_describe(const struct fse *f, unsigned char *to);

/* The state of a stream whose last symbol it is. */
static inline uint32_t fse_begin(const struct fse *f, unsigned symbol)
{
	int32_t bits = f->symbol[symbol].bits, n = (bits + (1 << 15)) >> 16;

	return f->next[(((n << 16) - bits) >> n) + f->symbol[symbol].from];
}

static inline uint32_t fse_put(const struct fse *f, struct bits *b, uint32_t state, unsigned symbol)
{
	unsigned n = (unsigned)((int32_t)state + f->symbol[symbol].bits) >> 16;

	bits_put(b, state & ((1u << n) - 1), n);
	return f->next[(int32_t)(state >> n) + f->symbol[symbol].from];
}

static inline void fse_end(const struct fse *f, struct bits *b, uint32_t state)
{
	bits_put(b, state & ((1u << f->log) - 1), f->log);
}
