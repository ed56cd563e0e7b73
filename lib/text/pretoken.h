/* SPDX-License-Identifier: MIT */
/*
 * GPT-2's pre-tokenizer: text -> pieces inside which byte pairs are merged. The pattern is
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * with the classes of lib/text/unicode.h. Invalid UTF-8 counts as neither letter, number nor space.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* The end of the piece that begins at s[at], at < n. `flags`: unicode_flags(). The end of s is the
 * end of the text: pieces must not be looked for in a part of it. */
size_t pretoken_end(const uint8_t *flags, const char *s, size_t n, size_t at);
