/* SPDX-License-Identifier: MIT */
/*
 * GPT-2's pre-tokenizer: text -> pieces inside which byte pairs are merged. The pattern is
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * with the classes of lib/text/unicode.h. Invalid UTF-8 counts as neither letter, number nor space.
 */
#pragma once
#include "text/scan.h"
#include <stddef.h>
#include <stdint.h>

/* The end of the piece that begins at s[at], at < n. `flags`: unicode_flags(). The end of s is the
 * end of the text: pieces must not be looked for in a part of it. */
size_t pretoken_end(const uint8_t *flags, const char *s, size_t n, size_t at);

/* The pieces of a text, many at a time: the fast way. */
struct pretoken {
	struct scan scan;
	size_t start, n;
	size_t end[SCAN_BYTES];
};
/* The text must live on, and *p stay where it is. */
void pretoken_begin(struct pretoken *p, const char *text, size_t n);
/* How many of the next pieces' ends are in p->end, in order; 0 behind the last. The first piece
 * begins where the last one of the call before ended. */
size_t pretoken_next(struct pretoken *p);
