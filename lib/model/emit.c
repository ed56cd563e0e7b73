/* SPDX-License-Identifier: MIT */
/*
 * Forward is written as the architecture reads. Backward is ordered so that what works row by row
 * stands together, then the weight gradients of that run, then attention: a plugin that fuses
 * neighbours keeps a block of rows in its cache from one attention to the next.
 */
#include "model/emit.h"
#include "base/error.h"
#include "base/memory.h"
#include "model/parameter.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NORM_EPSILON 1e-5 /* OPT's, PyTorch's default */

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
};

/* Numbers of a tensor set by name; errors wait in em->e (the first wins, later calls are harmless). */
static uint32_t activation(struct emitter *em, uint64_t width, const char *fmt, ...)
{
	char name[96];
	va_list a;
	va_start(a, fmt);
	vsnprintf(name, sizeof name, fmt, a);
	va_end(a);
	uint64_t shape[3] = { em->how->batch, em->how->length, width };
	uint32_t t = list_find(em->list, name);
	if (t != CBTM_NONE)
		return t;
	return list_tensor(em->list, name, CBTM_ROLE_ACTIVATION, CBTM_F32, 3, shape, em->e);
}

static uint32_t named(struct emitter *em, const char *fmt, ...) CBTM_PRINTF(2, 3);
static uint32_t named(struct emitter *em, const char *fmt, ...)
{
	char name[96];
	va_list a;
	va_start(a, fmt);
	vsnprintf(name, sizeof name, fmt, a);
	va_end(a);
	return list_find(em->list, name);
}

static struct cbtm_operation *add(struct emitter *em, enum cbtm_operation_kind kind, uint32_t flags,
                                  const uint32_t *slots)
{
	static struct cbtm_operation nowhere; /* takes the settings of an operation that failed */
	struct cbtm_operation *o = list_add(em->list, kind, flags, slots, em->e);
	return o ? o : &nowhere;
}

/* The number of a dropout mask: three a layer. */
enum { MASK_ATTENTION, MASK_OUT, MASK_FFN, MASKS };
static uint32_t mask_number(uint64_t layer, uint32_t which)
{
	return (uint32_t)layer * MASKS + which;
}

static uint32_t norm(struct emitter *em, uint32_t x, const char *where)
{
	uint32_t y = activation(em, em->c->width, "%s.output", where);
	uint32_t statistics = activation(em, 2, "%s.statistics", where);
	uint32_t slots[] = { x, named(em, "%s.gain", where), named(em, "%s.bias", where), y,
		                 statistics };
	add(em, CBTM_OP_NORM, 0, slots)->epsilon = NORM_EPSILON;
	return y;
}

static void norm_gradient(struct emitter *em, uint32_t dy, uint32_t x, const char *where,
                          uint32_t residual, uint32_t dx)
{
	uint32_t slots[] = {
		dy,       x,  named(em, "%s.gain", where),          named(em, "%s.statistics", where),
		residual, dx, named(em, "%s.gain.gradient", where), named(em, "%s.bias.gradient", where)
	};
	add(em, CBTM_OP_NORM_GRADIENT, 0, slots)->epsilon = NORM_EPSILON;
}

static uint32_t linear(struct emitter *em, uint32_t x, const char *where, uint64_t width,
                       uint32_t flags, uint32_t residual, uint32_t mask)
{
	uint32_t y = activation(em, width, "%s.output", where);
	uint32_t z = CBTM_NONE; /* kept for the gradient */
	if (flags & CBTM_GELU && em->how->train)
		z = activation(em, width, "%s.z", where);
	uint32_t slots[] = { x, named(em, "%s.weight", where), named(em, "%s.bias", where), residual, y,
		                 z };
	add(em, CBTM_OP_LINEAR, flags, slots)->number = mask;
	return y;
}

static void linear_input(struct emitter *em, uint32_t dy, const char *where, uint32_t activated,
                         uint32_t dx)
{
	uint32_t slots[] = { dy, named(em, "%s.weight", where), activated, dx };
	uint32_t flags = activated != CBTM_NONE ? em->activation & CBTM_GELU : 0;
	add(em, CBTM_OP_LINEAR_INPUT, flags, slots);
}

