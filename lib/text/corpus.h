/* SPDX-License-Identifier: MIT */
/* From "documents" to a vocabulary and to "tokens". */
#pragma once
#include "base/pool.h"
#include "store/dataset.h"
#include "text/bpe_train.h"
#include "text/encoding.h"

/*
 * Trains a vocabulary on the train documents (splits seed and branch) of all
 * parts. EMPTY_CORPUS if there is none. Does not depend on threads and parts. Free with bpe_free.
 */
int corpus_vocabulary(const struct dataset *documents, const struct bpe_training *training,
                      struct pool *pool, struct bpe **bpe, struct cbtm_error *e);

/*
 * Encodes a part: appends rows key, split, ids behind those that the encoding's part holds, committing
 * as it goes, and finishes it. STOPPED after a commit.
 */
int corpus_encode(const struct store *documents, struct encoding *encoding, struct pool *pool,
                  struct cbtm_error *e);
