/* SPDX-License-Identifier: MIT */
#include "model/parameter.h"
#include "base/memory.h"
#include "base/random.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Radford et al. 2019: N(0, 0.02), the matrices that write to the residual stream divided by the
 * square root of their number, 2 a layer. */
#define SPREAD 0.02

enum { LAYER_ROWS = 13 };
static const struct {
	const char *name;
	char rows, columns; /* d width, q 3 width, f ffn, E experts, 1: a vector */
	enum parameter_start start;
	bool residual, grouped;
} layer_rows[LAYER_ROWS] = {
	{ "attention.norm.gain", 'd', '1', START_ONE, false, false },
	{ "attention.norm.bias", 'd', '1', START_ZERO, false, false },
	{ "attention.qkv.weight", 'q', 'd', START_NORMAL, false, false },
	{ "attention.qkv.bias", 'q', '1', START_ZERO, false, false },
	{ "attention.out.weight", 'd', 'd', START_NORMAL, true, false },
	{ "attention.out.bias", 'd', '1', START_ZERO, false, false },
	{ "ffn.norm.gain", 'd', '1', START_ONE, false, false },
	{ "ffn.norm.bias", 'd', '1', START_ZERO, false, false },
	{ "ffn.router.weight", 'E', 'd', START_NORMAL, false, false },
	{ "ffn.in.weight", 'f', 'd', START_NORMAL, false, true },
	{ "ffn.in.bias", 'f', '1', START_ZERO, false, true },
	{ "ffn.out.weight", 'd', 'f', START_NORMAL, true, true },
	{ "ffn.out.bias", 'd', '1', START_ZERO, false, true },
};

static uint64_t dimension(char letter, const struct model_config *c)
{
	switch (letter) {
	case 'd':
		return c->width;
	case 'q':
		return 3 * c->width;
	case 'f':
		return c->ffn;
	case 'E':
		return c->moe.experts;
	default:
		return 1;
	}
}

static struct parameter make(uint64_t rows, uint64_t columns, enum parameter_start start,
                             double spread)
{
	struct parameter p = { .rank = columns > 1 || start == START_NORMAL ? 2 : 1,
		                   .shape = { rows, columns, 1 },
		                   .start = start,
		                   .spread = spread,
		                   .decay = start == START_NORMAL };
	return p;
}

/* One of each expert, one after the other. */
static void group(struct parameter *p, uint64_t experts)
{
	p->shape[2] = p->shape[1];
	p->shape[1] = p->shape[0];
	p->shape[0] = experts;
	p->rank++;
	p->grouped = true;
}

struct parameter *parameters_make(const struct model_config *c, size_t *n, struct cbtm_error *e)
{
	*n = 0;
	struct parameter *p =
		mem_zeroed(4 + LAYER_ROWS * c->layers, sizeof *p, "the parameters' table", e);
	if (!p)
		return NULL;
	size_t k = 0;
	p[k] = make(c->vocabulary, c->width, START_NORMAL, SPREAD);
	snprintf(p[k++].name, sizeof p->name, "token");
	p[k] = make(c->length, c->width, START_NORMAL, SPREAD);
	snprintf(p[k++].name, sizeof p->name, "position");
	for (uint64_t l = 0; l < c->layers; l++)
		for (size_t i = 0; i < LAYER_ROWS; i++) {
			double spread = SPREAD;
			bool mixes = model_config_mixes(c, l);
			if (layer_rows[i].rows == 'E' && !mixes)
				continue;
			if (layer_rows[i].residual)
				spread /= sqrt(2.0 * (double)c->layers);
			p[k] = make(dimension(layer_rows[i].rows, c), dimension(layer_rows[i].columns, c),
			            layer_rows[i].start, spread);
			if (layer_rows[i].grouped && mixes)
				group(&p[k], c->moe.experts);
			snprintf(p[k++].name, sizeof p->name, "layer.%llu.%s", (unsigned long long)l,
			         layer_rows[i].name);
		}
	p[k] = make(c->width, 1, START_ONE, 0);
	snprintf(p[k++].name, sizeof p->name, "norm.gain");
	p[k] = make(c->width, 1, START_ZERO, 0);
	snprintf(p[k++].name, sizeof p->name, "norm.bias");
	*n = k;
	return p;
}

uint64_t parameter_elements(const struct parameter *p)
{
	return p->shape[0] * p->shape[1] * (p->rank > 2 ? p->shape[2] : 1);
}

void parameter_start(const struct parameter *p, size_t index, uint64_t seed, float *value)
{
	struct random_key key = random_key(seed, RANDOM_INIT);
	uint64_t n = parameter_elements(p);
	for (uint64_t i = 0; i < n; i++) {
		if (p->start != START_NORMAL)
			value[i] = p->start == START_ONE ? 1.0f : 0.0f;
		else
			value[i] = (float)(p->spread *
			                   random_normal(key, (uint64_t)index << 32 | i >> 32, (uint32_t)i));
	}
}
