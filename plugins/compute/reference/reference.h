/* SPDX-License-Identifier: MIT */
/*
 * The reference: every operation as its equation stands in <cbtm/compute.h>, one function each,
 * one after the other, in double precision. Made to be read and compared with, not to be fast.
 */
#pragma once
#include <cbtm/compute.h>
#include <stdbool.h>

/* An operation about to run: its tensors as pointers, NULL for a missing one. */
struct call {
	const struct cbtm_operation *op;
	const struct cbtm_scalars *scalars;
	const double *in[8];    /* inputs that are numbers ... */
	const uint32_t *ids[8]; /* ... or ids */
	double *out[4];
	uint32_t *out_ids[4];
	const uint64_t *shape_in[8], *shape_out[4]; /* each 4 dimensions */
	size_t rows;                                /* valid tokens: sequences x T */
	size_t sequences, T;
	double *scratch; /* at least max(V, T) numbers of anybody */
};

typedef void operation_function(const struct call *c);
operation_function embed, embed_gradient, norm, norm_gradient, linear, linear_input, linear_weight,
	dropout, attention, attention_gradient, head_score, head_loss, square_sum, clip, adamw, route,
	dispatch, group_linear, group_input, group_weight, combine, route_gradient;

/* A matrix n x k and its bias, or their gradients. bias: NULL if there is none. */
struct matrix {
	size_t n, k;
	double *weight, *bias;
};
/* LINEAR, LINEAR_INPUT, LINEAR_WEIGHT on rows [first, first + rows). */
void linear_rows(const struct call *c, const struct matrix *m, const double *residual, size_t first,
                 size_t rows);
void linear_input_rows(const struct call *c, const struct matrix *m, size_t first, size_t rows);
void linear_weight_rows(const struct call *c, const struct matrix *m, size_t first, size_t rows);

/* What dropout does to element i of mask `number`: 0 or 1 / (1 - rate); 1 without dropout. */
double dropout_factor(const struct call *c, uint64_t i);
