/* SPDX-License-Identifier: MIT */
/* Cluster cards out of their store: a page for people, at most 100 columns wide, and JSON. */
#pragma once
#include "base/buffer.h"
#include "store/store.h"

/* A store of kind "cards" as text, appended; `documents` of the nearest and of the farthest are shown
 * for each cluster. BAD_STORE if it does not hold what doc/clusters.md says. */
int card_page(const struct store *s, uint64_t documents, struct buffer *out, struct cbtm_error *e);
/* The same store as {"summary": {...}, "clusters": [...], "fields": [...]}. */
int card_json(const struct store *s, struct buffer *out, struct cbtm_error *e);
