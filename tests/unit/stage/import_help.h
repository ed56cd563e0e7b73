/* SPDX-License-Identifier: MIT */
/* A small checkpoint as transformers writes it, and vocabularies of bytes, for tests of importing. */
#pragma once
#include "model/config.h"

extern const struct model_config test_import_config;
/* config.json and model.safetensors of that model, every number 0.5. */
void test_write_checkpoint(const char *folder);
/* A dataset: bytes and an end of documents; `second` is the symbol of id 1. */
void test_write_vocabulary(const char *dir, char second);
/* vocab.json and merges.txt of that vocabulary, beside the checkpoint. */
void test_write_tokenizer(const char *folder);
