/* SPDX-License-Identifier: MIT */
#include "model/config.h"
#include "base/error.h"
#include "base/json.h"
#include <cbtm/compute.h>
#include <stddef.h>
#include <string.h>

const char *const architecture_names[ARCHITECTURES + 1] = { "opt", "gpt2", NULL };

/* The members of the JSON object and the bounds that keep sizes within 64 bits. */
static const struct {
	const char *name, *key;
	size_t offset;
	uint64_t max;
} fields[] = {
	{ "vocabulary", "vocabulary.size", offsetof(struct model_config, vocabulary), 1u << 24 },
	{ "length", "length", offsetof(struct model_config, length), 1u << 20 },
	{ "layers", "model.layers", offsetof(struct model_config, layers), 1u << 10 },
	{ "width", "model.width", offsetof(struct model_config, width), 1u << 16 },
	{ "heads", "model.heads", offsetof(struct model_config, heads), 1u << 10 },
	{ "ffn", "model.ffn", offsetof(struct model_config, ffn), 1u << 18 },
};
#define FIELDS (sizeof fields / sizeof fields[0])

/* Likewise of the object "moe", which is there if there are experts. Two choices at least: the weight
 * of a single one would be 1, and its router would learn nothing. */
static const struct {
	const char *name, *key;
	size_t offset;
	uint64_t min, max;
} mixture[] = {
	{ "experts", "moe.experts", offsetof(struct model_config, moe.experts), 2, CBTM_EXPERTS },
	{ "every", "moe.every", offsetof(struct model_config, moe.every), 1, 1u << 10 },
	{ "top_k", "moe.top_k", offsetof(struct model_config, moe.top_k), 2, CBTM_CHOICES },
};
#define MIXTURE (sizeof mixture / sizeof mixture[0])

static uint64_t *mixture_field(struct model_config *c, size_t i)
{
	return (uint64_t *)((char *)c + mixture[i].offset);
}

static uint64_t *field(struct model_config *c, size_t i)
{
	return (uint64_t *)((char *)c + fields[i].offset);
}

static int check_mixture(const struct model_config *c, struct cbtm_error *e)
{
	for (size_t i = 0; c->moe.experts && i < MIXTURE; i++) {
		uint64_t v = *mixture_field((struct model_config *)c, i);
		if (v < mixture[i].min || v > mixture[i].max)
			return error_set(e, CBTM_ERR_CONFIG, mixture[i].key,
			                 "%llu is not between %llu and %llu", (unsigned long long)v,
			                 (unsigned long long)mixture[i].min,
			                 (unsigned long long)mixture[i].max);
	}
	if (c->moe.experts && c->moe.top_k > c->moe.experts)
		return error_set(e, CBTM_ERR_CONFIG, "moe.top_k", "%llu of %llu experts cannot be chosen",
		                 (unsigned long long)c->moe.top_k, (unsigned long long)c->moe.experts);
	if (c->moe.experts && c->moe.every > c->layers)
		return error_set(e, CBTM_ERR_CONFIG, "moe.every",
		                 "there are only %llu layers: with one in %llu none would have experts",
		                 (unsigned long long)c->layers, (unsigned long long)c->moe.every);
	return 0;
}

int model_config_check(const struct model_config *c, struct cbtm_error *e)
{
	for (size_t i = 0; i < FIELDS; i++) {
		uint64_t v = *field((struct model_config *)c, i);
		if (v < 1 || v > fields[i].max)
			return error_set(e, CBTM_ERR_CONFIG, fields[i].key, "%llu is not between 1 and %llu",
			                 (unsigned long long)v, (unsigned long long)fields[i].max);
	}
	if (c->width % c->heads)
		return error_set(e, CBTM_ERR_CONFIG, "model.heads",
		                 "%llu heads do not divide the width %llu", (unsigned long long)c->heads,
		                 (unsigned long long)c->width);
	if (c->pads && c->padding >= c->vocabulary)
		return error_set(e, CBTM_ERR_CONFIG, "model.padding", "%llu is no id of %llu",
		                 (unsigned long long)c->padding, (unsigned long long)c->vocabulary);
	return check_mixture(c, e);
}

bool model_config_mixes(const struct model_config *c, uint64_t layer)
{
	return c->moe.experts && (layer + 1) % c->moe.every == 0;
}

