/* SPDX-License-Identifier: MIT */
/*
 * Packing: documents -> text EOD text EOD ..., cut into sequences of T + 1 tokens that do not
 * overlap (inputs are the first T, targets the last T); the last, unfinished one is dropped.
 * Nothing is added at cuts.
 */
#pragma once
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

/* A finished sequence; valid during the call that hands it over. */
struct sequence {
	const uint32_t *ids; /* T + 1 */
	const uint32_t *boundary;
	size_t boundaries; /* positions where a document starts */
	const uint64_t *document;
	size_t documents; /* keys of the documents in it, in order; the first may have begun before */
};
typedef int sequence_function(void *arg, const struct sequence *s, struct cbtm_error *e);

struct packer;
/* `length` = T >= 1. Hands each finished sequence to each(arg, ...), whose errors end pack_document. */
int packer_new(uint64_t length, uint32_t eod, sequence_function *each, void *arg, struct packer **p,
               struct cbtm_error *e);
void packer_free(struct packer *p); /* NULL is fine */
int pack_document(struct packer *p, uint64_t key, const uint32_t *ids, size_t n,
                  struct cbtm_error *e);
