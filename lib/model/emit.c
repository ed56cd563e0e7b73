/* SPDX-License-Identifier: MIT */
/*
 * Forward is written as the architecture reads. Backward is ordered so that what works row by row
 * stands together, then the weight gradients of that run, then attention: a plugin that fuses
 * neighbours keeps a block of rows in its cache from one attention to the next.
 *
 * Activation checkpointing (Chen et al. 2016): of a layer only its input is kept, and its forward
 * operations stand again in front of its gradient. They are the same operations on the same numbers
 * (dropout masks are functions of their elements), so no bit of a gradient changes.
 */
#include "base/error.h"
#include "base/memory.h"
#include "model/emit_internal.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NORM_EPSILON 1e-5 /* OPT's, PyTorch's default */

/* ---------------------------------------------------------------- names */

static uint32_t find_or_make(struct emitter *em, const char *name, enum cbtm_element element,
                             uint32_t rank, const uint64_t *shape)
{
	uint32_t t = list_find(em->list, name);
	if (t != CBTM_NONE)
		return t;
	return list_tensor(em->list, name, CBTM_ROLE_ACTIVATION, element, rank, shape, em->e);
}

#define FORMATTED(name, fmt)                                                                       \
	char name[96];                                                                                 \
	va_list a;                                                                                     \
	va_start(a, fmt);                                                                              \
	vsnprintf(name, sizeof name, fmt, a);                                                          \
	va_end(a)

uint32_t emit_value(struct emitter *em, uint64_t width, const char *fmt, ...)
{
	FORMATTED(name, fmt);
	uint64_t shape[3] = { em->how->batch, em->how->length, width };
	return find_or_make(em, name, CBTM_F32, 3, shape);
}

uint32_t emit_grouped(struct emitter *em, uint64_t width, const char *fmt, ...)
{
	FORMATTED(name, fmt);
	const struct moe_config *moe = &em->c->moe;
	uint64_t tokens = (uint64_t)em->how->batch * em->how->length;
	uint64_t shape[2] = { cbtm_group_rows(tokens, moe->top_k, moe->experts), width };
	return find_or_make(em, name, CBTM_F32, 2, shape);
}

uint32_t emit_ids(struct emitter *em, uint64_t width, const char *fmt, ...)
{
	FORMATTED(name, fmt);
	uint64_t shape[3] = { em->how->batch, em->how->length, width };
	return find_or_make(em, name, CBTM_U32, 3, shape);
}

uint32_t emit_named(struct emitter *em, const char *fmt, ...)
{
	FORMATTED(name, fmt);
	return list_find(em->list, name);
}

struct site emit_site(const struct emitter *em, uint64_t layer, const char *what)
{
	struct site s;
	snprintf(s.parameter, sizeof s.parameter, "layer.%u.%s", (unsigned)layer, what);
	const char *kind = model_config_mixes(em->c, layer) ? "mixed" : "layer"; /* of other shapes */
	if (em->how->checkpointing)
		snprintf(s.value, sizeof s.value, "%s.%s.%s", em->backward ? "again" : "passing", kind,
		         what);
	else
		memcpy(s.value, s.parameter, sizeof s.value);
	return s;
}

uint32_t emit_mask(uint64_t layer, uint32_t which)
{
	return (uint32_t)layer * MASKS + which;
}

/* ---------------------------------------------------------------- operations */

struct cbtm_operation *emit_add(struct emitter *em, enum cbtm_operation_kind kind, uint32_t flags,
                                const uint32_t *slots)
{
	static struct cbtm_operation nowhere; /* takes the settings of an operation that failed */
	struct cbtm_operation *o = list_add(em->list, kind, flags, slots, em->e);
	return o ? o : &nowhere;
}

static uint32_t norm(struct emitter *em, uint32_t x, const struct site *s)
{
	uint32_t y = emit_value(em, em->c->width, "%s.output", s->value);
	uint32_t statistics = emit_value(em, 2, "%s.statistics", s->value);
	uint32_t slots[] = { x, emit_named(em, "%s.gain", s->parameter),
		                 emit_named(em, "%s.bias", s->parameter), y, statistics };
	emit_add(em, CBTM_OP_NORM, 0, slots)->epsilon = NORM_EPSILON;
	return y;
}

static void norm_gradient(struct emitter *em, uint32_t dy, uint32_t x, const struct site *s,
                          uint32_t residual, uint32_t dx)
{
	uint32_t slots[] = { dy,
		                 x,
		                 emit_named(em, "%s.gain", s->parameter),
		                 emit_named(em, "%s.statistics", s->value),
		                 residual,
		                 dx,
		                 emit_named(em, "%s.gain.gradient", s->parameter),
		                 emit_named(em, "%s.bias.gradient", s->parameter) };
	emit_add(em, CBTM_OP_NORM_GRADIENT, 0, slots)->epsilon = NORM_EPSILON;
}

