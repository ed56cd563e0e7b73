/* SPDX-License-Identifier: MIT */
/* The names of parameters, ours and theirs. */
#include "base/error.h"
#include "model/huggingface.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
	const char *ours, *theirs[HUGGINGFACE_SOURCES];
	bool transposed;
	uint64_t skip;
};

/* Of the whole model; of a layer, behind "layers.N." and "h.N.". */
static const struct row opt_whole[] = { { "token", { "embed_tokens.weight" }, false, 0 },
	                                    { "position", { "embed_positions.weight" }, false, 2 },
	                                    { "norm.gain", { "final_layer_norm.weight" }, false, 0 },
	                                    { "norm.bias", { "final_layer_norm.bias" }, false, 0 },
	                                    { 0 } };
static const struct row opt_layer[] = {
	{ "attention.norm.gain", { "self_attn_layer_norm.weight" }, false, 0 },
	{ "attention.norm.bias", { "self_attn_layer_norm.bias" }, false, 0 },
	{ "attention.qkv.weight",
	  { "self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight" },
	  false,
	  0 },
	{ "attention.qkv.bias",
	  { "self_attn.q_proj.bias", "self_attn.k_proj.bias", "self_attn.v_proj.bias" },
	  false,
	  0 },
	{ "attention.out.weight", { "self_attn.out_proj.weight" }, false, 0 },
	{ "attention.out.bias", { "self_attn.out_proj.bias" }, false, 0 },
	{ "ffn.norm.gain", { "final_layer_norm.weight" }, false, 0 },
	{ "ffn.norm.bias", { "final_layer_norm.bias" }, false, 0 },
	{ "ffn.in.weight", { "fc1.weight" }, false, 0 },
	{ "ffn.in.bias", { "fc1.bias" }, false, 0 },
	{ "ffn.out.weight", { "fc2.weight" }, false, 0 },
	{ "ffn.out.bias", { "fc2.bias" }, false, 0 },
	{ 0 }
};
static const struct row gpt2_whole[] = { { "token", { "wte.weight" }, false, 0 },
	                                     { "position", { "wpe.weight" }, false, 0 },
	                                     { "norm.gain", { "ln_f.weight" }, false, 0 },
	                                     { "norm.bias", { "ln_f.bias" }, false, 0 },
	                                     { 0 } };
static const struct row gpt2_layer[] = {
	{ "attention.norm.gain", { "ln_1.weight" }, false, 0 },
	{ "attention.norm.bias", { "ln_1.bias" }, false, 0 },
	{ "attention.qkv.weight", { "attn.c_attn.weight" }, true, 0 },
	{ "attention.qkv.bias", { "attn.c_attn.bias" }, false, 0 },
	{ "attention.out.weight", { "attn.c_proj.weight" }, true, 0 },
	{ "attention.out.bias", { "attn.c_proj.bias" }, false, 0 },
	{ "ffn.norm.gain", { "ln_2.weight" }, false, 0 },
	{ "ffn.norm.bias", { "ln_2.bias" }, false, 0 },
	{ "ffn.in.weight", { "mlp.c_fc.weight" }, true, 0 },
	{ "ffn.in.bias", { "mlp.c_fc.bias" }, false, 0 },
	{ "ffn.out.weight", { "mlp.c_proj.weight" }, true, 0 },
	{ "ffn.out.bias", { "mlp.c_proj.bias" }, false, 0 },
	{ 0 }
};
static const struct {
	const struct row *whole, *layer;
	const char *layers;
} tables[ARCHITECTURES] = { [ARCHITECTURE_OPT] = { opt_whole, opt_layer, "layers." },
	                        [ARCHITECTURE_GPT2] = { gpt2_whole, gpt2_layer, "h." } };

const char *const huggingface_prefixes[ARCHITECTURES][3] = {
	[ARCHITECTURE_OPT] = { "model.decoder.", "decoder.", NULL },
	[ARCHITECTURE_GPT2] = { "transformer.", "", NULL },
};

int huggingface_place(enum architecture a, const char *prefix, const char *name,
                      struct huggingface_place *place, struct cbtm_error *e)
{
	const struct row *row = tables[a].whole;
	const char *rest = name;
	char layer[48] = "";
	if (!strncmp(name, "layer.", 6)) {
		char *end;
		unsigned long number = strtoul(name + 6, &end, 10);
		snprintf(layer, sizeof layer, "%s%lu.", tables[a].layers, number);
		rest = end + 1;
		row = tables[a].layer;
	}
	while (row->ours && strcmp(row->ours, rest))
		row++;
	if (!row->ours)
		return error_set(e, CBTM_ERR_INTERNAL, name, "%s has no such parameter",
		                 architecture_names[a]);
	*place = (struct huggingface_place){ .transposed = row->transposed, .skip = row->skip };
	for (size_t i = 0; i < HUGGINGFACE_SOURCES && row->theirs[i]; i++) {
		snprintf(place->name[i], sizeof place->name[i], "%s%s%s", prefix, layer, row->theirs[i]);
		place->sources++;
	}
	return 0;
}

void huggingface_unused(const char *name, char unused[HUGGINGFACE_NAME])
{
	snprintf(unused, HUGGINGFACE_NAME, "%s.unused", name);
}

bool huggingface_is_buffer(enum architecture a, const char *name)
{
	if (a != ARCHITECTURE_GPT2 || strncmp(name, "h.", 2))
		return false;
	name += 2 + strspn(name + 2, "0123456789");
	return !strcmp(name, ".attn.bias") || !strcmp(name, ".attn.masked_bias");
}
