/* SPDX-License-Identifier: MIT */
/* Bytes of many kinds, for tests of what compresses them. */
#pragma once
#include <stddef.h>

enum texts_kind {
	TEXTS_RANDOM, /* nothing to gain */
	TEXTS_WORDS,  /* words, some far more often than others */
	TEXTS_IDS,    /* the same of 16-bit numbers */
	TEXTS_RUN,    /* one byte */
	TEXTS_PERIOD, /* few bytes over and over, which now and then change */
	TEXTS_LINES,  /* indented lines, most of them like one before */
	TEXTS_RARE,   /* all bytes, each half as often as the one before it */
	TEXTS_FAR,    /* random, and at its end the beginning again */
	TEXTS_CHANGE, /* words, then random bytes, then words spelt with other bytes */
	TEXTS_KINDS
};

/* n bytes that follow from the arguments. Free with free(). */
unsigned char *texts_make(enum texts_kind kind, size_t n, unsigned seed);
