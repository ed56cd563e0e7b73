/* SPDX-License-Identifier: MIT */
/*
 * The words of a text that grows by bytes, cut anywhere: those that no further byte can change are
 * handed out once, those of the open tail whenever they are asked for. Together they are the words
 * of the whole text so far, decoded with U+FFFD for what is invalid or unfinished.
 *
 * What is behind the last sure border is the tail. A sure border is a character that is no word
 * character and that the lower-casing of a capital sigma does not look through: so the words on
 * both sides are those of the two texts by themselves.
 */
#pragma once
#include <cbtm/host.h>

/* struct cbtm_prefix: one text; used by one thread at a time. */
struct cbtm_prefix *prefix_new(struct cbtm_error *e); /* free with prefix_free */
void prefix_free(struct cbtm_prefix *p);              /* NULL is fine */
/* Starts an empty text. */
void prefix_reset(struct cbtm_prefix *p);
/* The next n bytes. Calls each(arg, word, bytes) for every word that is closed now, in order; its
 * result is not looked at. */
int prefix_add(struct cbtm_prefix *p, const char *bytes, size_t n, cbtm_word_function *each,
               void *arg, struct cbtm_error *e);
/* Calls each(arg, word, bytes) for every word of the tail, as if the text ended here. */
int prefix_tail(struct cbtm_prefix *p, cbtm_word_function *each, void *arg, struct cbtm_error *e);
