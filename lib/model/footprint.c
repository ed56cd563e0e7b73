/* SPDX-License-Identifier: MIT */
#include "model/footprint.h"
#include "base/error.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

struct life {
	uint32_t first, last; /* operations; first > last: none uses it */
};

static uint64_t bytes_of(const struct cbtm_tensor *t)
{
	return tensor_elements(t) * (t->element == CBTM_F64 ? 8 : 4);
}

static void live(struct life *life, uint32_t tensor, uint32_t operation)
{
	if (tensor == CBTM_NONE)
		return;
	if (life[tensor].first > operation)
		life[tensor].first = operation;
	life[tensor].last = operation;
}

static void find_lives(const struct cbtm_list *l, struct life *life)
{
	for (uint32_t t = 0; t < l->tensors; t++)
		life[t] = (struct life){ UINT32_MAX, 0 };
	for (uint32_t o = 0; o < l->start[CBTM_SECTIONS]; o++) {
		const struct cbtm_operation *op = &l->operation[o];
		for (size_t i = 0; i < sizeof op->in / sizeof op->in[0]; i++)
			live(life, op->in[i], o);
		for (size_t i = 0; i < sizeof op->out / sizeof op->out[0]; i++)
			live(life, op->out[i], o);
	}
}

static bool stays(const struct cbtm_tensor *t)
{
	return t->role == CBTM_ROLE_PARAMETER || t->role == CBTM_ROLE_GRADIENT ||
	       t->role == CBTM_ROLE_MOMENT;
}

static int add_up(const struct cbtm_list *l, struct footprint *f, struct cbtm_error *e)
{
	struct life *life = mem_zeroed(l->tensors, sizeof *life, "lives of tensors", e);
	int64_t *change = mem_zeroed(l->start[CBTM_SECTIONS] + 1, sizeof *change, "memory", e);
	int64_t now = 0;

	if (e->name)
		goto done;
	find_lives(l, life);
	for (uint32_t t = 0; t < l->tensors; t++) {
		uint64_t n = bytes_of(&l->tensor[t]);
		if (n > (uint64_t)INT64_MAX / (l->tensors + 1)) {
			error_set(e, CBTM_ERR_CONFIG, "model", "tensor %s would take %llu bytes",
			          l->tensor[t].name, (unsigned long long)n);
			goto done;
		}
		if (l->tensor[t].role == CBTM_ROLE_PARAMETER)
			f->parameters += n / 4, f->tensors++;
		if (stays(&l->tensor[t])) {
			f->fixed += n;
		} else if (life[t].first <= life[t].last) {
			change[life[t].first] += (int64_t)n;
			change[life[t].last + 1] -= (int64_t)n;
		}
	}
	for (uint32_t o = 0; o < l->start[CBTM_SECTIONS]; o++) {
		now += change[o];
		if (now > 0 && (uint64_t)now > f->moving)
			f->moving = (uint64_t)now;
	}
done:
	free(life);
	free(change);
	return e->name;
}

int footprint_make(const struct model_config *c, const struct emit_how *how, struct footprint *f,
                   struct cbtm_error *e)
{
	struct list *names = emit_model(c, how, e);
	const struct cbtm_list *l = names ? list_finish(names, e) : NULL;

	*f = (struct footprint){ 0 };
	if (l)
		add_up(l, f, e);
	list_free(names);
	return e->name;
}
