/* SPDX-License-Identifier: MIT */
/*
 * What the files share that emit a decoder's list. Errors wait in the emitter's e: the first wins,
 * later calls are harmless.
 */
#pragma once
#include "model/config.h"
#include "model/emit.h"
#include "model/list.h"
#include "model/parameter.h"
#include <cbtm/error.h>

struct emitter {
	struct list *list;
	const struct model_config *c;
	const struct emit_how *how;
	struct cbtm_error *e;
	const struct parameter *parameter;
	size_t parameters;
	uint32_t ids, targets, first; /* first: CBTM_NONE unless masked */
	uint32_t hidden;              /* the last norm's output */
	uint32_t activation;          /* of the feed-forward layers: CBTM_RELU or CBTM_GELU */
	bool backward;                /* the section BACKWARD is being emitted */
};

/*
 * A place in the model, "ffn.in" of a layer: the prefixes of its parameters' names and of its
 * activations'. These are of the layer too, unless only the layers' inputs are kept: then they are
 * the same in all layers, some in the forward pass, others where it is repeated.
 */
struct site {
	char parameter[48], value[48];
};
struct site emit_site(const struct emitter *em, uint64_t layer, const char *what);

/* The tensor of that name, made if it is not there: B x T x width; R x width; u32, B x T x width. */
uint32_t emit_value(struct emitter *em, uint64_t width, const char *fmt, ...) CBTM_PRINTF(3, 4);
uint32_t emit_grouped(struct emitter *em, uint64_t width, const char *fmt, ...) CBTM_PRINTF(3, 4);
uint32_t emit_ids(struct emitter *em, uint64_t width, const char *fmt, ...) CBTM_PRINTF(3, 4);
uint32_t emit_named(struct emitter *em, const char *fmt, ...) CBTM_PRINTF(2, 3); /* or CBTM_NONE */

/* list_add; what is set in the result of one that failed is lost. */
struct cbtm_operation *emit_add(struct emitter *em, enum cbtm_operation_kind kind, uint32_t flags,
                                const uint32_t *slots);

/* The number of a dropout mask: three a layer; behind the last layer's, the embedding's. */
enum { MASK_ATTENTION, MASK_OUT, MASK_FFN, MASKS };
uint32_t emit_mask(uint64_t layer, uint32_t which);

uint32_t emit_linear(struct emitter *em, uint32_t x, const struct site *s, uint64_t width,
                     uint32_t flags);
/* The z of a gated LINEAR: kept for the gradient, where one is to come. */
uint32_t emit_gated(struct emitter *em, const struct site *s, bool grouped);
/* dx = dy weight, and behind `activated`, what the activation gave (z of a GELU), unless CBTM_NONE. */
void emit_linear_input(struct emitter *em, uint32_t dy, const struct site *s, uint32_t activated,
                       uint32_t dx);
void emit_linear_weight(struct emitter *em, uint32_t dy, uint32_t x, const struct site *s);

/* emit_experts.c: the mixture of a layer, from y, the norm's output. x: the residual; the sum goes to
 * `out`, or is not made (CBTM_NONE). */
void emit_experts(struct emitter *em, uint64_t layer, uint32_t y, uint32_t x, uint32_t out);
/* Its gradient: dn of y, from dy of the sum, behind dropout; then those of the weights. */
void emit_experts_gradient(struct emitter *em, uint64_t layer, uint32_t dy, uint32_t dn);
void emit_experts_weights(struct emitter *em, uint64_t layer, uint32_t y);
