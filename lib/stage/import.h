/* SPDX-License-Identifier: MIT */
/* A seed that is imported instead of trained. */
#pragma once
#include "stage/stage.h"

/*
 * Writes the checkpoint of a folder to run->out, with the facts of a trained seed: the files of
 * Hugging Face (model/huggingface.h), or a dataset of ours, as cbtm import or another pipeline made
 * it. The task reads the dataset "vocabulary". `length`: T of the sequences that it will be trained
 * on and scored with, 0: all its positions. BAD_DATA if the folder has, or was made with, a
 * vocabulary that is not that of the dataset, or if its model has fewer tokens; CONFIG if `length`
 * is more than its positions.
 */
int stage_import_seed(struct stage_run *run, const char *folder, uint64_t length,
                      struct cbtm_error *e);
