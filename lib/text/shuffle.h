/* SPDX-License-Identifier: MIT */
/*
 * Puts records into the order of 64-bit numbers, in bounded memory: pass one throws them into
 * buckets by their number's leading bits (in memory, or files when they are too many), pass two
 * sorts a bucket at a time. The order does not depend on the number of buckets; equal numbers keep
 * the order in which they came.
 */
#pragma once
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

struct shuffle;
/*
 * `expected`: bytes of all records together, about; `memory`: how many may be in memory at once
 * (a record larger than that still passes). Files lie in `folder`, without a name. Numbers should
 * be evenly distributed.
 */
int shuffle_new(const char *folder, uint64_t expected, uint64_t memory, struct shuffle **s,
                struct cbtm_error *e);
void shuffle_free(struct shuffle *s); /* NULL is fine */
/* All adds come before the first next. */
int shuffle_add(struct shuffle *s, uint64_t number, const void *record, size_t n,
                struct cbtm_error *e);
/* The next record, valid until the next call; *record = NULL at the end. 4-byte aligned if all
 * records are multiples of 4 bytes long. */
int shuffle_next(struct shuffle *s, const void **record, size_t *n, struct cbtm_error *e);
