/* SPDX-License-Identifier: MIT */
#pragma once
#include "text/bpe.h"

/* "<|endoftext|>" = 0, the bytes, then "ab" and "abab": 259 tokens. Free with bpe_free. */
struct bpe *sample_vocabulary(void);
