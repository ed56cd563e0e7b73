/* SPDX-License-Identifier: MIT */
/*
 * What a decoder language model is: OPT's architecture (Zhang et al. 2022) or GPT-2's (Radford et
 * al. 2019): learned positions, layers of x += attention(norm(x)), x += feed-forward(norm(x)), a
 * last norm, and the token embedding as output matrix. All products but the last have biases. They
 * differ in the feed-forward layers' activation: ReLU, or GELU in its tanh form. Some layers may have,
 * instead of one feed-forward network, a mixture of experts: many, of which a router chooses a few for
 * each token (<cbtm/compute.h>).
 */
#pragma once
#include "base/buffer.h"
#include "base/error.h"
#include <stdbool.h>
#include <stdint.h>

enum architecture { ARCHITECTURE_OPT, ARCHITECTURE_GPT2, ARCHITECTURES };
extern const char *const architecture_names[ARCHITECTURES + 1]; /* "opt", "gpt2", NULL */

/* Every `every`-th layer is a mixture: of 2 the layers 1, 3, ... counted from 0 (Lepikhin et al. 2020). */
struct moe_config {
	uint64_t experts; /* E of such a layer; 0: there is none */
	uint64_t every;
	uint64_t top_k; /* K: a token's experts */
};

struct model_config {
	enum architecture architecture;
	uint64_t vocabulary; /* V, ids 0 .. V-1 */
	uint64_t length;     /* T, positions */
	uint64_t layers, width, heads, ffn;
	/* If it pads: the token whose embedding learns nothing where it is read, only where it is
	 * predicted (OPT's pad_token_id, of PyTorch's padding_idx). */
	bool pads;
	uint64_t padding;
	struct moe_config moe;
};

/* Checks ranges and that heads divide width; CONFIG naming the key ("model.heads"). */
int model_config_check(const struct model_config *c, struct cbtm_error *e);
bool model_config_mixes(const struct model_config *c, uint64_t layer); /* is the layer a mixture? */
uint64_t model_config_parameters(const struct model_config *c);        /* how many numbers */
/* Those that work on a token: all but the experts that it did not choose. */
uint64_t model_config_active(const struct model_config *c);
/* One JSON object, {"architecture":"opt","vocabulary":4096,...}, and back (BAD_STORE naming `where`). */
int model_config_print(const struct model_config *c, struct buffer *out, struct cbtm_error *e);
int model_config_parse(const char *json, const char *where, struct model_config *c,
                       struct cbtm_error *e);
