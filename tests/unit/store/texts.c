/* SPDX-License-Identifier: MIT */
#include "store/texts.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next(uint64_t *x)
{
	*x = *x * 6364136223846793005u + 1442695040888963407u;
	return *x >> 33;
}

/* A number below n, small ones more often. */
static uint64_t skewed(uint64_t *x, uint64_t n)
{
	uint64_t below = 1 + next(x) % n;

	below = 1 + next(x) % below;
	return next(x) % below;
}

static void put_words(unsigned char *to, size_t n, unsigned char first, uint64_t *x)
{
	for (size_t i = 0; i < n;) {
		uint64_t word = skewed(x, 3000), letters = word * 0x9e3779b97f4a7c15u;

		for (uint64_t j = 0; j < 2 + word % 9 && i < n; j++, letters /= 26)
			to[i++] = (unsigned char)(first + letters % 26);
		if (i < n)
			to[i++] = (unsigned char)(first - 1);
	}
}

static void put_lines(unsigned char *to, size_t n, uint64_t *x)
{
	size_t begin = 0;

	for (size_t i = 0; i < n; begin = i) {
		size_t length = 1 + next(x) % 60, from = begin ? next(x) % begin : 0;

		for (size_t j = 0; j < 4 * (length % 8) && i < n; j++)
			to[i++] = ' ';
		for (size_t j = 0; j < length && i < n; j++, i++)
			to[i] = from + j < begin && next(x) % 40 ? to[from + j]
			                                         : (unsigned char)(33 + next(x) % 90);
		if (i < n)
			to[i++] = '\n';
	}
}

static void put(unsigned char *to, size_t n, enum texts_kind kind, uint64_t *x)
{
	switch (kind) {
	case TEXTS_WORDS:
		put_words(to, n, 'a', x);
		break;
	case TEXTS_LINES:
		put_lines(to, n, x);
		break;
	case TEXTS_CHANGE:
		put(to, n / 3, TEXTS_WORDS, x);
		put(to + n / 3, n / 3, TEXTS_RANDOM, x);
		put_words(to + n / 3 * 2, n - n / 3 * 2, 0xc0, x);
		break;
	case TEXTS_FAR:
		put(to, n, TEXTS_RANDOM, x);
		memcpy(to + n - n / 8, to, n / 8);
		break;
	default:
		for (size_t i = 0; i < n; i++) {
			uint64_t id = skewed(x, 50000), r = next(x);
			unsigned char of_kind[TEXTS_KINDS] = {
				[TEXTS_RANDOM] = (unsigned char)r,
				[TEXTS_IDS] = (unsigned char)(i % 2 ? 0 : id),
				[TEXTS_RUN] = 'x',
				[TEXTS_PERIOD] = (unsigned char)(r % 5000 ? (i % 7) * 31 : r / 5000),
				[TEXTS_RARE] = (unsigned char)(r ? __builtin_ctzll(r) * 11 + (int)(id & 7) : 255)
			};
			to[i] = of_kind[kind];
			if (kind == TEXTS_IDS && i + 1 < n)
				to[++i] = (unsigned char)(id >> 8);
		}
	}
}

unsigned char *texts_make(enum texts_kind kind, size_t n, unsigned seed)
{
	unsigned char *to = malloc(n + 1);
	uint64_t x = seed;

	if (to)
		put(to, n, kind, &x);
	return to;
}
