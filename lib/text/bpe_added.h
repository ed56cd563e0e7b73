/* SPDX-License-Identifier: MIT */
/*
 * Added tokens: found in text before it is cut into pieces, the leftmost first and the longest of
 * those that begin there, as Hugging Face's AddedVocabulary does it. Two passes: tokens that are
 * not NORMALIZED, then the others in what is left.
 */
#pragma once
#include "text/bpe.h"

/* Sets b->added from the symbols' flags: NULL if no token of the text could be one. BAD_DATA for
 * two of the same name and for an empty or too long name. */
int bpe_added_make(struct bpe *b, const char *where, struct cbtm_error *e);
void bpe_added_free(struct bpe_added *a); /* NULL is fine */
