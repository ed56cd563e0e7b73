/* SPDX-License-Identifier: MIT */
/*
 * Parameters (include/cbtm/param.h): text -> checked values in an options struct, and back to
 * one canonical text that fingerprints, command lines and manuals share.
 */
#pragma once
#include "base/buffer.h"
#include "base/memory.h"
#include <cbtm/param.h>

const struct cbtm_param *param_find(const struct cbtm_param *table, const char *name);
/* The nearest name in the table by edit distance, NULL if none is near. */
const struct cbtm_param *param_nearest(const struct cbtm_param *table, const char *name);
/* "seed.tokens" -> "seed-tokens", into buf. */
void param_option_name(const struct cbtm_param *p, char *buf, size_t n);

/* Writes defaults of all rows into `options`; strings and lists live in the arena. */
int param_defaults(const struct cbtm_param *table, void *options, struct arena *a,
                   struct cbtm_error *e);
/*
 * Parses one value into options; checks type, range (max below min: no upper limit) and choice. Lists
 * are "a,b,c" or "[a, b, c]", at most 4096 items; an item with blanks at its ends, commas, brackets or
 * quotes stands in double quotes, \" and \\ inside. On failure a CONFIG or USAGE (`error`) that
 * names `where`, the value and what is allowed.
 */
int param_parse(const struct cbtm_param *p, const char *text, void *options, struct arena *a,
                enum cbtm_error_name error, const char *where, struct cbtm_error *e);
/* The same for a list given as separate items. */
int param_parse_list(const struct cbtm_param *p, const char *const *items, size_t n, void *options,
                     struct arena *a, enum cbtm_error_name error, const char *where,
                     struct cbtm_error *e);
/* The value of a TEXT row; it lives as long as the options. */
const char *param_text(const struct cbtm_param *p, const void *options);
/* Canonical text: 6000000, 0.1, true, "[0.05,0.1]". Equal values print alike. */
int param_print(const struct cbtm_param *p, const void *options, struct buffer *out,
                struct cbtm_error *e);
/* What is allowed, for people: "a count, 1 to 4096", "one of nearest, priced". */
void param_allowed(const struct cbtm_param *p, char *buf, size_t n);
