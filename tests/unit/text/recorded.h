/* SPDX-License-Identifier: MIT */
/* The recorded vocabulary, trained anew. */
#pragma once
#include "text/bpe.h"

/* Trained on recorded_corpus to RECORDED_SIZE tokens; bpe_free it. */
struct bpe *recorded_vocabulary(void);
/* recorded_merges, "left right left right ...". */
const char *recorded_merge_list(void);
