/* SPDX-License-Identifier: MIT */
/*
 * The order in which sequences are trained on: the i-th sequence of a run, for any i, whatever was
 * read before, so that a resumed run goes on where it stood. The first pass is the stored order
 * (shard has shuffled it); each later pass takes groups of ORDER_GROUP rows in another order, and
 * the rows of a group in another order, by keys of (seed, pass). One group is in memory.
 */
#pragma once
#include "base/error.h"
#include "store/store.h"

enum { ORDER_GROUP = 4096 };

struct order;
/* Over the column (T + 1 ids a row) of a store, which must outlive it. EMPTY_CORPUS if it has no row.
 * Free with order_close. */
int order_open(const struct store *s, const char *column, uint64_t seed, struct order **o,
               struct cbtm_error *e);
void order_close(struct order *o); /* NULL is fine */
uint64_t order_rows(const struct order *o);
uint64_t order_width(const struct order *o); /* T + 1 */

/* The i-th sequence's ids, valid until the next call. */
int order_read(struct order *o, uint64_t i, const uint32_t **ids, struct cbtm_error *e);
