/* SPDX-License-Identifier: MIT */
/* Embedding plugins: opening one, and embedding the growing prefix of a text with any of them. */
#pragma once
#include "plugin/search.h"
#include <cbtm/embed.h>

int embed_open(const char *name, const struct plugin_search *search,
               const struct cbtm_embed **embed, struct cbtm_error *e);

/*
 * The vector of a prefix that grows byte by byte (include/cbtm/embed.h, context_*). A plugin
 * without an incremental form works too: then the prefix is kept, repaired (invalid or unfinished
 * UTF-8 becomes U+FFFD) and embedded from scratch at each embed_context_vector. One thread each.
 */
struct embed_context;
struct embed_context *embed_context_new(const struct cbtm_embed *embed, const void *state,
                                        struct cbtm_error *e);
void embed_context_free(struct embed_context *c); /* NULL is fine */
int embed_context_reset(struct embed_context *c, struct cbtm_error *e);
int embed_context_add(struct embed_context *c, const char *bytes, size_t n, struct cbtm_error *e);
int embed_context_vector(struct embed_context *c, float *vector, struct cbtm_error *e);
