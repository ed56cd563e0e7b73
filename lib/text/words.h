/* SPDX-License-Identifier: MIT */
/*
 * The paper's word analyser: scikit-learn's TfidfVectorizer (lower case as Python's str.lower,
 * token pattern (?u)\b\w\w+\b) with words that start with a digit and English stop words dropped.
 * A word is capped at WORD_POINTS code points. The parity tests name the versions.
 */
#pragma once
#include <cbtm/host.h>
#include <stdbool.h>

enum { WORD_POINTS = 256 };

/*
 * Calls each(arg, word, bytes) for every word of text (valid UTF-8), in order: lower-cased, not
 * NUL-terminated, valid during the call. Stops when `each` returns non-zero. Returns what it
 * returned last, 0 if it was never called. Keeps nothing: any thread.
 * A capital sigma is final or not by its neighbours (the Unicode rule looks through apostrophes and
 * combining marks): a text cut inside a word or between such marks may give another form of it.
 */
int words_each(const char *text, size_t n, cbtm_word_function *each, void *arg);

/* True for scikit-learn's English stop words (lower case). */
bool words_stop(const char *word, size_t n);
