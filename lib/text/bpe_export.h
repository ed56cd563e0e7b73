/* SPDX-License-Identifier: MIT */
/*
 * A vocabulary as Hugging Face's files: tokenizer.json (the bytes that their library writes when it
 * saves the same, so that tokenizers and PreTrainedTokenizerFast load equal ids), vocab.json and
 * merges.txt as GPT-2 has them, and a tokenizer_config.json that names BOS and EOD to transformers.
 */
#pragma once
#include "text/bpe.h"

/*
 * Writes the files into a folder, which is made if need be. Each is written beside its final name;
 * all are read again, by the readers of bpe.h, and compared with the vocabulary before any is
 * published. The bytes depend on the vocabulary alone. CREATE if a file is there already, unless
 * `force`; BAD_DATA for a vocabulary that the files cannot tell (a name that is no UTF-8).
 */
int bpe_export(const struct bpe *b, const char *folder, bool force, struct cbtm_error *e);
