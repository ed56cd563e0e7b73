/* SPDX-License-Identifier: MIT */
/*
 * The list of operations of a decoder for B sequences of T tokens. Beside the parameters (named as
 * in model/parameter.h) it has the tensors
 *   input   ids, targets (B x T, u32); first (B x T, u32; with `masked`)
 *   result  logprob (B x T); loss (f64 [2]), norm (f64 [1])                    (the latter two: train)
 *   result  layer.N.ffn.load (f64, E x 5) of the mixtures: ROUTE's `load` in <cbtm/compute.h>
 *   for each parameter P: P.gradient, P.m, P.v                                 (train)
 */
#pragma once
#include "model/config.h"
#include "model/list.h"

struct emit_how {
	uint32_t batch, length; /* B, T; length at most the config's */
	bool train;             /* with the sections BACKWARD and UPDATE */
	bool dropout;           /* dropout where OPT has it: on both branches and in attention */
	bool embedding_dropout; /* and where GPT-2 has it, too: of token + position */
	bool hidden;            /* the last hidden states are a result: "norm.output" (B x T x d) */
	bool masked;            /* attention stays inside documents: input `first` */
	bool checkpointing;     /* BACKWARD computes each layer again from its input, the only tensor
	                           of it that is kept: less memory, more time, the same bits */
};

/* Free with list_free. Call list_finish on it for compiling. */
struct list *emit_model(const struct model_config *c, const struct emit_how *how,
                        struct cbtm_error *e);