uint32_t emit_gated(struct emitter *em, const struct site *s, bool grouped)
{
	if (!em->how->train || (em->how->checkpointing && !em->backward))
		return CBTM_NONE;
	return grouped ? emit_grouped(em, em->c->ffn, "%s.z", s->value)
	               : emit_value(em, em->c->ffn, "%s.z", s->value);
}

/* y = residual + dropout(f(x weight' + bias)) into `y`. */
static void linear(struct emitter *em, uint32_t x, const struct site *s, uint32_t flags,
                   uint32_t residual, uint32_t mask, uint32_t y)
{
	uint32_t z = flags & CBTM_GELU ? emit_gated(em, s, false) : CBTM_NONE;
	uint32_t slots[] = { x,
		                 emit_named(em, "%s.weight", s->parameter),
		                 emit_named(em, "%s.bias", s->parameter),
		                 residual,
		                 y,
		                 z };
	emit_add(em, CBTM_OP_LINEAR, flags, slots)->number = mask;
}

uint32_t emit_linear(struct emitter *em, uint32_t x, const struct site *s, uint64_t width,
                     uint32_t flags)
{
	uint32_t y = emit_value(em, width, "%s.output", s->value);
	linear(em, x, s, flags, CBTM_NONE, 0, y);
	return y;
}

void emit_linear_input(struct emitter *em, uint32_t dy, const struct site *s, uint32_t activated,
                       uint32_t dx)
{
	uint32_t slots[] = { dy, emit_named(em, "%s.weight", s->parameter), activated, dx };
	uint32_t flags = activated != CBTM_NONE ? em->activation & CBTM_GELU : 0;
	emit_add(em, CBTM_OP_LINEAR_INPUT, flags, slots);
}

void emit_linear_weight(struct emitter *em, uint32_t dy, uint32_t x, const struct site *s)
{
	uint32_t slots[] = { dy, x, emit_named(em, "%s.weight.gradient", s->parameter),
		                 emit_named(em, "%s.bias.gradient", s->parameter) };
	emit_add(em, CBTM_OP_LINEAR_WEIGHT, 0, slots);
}

/* dy behind a branch's dropout: itself, or masked into a tensor of its own. */
static uint32_t branch_gradient(struct emitter *em, uint32_t dy, uint64_t layer, uint32_t which)
{
	if (!em->how->dropout)
		return dy;
	uint32_t dx = emit_value(em, em->c->width, "gradient.masked.%u", which);
	uint32_t slots[] = { dy, dx };
	emit_add(em, CBTM_OP_DROPOUT, CBTM_DROPOUT, slots)->number = emit_mask(layer, which);
	return dx;
}

