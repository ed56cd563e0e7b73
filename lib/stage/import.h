/* SPDX-License-Identifier: MIT */
/* A seed that is imported instead of trained. */
#pragma once
#include "stage/stage.h"

/*
 * Writes the Hugging Face checkpoint of a folder (model/huggingface.h) to run->out, with the facts of
 * a trained seed; the task reads the dataset "vocabulary". `length`: T of the sequences that it
 * will be trained on and scored with, 0: all its positions. BAD_DATA if the folder has a
 * vocabulary that is not that of the dataset, or if its model has fewer tokens; CONFIG if `length`
 * is more than its positions.
 */
int stage_import_seed(struct stage_run *run, const char *folder, uint64_t length,
                      struct cbtm_error *e);
