/* SPDX-License-Identifier: MIT */
/* Small datasets of documents, vectors and tokens, rows following from their number. */
#pragma once
#include "store/dataset.h"
#include "store/split.h"

enum { SAMPLE_DIMS = 3 };

/*
 * Below `folder`: documents, vectors and tokens of `rows` documents in `parts` parts. Document i has
 * the key 1000 + i, the text "text i", the metadata {"n":i mod 3}, the split i mod 4, i tokens, and
 * the vector of one 1 at i mod 3, or a zero vector if i mod 10 is 9.
 */
void sample_corpus(const char *folder, uint32_t parts, uint64_t rows);
/* Opens one of them; the test fails if that fails. */
struct dataset *sample_dataset(const char *folder, const char *name);