static void linear_weight(struct emitter *em, uint32_t dy, uint32_t x, const char *where)
{
	uint32_t slots[] = { dy, x, named(em, "%s.weight.gradient", where),
		                 named(em, "%s.bias.gradient", where) };
	add(em, CBTM_OP_LINEAR_WEIGHT, 0, slots);
}

/* dy behind a branch's dropout: itself, or masked into a tensor of its own. */
static uint32_t branch_gradient(struct emitter *em, uint32_t dy, uint64_t layer, uint32_t which)
{
	if (!em->how->dropout)
		return dy;
	uint32_t dx = activation(em, em->c->width, "gradient.masked.%u", which);
	uint32_t slots[] = { dy, dx };
	add(em, CBTM_OP_DROPOUT, CBTM_DROPOUT, slots)->number = mask_number(layer, which);
	return dx;
}

/* ---------------------------------------------------------------- tensors */

static void declare_parameters(struct emitter *em)
{
	static const struct {
		const char *suffix;
		enum cbtm_role role;
	} kinds[] = { { "", CBTM_ROLE_PARAMETER },
		          { ".gradient", CBTM_ROLE_GRADIENT },
		          { ".m", CBTM_ROLE_MOMENT },
		          { ".v", CBTM_ROLE_MOMENT } };
	char name[96];
	for (size_t k = 0; k < (em->how->train ? 4u : 1u); k++)
		for (size_t i = 0; i < em->parameters; i++) {
			const struct parameter *p = &em->parameter[i];
			snprintf(name, sizeof name, "%s%s", p->name, kinds[k].suffix);
			list_tensor(em->list, name, kinds[k].role, CBTM_F32, p->rank, p->shape, em->e);
		}
}

static void declare_inputs(struct emitter *em)
{
	uint64_t tokens[2] = { em->how->batch, em->how->length };
	struct list *l = em->list;
	em->ids = list_tensor(l, "ids", CBTM_ROLE_INPUT, CBTM_U32, 2, tokens, em->e);
	em->targets = list_tensor(l, "targets", CBTM_ROLE_INPUT, CBTM_U32, 2, tokens, em->e);
	em->first = CBTM_NONE;
	if (em->how->masked)
		em->first = list_tensor(l, "first", CBTM_ROLE_INPUT, CBTM_U32, 2, tokens, em->e);
	list_tensor(l, "logprob", CBTM_ROLE_RESULT, CBTM_F32, 2, tokens, em->e);
	if (em->how->train) {
		uint64_t two = 2, one = 1, sums = em->parameters;
		list_tensor(l, "loss", CBTM_ROLE_RESULT, CBTM_F64, 1, &two, em->e);
		list_tensor(l, "norm", CBTM_ROLE_RESULT, CBTM_F64, 1, &one, em->e);
		list_tensor(l, "sums", CBTM_ROLE_ACTIVATION, CBTM_F64, 1, &sums, em->e);
		list_tensor(l, "scale", CBTM_ROLE_ACTIVATION, CBTM_F32, 1, &one, em->e);
	}
}

/* ---------------------------------------------------------------- sections */

