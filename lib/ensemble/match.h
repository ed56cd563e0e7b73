/* SPDX-License-Identifier: MIT */
/*
 * Do a system's datasets belong together? Each part says in its facts what it was made from and
 * for; by hand, any folder can be given for any other.
 */
#pragma once
#include "ensemble/system.h"

/* How documents were scored: the same for all scores of a system. */
struct match_window {
	char name[16];   /* "truncate" or "stride" */
	uint64_t length; /* T */
};

/*
 * Checks: one vocabulary behind tokens, vocabulary and all scores; scores of one window and length;
 * score j and expert j of cluster j of k. BAD_DATA naming the store and both values.
 */
int match_datasets(const struct system_datasets *in, struct match_window *window,
                   struct cbtm_error *e);

/* The text fact `name` of a part must be `want`: BAD_DATA "... WHAT ..., expected ..." if not. */
int match_text(const struct store *s, const char *name, const char *want, struct cbtm_error *e);
