/* SPDX-License-Identifier: MIT */
/* What tests of Hugging Face's checkpoints share. */
#pragma once
#include "base/error.h"
#include "model/checkpoint.h"
#include "model/huggingface.h"
#include <stddef.h>

/* Writes bytes to FOLDER/NAME; folders are made. */
void test_write_file(const char *folder, const char *name, const void *bytes, size_t n);
/* A file of the format safetensors: the header's JSON, then `data` bytes of zeros. */
void test_write_safetensors(const char *folder, const char *name, const char *header, size_t data);
/* Writes the recorded checkpoint "opt" or "gpt2", with what it computes, into a fresh folder. free() it. */
char *test_recorded_model(const char *model);
/* Imports `folder` as the checkpoint `dir`, sealed, whose sequences have `length` tokens. */
enum cbtm_error_name test_import(const char *folder, const struct model_config *c, uint64_t length,
                                 const char *dir, struct cbtm_error *e);
/* The same, whose fact "model" says something else. */
enum cbtm_error_name test_import_as(const char *folder, const struct model_config *c,
                                    const struct model_config *said, uint64_t length,
                                    const char *dir, struct cbtm_error *e);