/* What is dropped of token + position, there and back; nothing is to do where x is y. */
static void drop_embedding(struct emitter *em, uint32_t x, uint32_t y)
{
	uint32_t slots[] = { x, y };
	if (em->how->embedding_dropout)
		emit_add(em, CBTM_OP_DROPOUT, CBTM_DROPOUT | CBTM_EMBEDDING, slots)->number =
			emit_mask(em->c->layers, 0);
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

/* ---------------------------------------------------------------- a layer */

/* The residual stream before a layer; behind the last one: that of the number of layers. */
static uint32_t layer_input(struct emitter *em, uint64_t layer)
{
	return emit_value(em, em->c->width, "layer.%u.x", (unsigned)layer);
}

/* x + attention(norm(x)). */
static uint32_t emit_attention(struct emitter *em, uint64_t layer, uint32_t x)
{
	uint64_t d = em->c->width;
	uint32_t drop = em->how->dropout ? CBTM_DROPOUT : 0;
	struct site before = emit_site(em, layer, "attention.norm");
	struct site qkv = emit_site(em, layer, "attention.qkv");
	struct site site = emit_site(em, layer, "attention");
	struct site out = emit_site(em, layer, "attention.out");
	uint32_t all = emit_linear(em, norm(em, x, &before), &qkv, 3 * d, 0);
	uint32_t y = emit_value(em, d, "%s.output", site.value);
	uint32_t logsum = emit_value(em, em->c->heads, "%s.logsum", site.value);
	uint32_t slots[] = { all, em->first, y, logsum };
	struct cbtm_operation *o = emit_add(em, CBTM_OP_ATTENTION, drop, slots);
	o->heads = (uint32_t)em->c->heads;
	o->number = emit_mask(layer, MASK_ATTENTION);
	uint32_t middle = emit_value(em, d, "%s.output", out.value);
	linear(em, y, &out, drop, x, emit_mask(layer, MASK_OUT), middle);
	return middle;
}

/* to = x + feed-forward(norm(x)); what the sum alone needs is left out if `to` is CBTM_NONE. */
static void emit_ffn(struct emitter *em, uint64_t layer, uint32_t x, uint32_t to)
{
	struct site before = emit_site(em, layer, "ffn.norm"), in = emit_site(em, layer, "ffn.in");
	struct site out = emit_site(em, layer, "ffn.out");
	uint32_t y = norm(em, x, &before);
	if (model_config_mixes(em->c, layer)) {
		emit_experts(em, layer, y, x, to);
		return;
	}
	y = emit_linear(em, y, &in, em->c->ffn, em->activation);
	if (to != CBTM_NONE)
		linear(em, y, &out, em->how->dropout ? CBTM_DROPOUT : 0, x, emit_mask(layer, MASK_FFN), to);
}

/* ---------------------------------------------------------------- sections */

static void emit_forward(struct emitter *em)
{
	struct site last = { "norm", "norm" };
	list_section(em->list, CBTM_FORWARD);
	uint32_t x = layer_input(em, 0);
	uint32_t sum = em->how->embedding_dropout ? emit_value(em, em->c->width, "embedding") : x;
	uint32_t embed[] = { em->ids, emit_named(em, "token"), emit_named(em, "position"), sum };
	emit_add(em, CBTM_OP_EMBED, 0, embed);
	drop_embedding(em, sum, x);
	for (uint64_t l = 0; l < em->c->layers; l++, x = layer_input(em, l)) {
		uint32_t middle = emit_attention(em, l, x);
		emit_ffn(em, l, middle, layer_input(em, l + 1));
	}
	if (em->how->hidden) {
		uint64_t shape[3] = { em->how->batch, em->how->length, em->c->width };
		list_tensor(em->list, "norm.output", CBTM_ROLE_RESULT, CBTM_F32, 3, shape, em->e);
	}
	em->hidden = norm(em, x, &last);
	list_section(em->list, CBTM_SCORE);
	uint32_t score[] = { em->hidden, emit_named(em, "token"), em->targets,
		                 emit_named(em, "logprob") };
	emit_add(em, CBTM_OP_HEAD_SCORE, 0, score);
}

/* From dqkv of a layer's attention to the gradient of the layer's input, into dx. */
static void emit_qkv_gradient(struct emitter *em, uint64_t layer, uint32_t residual, uint32_t dx)
{
	struct site qkv = emit_site(em, layer, "attention.qkv");
	struct site before = emit_site(em, layer, "attention.norm");
	uint32_t dn = emit_value(em, em->c->width, "gradient.norm");
	emit_linear_input(em, emit_value(em, 3 * em->c->width, "gradient.qkv"), &qkv, CBTM_NONE, dn);
	norm_gradient(em, dn, layer_input(em, layer), &before, residual, dx);
}

static void emit_qkv_weight(struct emitter *em, uint64_t layer)
{
	struct site qkv = emit_site(em, layer, "attention.qkv");
	struct site before = emit_site(em, layer, "attention.norm");
	emit_linear_weight(em, emit_value(em, 3 * em->c->width, "gradient.qkv"),
	                   emit_named(em, "%s.output", before.value), &qkv);
}

/* The gradients of a layer's attention, dqkv, from dy of its output. */
static void emit_attention_gradient(struct emitter *em, uint64_t layer, uint32_t dy)
{
	struct site site = emit_site(em, layer, "attention");
	struct site qkv = emit_site(em, layer, "attention.qkv");
	uint32_t slots[] = { dy,
		                 emit_named(em, "%s.output", qkv.value),
		                 emit_named(em, "%s.output", site.value),
		                 emit_named(em, "%s.logsum", site.value),
		                 em->first,
		                 emit_value(em, 3 * em->c->width, "gradient.qkv") };
	struct cbtm_operation *o =
		emit_add(em, CBTM_OP_ATTENTION_GRADIENT, em->how->dropout ? CBTM_DROPOUT : 0, slots);
	o->heads = (uint32_t)em->c->heads;
	o->number = emit_mask(layer, MASK_ATTENTION);
}

/* One layer, from dx of its output to dqkv; leaves the gradient at its middle in `middle`. The
 * weights' gradients of the layer above that wait for their place come with its own. */
static void emit_layer_gradient(struct emitter *em, uint64_t layer, uint32_t dx, uint32_t middle)
{
	struct site in = emit_site(em, layer, "ffn.in"), out = emit_site(em, layer, "ffn.out");
	struct site before = emit_site(em, layer, "ffn.norm");
	struct site attention = emit_site(em, layer, "attention.out");
	struct site site = emit_site(em, layer, "attention");
	bool mixes = model_config_mixes(em->c, layer);
	uint32_t da = mixes ? CBTM_NONE : emit_value(em, em->c->ffn, "gradient.ffn");
	uint32_t dn = emit_value(em, em->c->width, "gradient.norm");
	uint32_t dy = emit_value(em, em->c->width, "gradient.attention");
	uint32_t ffn = branch_gradient(em, dx, layer, MASK_FFN);
	uint32_t activated = emit_named(em, "%s.output", in.value);
	if (mixes) {
		emit_experts_gradient(em, layer, ffn, dn);
	} else {
		emit_linear_input(em, ffn, &out,
		                  em->activation & CBTM_GELU ? emit_gated(em, &in, false) : activated, da);
		emit_linear_input(em, da, &in, CBTM_NONE, dn);
	}
	norm_gradient(em, dn, emit_named(em, "%s.output", attention.value), &before, dx, middle);
	uint32_t branch = branch_gradient(em, middle, layer, MASK_OUT);
	emit_linear_input(em, branch, &attention, CBTM_NONE, dy);
	if (layer + 1 < em->c->layers && !em->how->checkpointing)
		emit_qkv_weight(em, layer + 1);
	uint32_t y = emit_named(em, "%s.output", before.value);
	if (mixes) {
		emit_experts_weights(em, layer, y);
	} else {
		emit_linear_weight(em, ffn, activated, &out);
		emit_linear_weight(em, da, y, &in);
	}
	emit_linear_weight(em, branch, emit_named(em, "%s.output", site.value), &attention);
	emit_attention_gradient(em, layer, dy);
}

/* A layer's forward operations again, from its input, but the last one, which nothing needs. */
static void emit_again(struct emitter *em, uint64_t layer)
{
	if (layer + 1 < em->c->layers) /* before the tensors that it reads are written again */
		emit_qkv_weight(em, layer + 1);
	emit_ffn(em, layer, emit_attention(em, layer, layer_input(em, layer)), CBTM_NONE);
}

static void emit_backward(struct emitter *em)
{
	uint64_t d = em->c->width, last = em->c->layers - 1;
	struct site end = { "norm", "norm" };
	uint32_t dx = emit_value(em, d, "gradient.x"), middle = emit_value(em, d, "gradient.middle");
	uint32_t dn = emit_value(em, d, "gradient.norm");
	list_section(em->list, CBTM_BACKWARD);
	em->backward = true;
	uint32_t loss[] = { em->hidden,  emit_named(em, "token"),
		                em->targets, emit_named(em, "loss"),
		                dn,          emit_named(em, "token.gradient") };
	emit_add(em, CBTM_OP_HEAD_LOSS, 0, loss);
	norm_gradient(em, dn, layer_input(em, last + 1), &end, CBTM_NONE, dx);
	for (uint64_t l = last + 1; l-- > 0;) {
		if (em->how->checkpointing)
			emit_again(em, l);
		emit_layer_gradient(em, l, dx, middle);
		emit_qkv_gradient(em, l, middle, dx);
	}
	emit_qkv_weight(em, 0);
	uint32_t sum = em->how->embedding_dropout ? emit_value(em, d, "gradient.embedding") : dx;
	drop_embedding(em, dx, sum);
	uint32_t embed[] = { em->ids, sum, emit_named(em, "token.gradient"),
		                 emit_named(em, "position.gradient") };
	emit_add(em, CBTM_OP_EMBED_GRADIENT, em->c->pads ? CBTM_PADDING : 0, embed)->number =
		em->c->pads ? (uint32_t)em->c->padding : 0;
}

static void emit_update(struct emitter *em)
{
	uint32_t sums = emit_named(em, "sums"), scale = emit_named(em, "scale");
	list_section(em->list, CBTM_UPDATE);
	for (size_t i = 0; i < em->parameters; i++) {
		uint32_t slots[] = { emit_named(em, "%s.gradient", em->parameter[i].name), sums };
		emit_add(em, CBTM_OP_SQUARE_SUM, 0, slots)->number = (uint32_t)i;
	}
	uint32_t clip[] = { sums, emit_named(em, "norm"), scale };
	emit_add(em, CBTM_OP_CLIP, 0, clip);
	for (size_t i = 0; i < em->parameters; i++) {
		const char *name = em->parameter[i].name;
		uint32_t slots[] = { scale, emit_named(em, "%s", name), emit_named(em, "%s.gradient", name),
			                 emit_named(em, "%s.m", name), emit_named(em, "%s.v", name) };
		emit_add(em, CBTM_OP_ADAMW, em->parameter[i].decay ? CBTM_DECAY : 0, slots);
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
