/* SPDX-License-Identifier: MIT */
/*
 * Routing: a context's vector -> weights of the k experts.
 *
 *   w_j(x_<t) = exp(-||h(x_<t) - c_j||^2 / T) / sum over the top-k experts, 0 for all others
 *
 * (Gururangan et al. 2023, section 2.3). Everything stays in logarithms.
 */
#pragma once
#include "plugin/embed.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The centres that route, and what stands in for a context without any known word. */
struct router {
	const float *centre; /* k x d, row-major */
	const double *share; /* k, sums to 1: the clusters' shares of train tokens */
	size_t k, d;
};

/* distance (k): squared Euclidean distances of vector (d) to the centres, summed in double.
 * Returns false if the vector is zero (then distance is not filled). */
bool router_distances(const struct router *r, const float *vector, double *distance);

/* log_weight (k) from distances (k), or from the shares if `distance` is NULL: the `top_k` largest
 * weights (0 or more than k: all; ties to the lower number) renormalised, -INFINITY elsewhere. */
void router_log_weights(const struct router *r, const double *distance, double temperature,
                        size_t top_k, double *log_weight);

/* log(sum exp(x_i)) of n values, exact for -INFINITY. */
double log_sum_exp(const double *x, size_t n);

/*
 * The route of one document: distances before each of `positions` tokens, whose text so far is
 * symbol[ids[0]] .. symbol[ids[t-1]]. Recomputed every `every` tokens (>= 1), kept in between.
 *
 * context: the embedding's, reset here. symbol/symbol_size: bytes of each token id.
 * distance: positions x k, out; rows whose `known` is 0 are unspecified.
 * known: positions, out: 0 where the prefix has no known word.
 * PLUGIN if the embedding gives a vector that is not finite.
 */
struct route_text {
	const uint32_t *ids;
	size_t positions; /* ids[0 .. positions-2] are read */
	const char *const *symbol;
	const size_t *symbol_size;
};
int route_document(const struct router *r, struct embed_context *context,
                   const struct route_text *text, uint64_t every, double *distance, uint8_t *known,
                   struct cbtm_error *e);
