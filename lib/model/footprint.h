/* SPDX-License-Identifier: MIT */
/* What a model takes, known from its list of operations before anything is computed. */
#pragma once
#include "model/emit.h"

struct footprint {
	uint64_t parameters; /* how many numbers */
	uint64_t tensors;    /* that they are in */
	uint64_t fixed;      /* bytes of parameters and, in training, gradients and moments */
	uint64_t moving;     /* bytes of activations, inputs and results, at the moment of the most */
};

/*
 * Of what emit_model makes. `fixed` is exact; `moving` counts every tensor from the operation that
 * makes it to the last one that reads it: a plugin may need somewhat more, or less by fusing. MEMORY, or
 * CONFIG if the sizes overflow.
 */
int footprint_make(const struct model_config *c, const struct emit_how *how, struct footprint *f,
                   struct cbtm_error *e);
