/* SPDX-License-Identifier: MIT */
/*
 * The vocabulary of a Hugging Face folder, and which of its tokens ends a document (EOD) and which
 * begins a text (BOS). The folder says that in up to three places:
 *
 *   tokenizer_config.json   eos_token, bos_token (names), add_bos_token
 *   tokenizer.json          what its post-processor puts around a text
 *   config.json             eos_token_id, bos_token_id (model/huggingface.h)
 */
#pragma once
#include "text/bpe.h"

/*
 * Reads vocab.json with merges.txt, or tokenizer.json; `pair_first`: which of them where both are
 * there. *bpe = NULL if there is neither. Errors of bpe_import. Free with bpe_free.
 */
int import_vocabulary(const char *folder, const struct bpe_choice *choice, bool pair_first,
                      struct bpe **bpe, struct cbtm_error *e);

/*
 * The same with EOD and BOS as the folder's tokenizer has them, unless `choice` names them. The
 * vocabulary has a BOS only if the tokenizer puts one before a text by itself: then an exported
 * one does so too, and nobody puts a second. *named: the id of bos_token where it does not, or
 * BPE_NONE.
 */
int import_tokenizer(const char *folder, const struct bpe_choice *choice, struct bpe **bpe,
                     uint32_t *named, struct cbtm_error *e);
/* The id of tokenizer_config.json's bos_token among a vocabulary's special tokens; BPE_NONE: it names none. */
int import_named_bos(const char *folder, const struct bpe *bpe, uint32_t *named,
                     struct cbtm_error *e);
