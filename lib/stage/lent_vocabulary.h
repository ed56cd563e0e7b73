/* SPDX-License-Identifier: MIT */
/* A vocabulary in a plugin's state: arrays "vocabulary-bytes" ... beside the plugin's own. */
#pragma once
#include "text/bpe.h"
#include <cbtm/host.h>

int lent_vocabulary_save(const struct bpe *b, struct cbtm_state_writer *w, struct cbtm_error *e);
/* BAD_STORE if the arrays do not fit each other. Free with bpe_free. */
int lent_vocabulary_load(struct cbtm_state_reader *r, struct bpe **bpe, struct cbtm_error *e);
