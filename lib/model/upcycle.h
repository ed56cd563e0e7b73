/* SPDX-License-Identifier: MIT */
/*
 * Sparse upcycling (Komatsuzaki et al. 2022, arXiv 2212.05055): a mixture of experts begins as a
 * dense checkpoint, each expert as a copy of the layer's feed-forward network, the routers at
 * random, N(0, 0.02) as theirs. All else is the dense model's.
 */
#pragma once
#include "model/checkpoint.h"

/* True if the checkpoint's model has no experts and `c` has: what upcycling is for. */
bool upcycle_wanted(const struct model_config *c, const struct store *s, struct cbtm_error *e);

/* Reads the parameters of a program of `c` from the dense checkpoint; routers as parameter_start
 * draws them from random_seed. BAD_STORE naming a tensor that is missing or of another shape. */
int upcycle_read(const struct program *p, const struct model_config *c, const struct store *s,
                 uint64_t random_seed, struct cbtm_error *e);
