/* SPDX-License-Identifier: MIT */
/*
 * The parameters of a decoder: names, shapes, how each begins, in the one order that lists,
 * checkpoints and the optimizer share. Matrices are output x input, as in y = x weight' + bias. In a
 * mixture the feed-forward matrices and biases have their names, E of each one after the other, and there is a
 * router, E x d.
 */
#pragma once
#include "base/error.h"
#include "model/config.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum parameter_start { START_ZERO, START_ONE, START_NORMAL };

struct parameter {
	char name[64]; /* "token", "position", "layer.0.attention.qkv.weight", "norm.gain" ... */
	uint32_t rank;
	uint64_t shape[3]; /* 1 behind the rank */
	bool grouped;      /* of a mixture's experts: the first dimension is theirs */
	enum parameter_start start;
	double spread; /* standard deviation of START_NORMAL */
	bool decay;    /* weight decay: matrices and embeddings; not biases, not norms */
};

/* All parameters; *n of them. Free with free(). The config must be checked. */
struct parameter *parameters_make(const struct model_config *c, size_t *n, struct cbtm_error *e);
uint64_t parameter_elements(const struct parameter *p);

/*
 * The start values of the index-th parameter, `value` of parameter_elements(): START_NORMAL draws
 * element i as random_normal(seed, INIT, index, i). Independent of threads.
 */
void parameter_start(const struct parameter *p, size_t index, uint64_t seed, float *value);