/* With so many of a mixture's experts. */
static uint64_t parameters(const struct model_config *c, uint64_t experts)
{
	uint64_t d = c->width, f = c->ffn, ffn = 2 * d * f + f + d, sum = 0;
	for (uint64_t l = 0; l < c->layers; l++) {
		bool mixes = model_config_mixes(c, l);
		sum += 3 * d * d + 3 * d + d * d + d + 4 * d;
		sum += mixes ? experts * ffn + c->moe.experts * d : ffn;
	}
	return (c->vocabulary + c->length) * d + sum + 2 * d;
}

uint64_t model_config_parameters(const struct model_config *c)
{
	return parameters(c, c->moe.experts);
}

uint64_t model_config_active(const struct model_config *c)
{
	return parameters(c, c->moe.top_k);
}

static int print_mixture(const struct model_config *c, struct buffer *out, struct cbtm_error *e)
{
	if (!c->moe.experts)
		return 0;
	if (json_put_key(out, "moe", e) || json_put_open(out, '{', e))
		return e->name;
	for (size_t i = 0; i < MIXTURE; i++)
		if (json_put_key(out, mixture[i].name, e) ||
		    json_put_u64(out, *mixture_field((struct model_config *)c, i), e))
			return e->name;
	return json_put_close(out, '}', e);
}

int model_config_print(const struct model_config *c, struct buffer *out, struct cbtm_error *e)
{
	if (json_put_open(out, '{', e) || json_put_key(out, "architecture", e) ||
	    json_put_string(out, architecture_names[c->architecture],
	                    strlen(architecture_names[c->architecture]), e))
		return e->name;
	for (size_t i = 0; i < FIELDS; i++)
		if (json_put_key(out, fields[i].name, e) ||
		    json_put_u64(out, *field((struct model_config *)c, i), e))
			return e->name;
	if (c->pads && (json_put_key(out, "padding", e) || json_put_u64(out, c->padding, e)))
		return e->name;
	return print_mixture(c, out, e) ? (int)e->name : json_put_close(out, '}', e);
}

static int parse_mixture(struct json root, const char *where, struct model_config *c,
                         struct cbtm_error *e)
{
	struct json moe, v;
	c->moe = (struct moe_config){ 0 };
	if (!json_member(root, "moe", &moe))
		return 0;
	for (size_t i = 0; i < MIXTURE; i++)
		if (!json_member(moe, mixture[i].name, &v) || !json_u64(v, mixture_field(c, i)))
			return error_set(e, CBTM_ERR_BAD_STORE, where,
			                 "the model's description has no number \"moe.%s\"", mixture[i].name);
	if (!c->moe.experts)
		return error_set(e, CBTM_ERR_BAD_STORE, where,
		                 "the model's description has no experts in \"moe\"");
	return 0;
}

static int parse_architecture(struct json root, const char *where, struct model_config *c,
                              struct cbtm_error *e)
{
	struct json v;
	const char *name;
	size_t n;
	if (!json_member(root, "architecture", &v) || !json_string(v, &name, &n))
		return error_set(e, CBTM_ERR_BAD_STORE, where,
		                 "the model's description has no text \"architecture\"");
	for (int i = 0; i < ARCHITECTURES; i++)
		if (strlen(architecture_names[i]) == n && !memcmp(architecture_names[i], name, n)) {
			c->architecture = (enum architecture)i;
			return 0;
		}
	return error_set(e, CBTM_ERR_BAD_STORE, where,
	                 "the model's architecture \"%.*s\" is neither opt nor gpt2", (int)n, name);
}

int model_config_parse(const char *json, const char *where, struct model_config *c,
                       struct cbtm_error *e)
{
	struct json root, v;
	size_t n = 0;
	struct json_parser *p = json_parser_new(e);
	if (!p)
		return e->name;
	while (json[n])
		n++;
	int status = json_parse(p, json, n, where, &root, e);
	if (!status)
		status = parse_architecture(root, where, c, e);
	for (size_t i = 0; !status && i < FIELDS; i++)
		if (!json_member(root, fields[i].name, &v) || !json_u64(v, field(c, i)))
			status = error_set(e, CBTM_ERR_BAD_STORE, where,
			                   "the model's description has no number \"%s\"", fields[i].name);
	c->padding = 0;
	c->pads = !status && json_member(root, "padding", &v);
	if (c->pads && !json_u64(v, &c->padding))
		status = error_set(e, CBTM_ERR_BAD_STORE, where,
		                   "the model's description has a \"padding\" that is no id");
	if (!status)
		status = parse_mixture(root, where, c, e);
	json_parser_free(p);
	return status ? status : model_config_check(c, e);
}
