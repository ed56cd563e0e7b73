/* SPDX-License-Identifier: MIT */
#include "model/expert_load.h"
#include "base/error.h"
#include "base/json.h"
#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The columns of ROUTE's `load`. */
enum { FIRST_ROW, ROWS, CHOICES, FIRST_CHOICES, GATES, LOAD };

int expert_load_make(struct expert_load *l, const struct model_config *c, struct cbtm_error *e)
{
	*l = (struct expert_load){ .experts = c->moe.experts };
	if (!c->moe.experts)
		return 0;
	size_t most = c->layers * c->moe.experts;
	l->layer = mem_zeroed(c->layers, sizeof *l->layer, "the mixtures' loads", e);
	l->rows = mem_zeroed(most, sizeof *l->rows, "the mixtures' loads", e);
	l->choices = mem_zeroed(most, sizeof *l->choices, "the mixtures' loads", e);
	for (uint64_t i = 0; !e->name && i < c->layers; i++)
		if (model_config_mixes(c, i))
			l->layer[l->layers++] = i;
	return e->name;
}

void expert_load_free(struct expert_load *l)
{
	free(l->layer);
	free(l->rows);
	free(l->choices);
	*l = (struct expert_load){ 0 };
}

void expert_load_clear(struct expert_load *l)
{
	for (size_t i = 0; i < l->layers * l->experts; i++)
		l->rows[i] = l->choices[i] = 0;
	l->tokens = l->balance = 0;
}

int expert_load_add(struct expert_load *l, const struct program *p, uint64_t tokens,
                    struct cbtm_error *e)
{
	double *load = l->layers ? mem_zeroed(l->experts * LOAD, sizeof *load, "a load", e) : NULL;
	double n = (double)tokens;
	for (size_t i = 0; load && i < l->layers; i++) {
		char name[32];
		double sum = 0;
		snprintf(name, sizeof name, "layer.%u.ffn.load", (unsigned)l->layer[i]);
		if (p->compute->read(p->state, list_find(p->names, name), load, e))
			break;
		for (size_t k = 0; k < l->experts; k++) {
			l->rows[i * l->experts + k] += load[k * LOAD + ROWS];
			l->choices[i * l->experts + k] += load[k * LOAD + CHOICES];
			sum += load[k * LOAD + FIRST_CHOICES] * load[k * LOAD + GATES];
		}
		l->balance += (double)l->experts * sum / n;
	}
	if (load)
		l->tokens += n;
	free(load);
	return e->name;
}

double expert_load_balance(const struct expert_load *l)
{
	return l->tokens > 0 ? l->balance / l->tokens / (double)l->layers : 0;
}

/* Of layers [from, to). */
static double dropped(const struct expert_load *l, size_t from, size_t to)
{
	double rows = 0, choices = 0;
	for (size_t i = from * l->experts; i < to * l->experts; i++) {
		rows += l->rows[i];
		choices += l->choices[i];
	}
	return choices > 0 ? (choices - rows) / choices : 0;
}

double expert_load_dropped(const struct expert_load *l)
{
	return dropped(l, 0, l->layers);
}

static int number(struct buffer *out, const char *key, double v, struct cbtm_error *e)
{
	return json_put_key(out, key, e) || json_put_f64(out, v, e) ? (int)e->name : 0;
}

static int print_layer(const struct expert_load *l, size_t i, struct buffer *out,
                       struct cbtm_error *e)
{
	if (json_put_open(out, '{', e) || json_put_key(out, "layer", e) ||
	    json_put_u64(out, l->layer[i], e) || number(out, "dropped", dropped(l, i, i + 1), e) ||
	    json_put_key(out, "tokens", e) || json_put_open(out, '[', e))
		return e->name;
	for (size_t k = 0; k < l->experts; k++)
		if (json_put_u64(out, (uint64_t)l->rows[i * l->experts + k], e))
			return e->name;
	return json_put_close(out, ']', e) || json_put_close(out, '}', e) ? (int)e->name : 0;
}

int expert_load_print(const struct expert_load *l, struct buffer *out, struct cbtm_error *e)
{
	if (number(out, "balance_loss", expert_load_balance(l), e) ||
	    number(out, "dropped", expert_load_dropped(l), e) || json_put_key(out, "layers", e) ||
	    json_put_open(out, '[', e))
		return e->name;
	for (size_t i = 0; i < l->layers; i++)
		if (print_layer(l, i, out, e))
			return e->name;
	return json_put_close(out, ']', e);
}
