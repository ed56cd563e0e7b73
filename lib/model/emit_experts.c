/* SPDX-License-Identifier: MIT */
#include "model/emit_internal.h"
#include <stdio.h>

/* Routing's results: how many choices each expert has is known from layer to layer. */
struct routing {
	uint32_t gates, weights, slot, load;
};

static struct routing routing_of(struct emitter *em, uint64_t layer, const struct site *ffn)
{
	char name[64];
	uint64_t shape[2] = { em->c->moe.experts, 5 };
	struct routing r = { .gates = emit_value(em, em->c->moe.experts, "%s.gates", ffn->value),
		                 .weights = emit_value(em, em->c->moe.top_k, "%s.weights", ffn->value),
		                 .slot = emit_ids(em, em->c->moe.top_k, "%s.slot", ffn->value) };
	snprintf(name, sizeof name, "layer.%u.ffn.load", (unsigned)layer);
	r.load = list_find(em->list, name);
	if (r.load == CBTM_NONE)
		r.load = list_tensor(em->list, name, CBTM_ROLE_RESULT, CBTM_F64, 2, shape, em->e);
	return r;
}

static uint32_t group_linear(struct emitter *em, uint32_t x, const struct site *s, uint64_t width,
                             uint32_t flags, uint32_t load)
{
	uint32_t y = emit_grouped(em, width, "%s.output", s->value);
	uint32_t z = flags & CBTM_GELU ? emit_gated(em, s, true) : CBTM_NONE;
	uint32_t slots[] = { x,
		                 emit_named(em, "%s.weight", s->parameter),
		                 emit_named(em, "%s.bias", s->parameter),
		                 load,
		                 y,
		                 z };
	emit_add(em, CBTM_OP_GROUP_LINEAR, flags, slots);
	return y;
}

void emit_experts(struct emitter *em, uint64_t layer, uint32_t y, uint32_t x, uint32_t out)
{
	struct site ffn = emit_site(em, layer, "ffn"), router = emit_site(em, layer, "ffn.router");
	struct site in = emit_site(em, layer, "ffn.in"), to = emit_site(em, layer, "ffn.out");
	struct routing r = routing_of(em, layer, &ffn);
	uint32_t grouped = emit_grouped(em, em->c->width, "%s.grouped", ffn.value);
	uint32_t route[] = { emit_linear(em, y, &router, em->c->moe.experts, 0), r.gates, r.weights,
		                 r.slot, r.load };
	emit_add(em, CBTM_OP_ROUTE, 0, route);
	uint32_t dispatch[] = { y, r.slot, r.load, CBTM_NONE, grouped };
	emit_add(em, CBTM_OP_DISPATCH, 0, dispatch);
	uint32_t activated = group_linear(em, grouped, &in, em->c->ffn, em->activation, r.load);
	uint32_t said = group_linear(em, activated, &to, em->c->width, 0, r.load);
	if (out == CBTM_NONE)
		return;
	uint32_t combine[] = { said, r.slot, r.weights, x, out };
	emit_add(em, CBTM_OP_COMBINE, em->how->dropout ? CBTM_DROPOUT : 0, combine)->number =
		emit_mask(layer, MASK_FFN);
}

static void group_input(struct emitter *em, uint32_t dy, const struct site *s, uint32_t activated,
                        uint32_t load, uint32_t dx)
{
	uint32_t slots[] = { dy, emit_named(em, "%s.weight", s->parameter), activated, load, dx };
	uint32_t flags = activated != CBTM_NONE ? em->activation & CBTM_GELU : 0;
	emit_add(em, CBTM_OP_GROUP_INPUT, flags, slots);
}

static void group_weight(struct emitter *em, uint32_t dy, uint32_t x, const struct site *s,
                         uint32_t load)
{
	uint32_t slots[] = { dy, x, load, emit_named(em, "%s.weight.gradient", s->parameter),
		                 emit_named(em, "%s.bias.gradient", s->parameter) };
	emit_add(em, CBTM_OP_GROUP_WEIGHT, 0, slots);
}

void emit_experts_gradient(struct emitter *em, uint64_t layer, uint32_t dy, uint32_t dn)
{
	struct site ffn = emit_site(em, layer, "ffn"), router = emit_site(em, layer, "ffn.router");
	struct site in = emit_site(em, layer, "ffn.in"), to = emit_site(em, layer, "ffn.out");
	struct routing r = routing_of(em, layer, &ffn);
	uint64_t d = em->c->width;
	uint32_t dlogits = emit_value(em, em->c->moe.experts, "gradient.logits");
	uint32_t routed = emit_value(em, d, "gradient.routed");
	uint32_t dsaid = emit_grouped(em, d, "gradient.said");
	uint32_t da = emit_grouped(em, em->c->ffn, "gradient.experts");
	uint32_t dgrouped = emit_grouped(em, d, "gradient.grouped");
	uint32_t slope[] = {
		dy, emit_grouped(em, d, "%s.output", to.value), r.slot, r.gates, r.weights, r.load, dlogits
	};
	emit_add(em, CBTM_OP_ROUTE_GRADIENT, 0, slope);
	emit_linear_input(em, dlogits, &router, CBTM_NONE, routed);
	uint32_t dispatch[] = { dy, r.slot, r.load, r.weights, dsaid };
	emit_add(em, CBTM_OP_DISPATCH, 0, dispatch);
	uint32_t activated = em->activation & CBTM_GELU
	                         ? emit_gated(em, &in, true)
	                         : emit_grouped(em, em->c->ffn, "%s.output", in.value);
	group_input(em, dsaid, &to, activated, r.load, da);
	group_input(em, da, &in, CBTM_NONE, r.load, dgrouped);
	uint32_t combine[] = { dgrouped, r.slot, CBTM_NONE, routed, dn };
	emit_add(em, CBTM_OP_COMBINE, 0, combine);
}

void emit_experts_weights(struct emitter *em, uint64_t layer, uint32_t y)
{
	struct site ffn = emit_site(em, layer, "ffn"), router = emit_site(em, layer, "ffn.router");
	struct site in = emit_site(em, layer, "ffn.in"), to = emit_site(em, layer, "ffn.out");
	struct routing r = routing_of(em, layer, &ffn);
	emit_linear_weight(em, emit_value(em, em->c->moe.experts, "gradient.logits"), y, &router);
	group_weight(em, emit_grouped(em, em->c->width, "gradient.said"),
	             emit_grouped(em, em->c->ffn, "%s.output", in.value), &to, r.load);
	group_weight(em, emit_grouped(em, em->c->ffn, "gradient.experts"),
	             emit_grouped(em, em->c->width, "%s.grouped", ffn.value), &in, r.load);
}
