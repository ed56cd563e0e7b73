/* SPDX-License-Identifier: MIT */
/*
 * A trained model, opened for use: the parameters of a checkpoint in a compute plugin's program.
 * It gives log-probabilities of sequences. Belongs to one thread (the plugin
 * works with the process's pool).
 */
#pragma once
#include "base/error.h"
#include "model/config.h"
#include "store/dataset.h"
#include <cbtm/compute.h>
#include <stddef.h>
#include <stdint.h>

struct model;

/*
 * Opens a checkpoint (a dataset of kind "checkpoint"; needed only during the call). `batch`: how
 * many sequences are worked on together (memory: batch x T tokens), 0 = a good number for the
 * plugin. BAD_STORE if tensors are missing or of another shape. Free with model_close.
 */
int model_open(struct dataset *checkpoint, const struct cbtm_compute *compute, const void *options,
               uint32_t batch, struct model **m, struct cbtm_error *e);
void model_close(struct model *m); /* NULL is fine */

const struct model_config *model_config(const struct model *m); /* positions, vocabulary V ... */
uint64_t model_length(const struct model *m); /* T: tokens that it was trained on at once */
uint32_t model_eod(const struct model *m);    /* id of the end of a document */
uint32_t model_bos(const struct model *m); /* id that stands before a document: its BOS, else EOD */
const char *model_vocabulary(const struct model *m); /* digest (hex) of its vocabulary */
uint32_t model_batch(const struct model *m);         /* sequences that are worked on together */

/* One sequence to score, its first id being context alone: a document is BOS text EOD. */
struct model_sequence {
	const uint32_t *ids; /* n ids, each < V; 2 <= n <= T + 1 */
	size_t n;
	size_t first;   /* scores of ids[1 .. first] are not wanted (left as they are); 0: all wanted */
	float *logprob; /* n - 1, out: logprob[i] = ln p(ids[i+1] | ids[0..i]) */
};

/*
 * Scores any number of sequences (batches are made inside; hand over many at a time). A sequence's
 * scores depend on its ids alone: not on its neighbours, their number, or threads.
 * BAD_DATA if an id is out of range, n is too large, or a score is not finite.
 */
int model_score(struct model *m, const struct model_sequence *sequences, size_t n,
                struct cbtm_error *e);