static void emit_forward(struct emitter *em)
{
	uint64_t d = em->c->width;
	uint32_t drop = em->how->dropout ? CBTM_DROPOUT : 0;
	char where[64];
	list_section(em->list, CBTM_FORWARD);
	uint32_t x = activation(em, d, "layer.0.x");
	uint32_t embed[] = { em->ids, named(em, "token"), named(em, "position"), x };
	add(em, CBTM_OP_EMBED, 0, embed);
	for (uint64_t l = 0; l < em->c->layers; l++) {
		unsigned n = (unsigned)l;
		snprintf(where, sizeof where, "layer.%u.attention.norm", n);
		uint32_t y = norm(em, x, where);
		snprintf(where, sizeof where, "layer.%u.attention.qkv", n);
		uint32_t qkv = linear(em, y, where, 3 * d, 0, CBTM_NONE, 0);
		y = activation(em, d, "layer.%u.attention.output", n);
		uint32_t logsum = activation(em, em->c->heads, "layer.%u.attention.logsum", n);
		uint32_t attention[] = { qkv, em->first, y, logsum };
		struct cbtm_operation *o = add(em, CBTM_OP_ATTENTION, drop, attention);
		o->heads = (uint32_t)em->c->heads;
		o->number = mask_number(l, MASK_ATTENTION);
		snprintf(where, sizeof where, "layer.%u.attention.out", n);
		x = linear(em, y, where, d, drop, x, mask_number(l, MASK_OUT));
		snprintf(where, sizeof where, "layer.%u.ffn.norm", n);
		y = norm(em, x, where);
		snprintf(where, sizeof where, "layer.%u.ffn.in", n);
		y = linear(em, y, where, em->c->ffn, em->activation, CBTM_NONE, 0);
		snprintf(where, sizeof where, "layer.%u.ffn.out", n);
		x = linear(em, y, where, d, drop, x, mask_number(l, MASK_FFN));
	}
	em->hidden = norm(em, x, "norm");
	list_section(em->list, CBTM_SCORE);
	uint32_t score[] = { em->hidden, named(em, "token"), em->targets, named(em, "logprob") };
	add(em, CBTM_OP_HEAD_SCORE, 0, score);
}

/* The residual stream before a layer: the output of the layer below, or of the embedding. */
static uint32_t layer_input(struct emitter *em, uint64_t layer)
{
	return layer ? named(em, "layer.%u.ffn.out.output", (unsigned)layer - 1)
	             : named(em, "layer.0.x");
}

/* From dqkv of a layer's attention to the gradient of the layer's input, into dx. */
static void emit_qkv_gradient(struct emitter *em, uint64_t layer, uint32_t residual, uint32_t dx)
{
	char where[64];
	uint32_t dn = activation(em, em->c->width, "gradient.norm");
	snprintf(where, sizeof where, "layer.%u.attention.qkv", (unsigned)layer);
	linear_input(em, activation(em, 3 * em->c->width, "gradient.qkv"), where, CBTM_NONE, dn);
	snprintf(where, sizeof where, "layer.%u.attention.norm", (unsigned)layer);
	norm_gradient(em, dn, layer_input(em, layer), where, residual, dx);
}

static void emit_qkv_weight(struct emitter *em, uint64_t layer)
{
	char where[64];
	snprintf(where, sizeof where, "layer.%u.attention.qkv", (unsigned)layer);
	linear_weight(em, activation(em, 3 * em->c->width, "gradient.qkv"),
	              named(em, "layer.%u.attention.norm.output", (unsigned)layer), where);
}

/* One layer, from dx of its output to dqkv; leaves the gradient at its middle in `middle`. */
static void emit_layer_gradient(struct emitter *em, uint64_t layer, uint32_t dx, uint32_t middle)
{
	unsigned n = (unsigned)layer;
	uint64_t d = em->c->width;
	char in[64], out[64], attention[64], where[64];
	snprintf(in, sizeof in, "layer.%u.ffn.in", n);
	snprintf(out, sizeof out, "layer.%u.ffn.out", n);
	snprintf(attention, sizeof attention, "layer.%u.attention.out", n);
	snprintf(where, sizeof where, "layer.%u.ffn.norm", n);
	uint32_t activated = named(em, "%s.output", in);
	uint32_t da = activation(em, em->c->ffn, "gradient.ffn");
	uint32_t dn = activation(em, d, "gradient.norm");
	uint32_t dy = activation(em, d, "gradient.attention");
	uint32_t ffn = branch_gradient(em, dx, layer, MASK_FFN);
	uint32_t z = em->activation & CBTM_GELU ? named(em, "%s.z", in) : activated;
	linear_input(em, ffn, out, z, da);
	linear_input(em, da, in, CBTM_NONE, dn);
	norm_gradient(em, dn, named(em, "%s.output", attention), where, dx, middle);
	uint32_t branch = branch_gradient(em, middle, layer, MASK_OUT);
	linear_input(em, branch, attention, CBTM_NONE, dy);
	if (layer + 1 < em->c->layers)
		emit_qkv_weight(em, layer + 1);
	linear_weight(em, ffn, activated, out);
	linear_weight(em, da, named(em, "%s.output", where), in);
	linear_weight(em, branch, named(em, "layer.%u.attention.output", n), attention);
	uint32_t slots[] = { dy,
		                 named(em, "layer.%u.attention.qkv.output", n),
		                 named(em, "layer.%u.attention.output", n),
		                 named(em, "layer.%u.attention.logsum", n),
		                 em->first,
		                 activation(em, 3 * d, "gradient.qkv") };
	struct cbtm_operation *o =
		add(em, CBTM_OP_ATTENTION_GRADIENT, em->how->dropout ? CBTM_DROPOUT : 0, slots);
	o->heads = (uint32_t)em->c->heads;
	o->number = mask_number(layer, MASK_ATTENTION);
}

