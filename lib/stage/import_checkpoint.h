/* SPDX-License-Identifier: MIT */
/* A folder of Hugging Face's files as datasets of ours: what `cbtm import` does. */
#pragma once
#include "base/error.h"
#include "model/config.h"
#include <stdbool.h>
#include <stdint.h>

struct checkpoint_import {
	const char *folder; /* with config.json and model.safetensors; the tokenizer's files if any */
	const char *to;     /* gets checkpoint/ and, if the folder has a tokenizer, vocabulary/ */
	const char *eod, *bos; /* names of tokens, instead of what the files say; "" */
	uint64_t length;       /* T of what it is to be scored with; 0: all its positions */
	bool force;            /* datasets that are there are replaced */
};

struct checkpoint_imported {
	struct model_config config;
	uint32_t vocabulary; /* tokens of it; 0: the folder has none */
	uint64_t eod, bos;   /* HUGGINGFACE_NO_ID: not known */
};

/*
 * Imports, then compares every number of the new checkpoint with the files' and every token of the
 * new vocabulary with the one that was read. An interrupted import is begun again by the next; the
 * same files give the same bytes. CREATE if there is a dataset already, unless it is of these very
 * files or `force`. BAD_DATA naming file and tensor, CONFIG naming a key of config.json for what
 * this model cannot be, or for a `length` that is more than its positions.
 */
int checkpoint_import(const struct checkpoint_import *in, struct checkpoint_imported *out,
                      struct cbtm_error *e);
