/* SPDX-License-Identifier: MIT */
/*
 * The last hidden states of a decoder, behind its last norm, summed over the tokens of texts: what an
 * embedding is made of. The compute plugin works with the process's pool; one caller at a time.
 */
#pragma once
#include "model/checkpoint.h"
#include "model/config.h"
#include <cbtm/compute.h>
#include <stddef.h>
#include <stdint.h>

struct hidden;

/* For B windows of T <= config.length tokens at once; B = 0: a good number. Parameters are zero until
 * they are read into its program (checkpoint_read). `options` must outlive it. Free with hidden_free. */
int hidden_new(const struct model_config *config, uint32_t batch, uint64_t length,
               const struct cbtm_compute *compute, const void *options, struct hidden **hidden,
               struct cbtm_error *e);
void hidden_free(struct hidden *h); /* NULL is fine */
const struct program *hidden_program(const struct hidden *h);

struct hidden_text {
	const uint32_t *ids; /* n of them, each < V */
	size_t n;
	double *sum; /* width; added to */
};
/*
 * Adds the hidden states of all tokens of each text: it is cut into windows of T tokens (none sees the
 * one before), which are run B at a time. A text's sum depends on its ids alone: not on others, B or
 * threads. BAD_DATA if an id is out of range or a sum is not finite.
 */
int hidden_sums(struct hidden *h, const struct hidden_text *texts, size_t n, struct cbtm_error *e);
