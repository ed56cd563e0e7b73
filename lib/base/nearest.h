/* SPDX-License-Identifier: MIT */
/* "Did you mean ...?": the nearest known word to a mistyped one. */
#pragma once
#include <stddef.h>

/* Edits (insert, delete, replace, swap of neighbours) that turn a into b; '-', '_' and '.' count
 * as one letter. Words over 63 bytes are never near: SIZE_MAX. */
size_t nearest_distance(const char *a, const char *b);
/* The one of n words that is nearest to `word`, the first of equals; NULL if none is near
 * (an edit for every three letters). NULL entries are passed over. */
const char *nearest_word(const char *word, const char *const *words, size_t n);