static void emit_backward(struct emitter *em)
{
	uint64_t d = em->c->width, last = em->c->layers - 1;
	uint32_t dx = activation(em, d, "gradient.x"), middle = activation(em, d, "gradient.middle");
	uint32_t dn = activation(em, d, "gradient.norm");
	list_section(em->list, CBTM_BACKWARD);
	uint32_t loss[] = { em->hidden, named(em, "token"),         em->targets, named(em, "loss"),
		                dn,         named(em, "token.gradient") };
	add(em, CBTM_OP_HEAD_LOSS, 0, loss);
	norm_gradient(em, dn, layer_input(em, last + 1), "norm", CBTM_NONE, dx);
	for (uint64_t l = last + 1; l-- > 0;) {
		emit_layer_gradient(em, l, dx, middle);
		emit_qkv_gradient(em, l, middle, dx);
	}
	emit_qkv_weight(em, 0);
	uint32_t embed[] = { em->ids, dx, named(em, "token.gradient"), named(em, "position.gradient") };
	add(em, CBTM_OP_EMBED_GRADIENT, 0, embed);
}

static void emit_update(struct emitter *em)
{
	uint32_t sums = named(em, "sums"), scale = named(em, "scale");
	list_section(em->list, CBTM_UPDATE);
	for (size_t i = 0; i < em->parameters; i++) {
		uint32_t slots[] = { named(em, "%s.gradient", em->parameter[i].name), sums };
		add(em, CBTM_OP_SQUARE_SUM, 0, slots)->number = (uint32_t)i;
	}
	uint32_t clip[] = { sums, named(em, "norm"), scale };
	add(em, CBTM_OP_CLIP, 0, clip);
	for (size_t i = 0; i < em->parameters; i++) {
		const char *name = em->parameter[i].name;
		uint32_t slots[] = { scale, named(em, "%s", name), named(em, "%s.gradient", name),
			                 named(em, "%s.m", name), named(em, "%s.v", name) };
		add(em, CBTM_OP_ADAMW, em->parameter[i].decay ? CBTM_DECAY : 0, slots);
	}
}

struct list *emit_model(const struct model_config *c, const struct emit_how *how,
                        struct cbtm_error *e)
{
	struct cbtm_error failed = { 0 };
	struct emitter em = { .c = c, .how = how, .e = &failed };
	em.activation = c->architecture == ARCHITECTURE_GPT2 ? CBTM_GELU : CBTM_RELU;
	if (model_config_check(c, e))
		return NULL;
	struct parameter *p = parameters_make(c, &em.parameters, e);
	em.parameter = p;
	em.list = p ? list_new(how->batch, how->length, e) : NULL;
	if (em.list) {
		declare_parameters(&em);
		declare_inputs(&em);
		emit_forward(&em);
		if (how->train) {
			emit_backward(&em);
			emit_update(&em);
		}
		if (failed.name) {
			error_copy(e, &failed);
			list_free(em.list);
			em.list = NULL;
		}
	}
	free(p);
	return em.list;
}
