/* SPDX-License-Identifier: MIT */
/*
 * Clusters against fields of the documents' metadata: a contingency table for each field.
 *
 * A field is a path through the metadata's objects, "domain" or "source.name"; "meta." before it
 * may be there or not. A member whose name is the whole rest of the path goes before a way through
 * objects. A value is its text: a string's characters, JSON of anything else, cut after
 * CARD_VALUE_BYTES. null and a field that is not there count as missing.
 */
#pragma once
#include "base/buffer.h"
#include <cbtm/param.h>

enum { CARD_VALUE_BYTES = 256 };

struct card_fields;
/* Counts of at most so many pairs of value and cluster are kept for each field (text/tally.h). */
struct card_fields *card_fields_new(const struct cbtm_texts *fields, uint32_t k, size_t most_pairs,
                                    struct cbtm_error *e);
void card_fields_free(struct card_fields *f); /* NULL is fine */
/* A document's metadata, a JSON object. */
int card_fields_add(struct card_fields *f, uint32_t cluster, const char *meta, size_t n,
                    struct cbtm_error *e);
/* The i-th field as JSON (doc/clusters.md), with its `most` largest values; once for each. */
int card_fields_put(struct card_fields *f, size_t i, size_t most, struct buffer *json,
                    struct cbtm_error *e);
