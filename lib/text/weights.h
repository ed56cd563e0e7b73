/* SPDX-License-Identifier: MIT */
/*
 * Weights of data: how often a document is trained on, by a field of its metadata. A weight of 2 gives
 * each of its tokens twice, one of 0.5 half of them. Documents are taken whole, as often as brings the
 * tokens given so far nearest to weight x tokens seen so far, for each value and cluster by itself; so
 * a share is off by less than the longest document, and depends on the documents and their order alone.
 */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include <cbtm/param.h>

struct weights;
/* `list`: "VALUE=WEIGHT", each value once, weights 0 to 1000; other values have the weight 1. `field`: a
 * dotted path in the metadata. CONFIG naming the key "weights". Free with weights_free. */
int weights_new(const char *field, const struct cbtm_texts *list, uint32_t clusters,
                struct weights **w, struct cbtm_error *e);
void weights_free(struct weights *w); /* NULL is fine */

/* How often the next document is taken: its metadata as JSON meta[0..n), its tokens, its cluster. */
int weights_take(struct weights *w, const void *meta, size_t n, uint64_t tokens, uint32_t cluster,
                 uint64_t *copies, struct cbtm_error *e);

/*
 * Appends {"field": F, "sources": [{"value": V, "weight": W, "documents", "tokens", "target",
 * "share", "target_all", "share_all"}...]}: of each value, then of all others ("value": null), what was
 * taken of the cluster's documents (copies count), the share of its tokens that the weights ask for and
 * the one that it has; the latter two of all clusters. CONFIG if no document has a value that is listed.
 */
int weights_report(const struct weights *w, uint32_t cluster, struct buffer *out,
                   struct cbtm_error *e);
