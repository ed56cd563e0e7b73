/* SPDX-License-Identifier: MIT */
/* Which documents of a corpus have a text that an earlier one has, exactly. */
#pragma once
#include "store/dataset.h"

enum { DUPLICATES_MEMORY = 1 << 30 }; /* bytes of the table that the stage uses */

/*
 * Reads all digests (kind "digests") and writes which rows are to be left out (kind "duplicates"):
 * all but the first of equal texts in the order of (part, row), which is that of (file, place in
 * it): so the result depends on no cut into parts. Texts are equal if their XXH3-128 are.
 *
 * Memory: a table of at most `memory` bytes, and a bit for each document. Where the table cannot
 * hold all texts, the digests are read several times, each time for a share of them.
 * STOPPED between two parts; nothing is committed before the end.
 */
int duplicates_find(const struct dataset *digests, uint64_t memory, struct store_writer *out,
                    struct cbtm_error *e);
