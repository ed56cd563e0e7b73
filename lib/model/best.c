/* SPDX-License-Identifier: MIT */
#include "model/best.h"
#include "base/error.h"
#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_parameter(const struct program *p, uint32_t i)
{
	return p->list->tensor[i].role == CBTM_ROLE_PARAMETER;
}

static int make(struct best *b, const struct program *p, struct cbtm_error *e)
{
	uint64_t n = 0;
	for (uint32_t i = 0; i < p->list->tensors; i++)
		n += is_parameter(p, i) ? tensor_elements(&p->list->tensor[i]) : 0;
	if (!b->v)
		b->v = mem_aligned(n, sizeof *b->v, "the best parameters", e);
	return e->name;
}

void best_free(struct best *b)
{
	free(b->v);
	*b = (struct best){ 0 };
}

int best_note(struct best *b, const struct program *p, const struct valid_point *valid, bool last,
              struct cbtm_error *e)
{
	if (b->known && valid->loss >= b->loss)
		return 0;
	if (last)
		best_free(b);
	else if (make(b, p, e))
		return e->name;
	float *v = b->v;
	for (uint32_t i = 0; v && i < p->list->tensors; i++) {
		if (!is_parameter(p, i))
			continue;
		if (p->compute->read(p->state, i, v, e))
			return e->name;
		v += tensor_elements(&p->list->tensor[i]);
	}
	b->step = valid->step;
	b->loss = valid->loss;
	b->known = true;
	return 0;
}

void best_end(struct best *b, uint64_t step)
{
	if (!b->known || b->step != step)
		return;
	free(b->v);
	b->v = NULL;
}

int best_swap(struct best *b, const struct program *p, struct cbtm_error *e)
{
	float *v = b->v, *other = NULL;
	for (uint32_t i = 0; v && i < p->list->tensors && !e->name; i++) {
		uint64_t n = tensor_elements(&p->list->tensor[i]);
		if (!is_parameter(p, i))
			continue;
		other = mem_aligned(n, sizeof *other, p->list->tensor[i].name, e);
		if (other && !p->compute->read(p->state, i, other, e) &&
		    !p->compute->write(p->state, i, v, e))
			memcpy(v, other, n * sizeof *v);
		free(other);
		v += n;
	}
	return e->name;
}

int best_append(const struct best *b, const struct program *p, const char *prefix,
                struct store_writer *w, struct cbtm_error *e)
{
	size_t n = 0;
	char name[200];
	uint32_t *order = NULL;
	const float **at = NULL; /* of each tensor, in b->v */
	if (!b->v)
		return 0;
	if (!(order = checkpoint_order(p->list, CBTM_ROLE_PARAMETER, CBTM_ROLE_PARAMETER, &n, e)) ||
	    !(at = mem_zeroed(p->list->tensors, sizeof *at, "places of the best parameters", e)))
		goto done;
	const float *next = b->v;
	for (uint32_t i = 0; i < p->list->tensors; i++) {
		at[i] = next;
		next += is_parameter(p, i) ? tensor_elements(&p->list->tensor[i]) : 0;
	}
	for (size_t i = 0; i < n; i++) {
		const struct cbtm_tensor *t = &p->list->tensor[order[i]];
		uint64_t rows = t->shape[0];
		snprintf(name, sizeof name, "%s%s", prefix, t->name);
		if (store_add_column(w, name, STORE_F32, STORE_TENSOR, tensor_elements(t) / rows, e) ||
		    store_append(w, name, at[order[i]], rows, e) || store_end_column(w, name, e))
			break;
	}
done:
	free(at);
	free(order);
	return e->name;
}

int best_write(const struct best *b, const struct program *p, struct store_writer *w,
               struct cbtm_error *e)
{
	if (!b->v)
		return 0;
	if (best_append(b, p, "best.", w, e) || store_set_u64(w, "best_step", b->step, e))
		return e->name;
	return store_set_f64(w, "best_loss", b->loss, e);
}

int best_read(struct best *b, const struct program *p, const struct store *s, struct cbtm_error *e)
{
	char name[200];
	if (!store_get_u64(s, "best_step", &b->step))
		return 0;
	if (!store_get_f64(s, "best_loss", &b->loss))
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(s), "it has no fact \"best_loss\"");
	if (make(b, p, e))
		return e->name;
	b->known = true;
	float *v = b->v;
	for (uint32_t i = 0; i < p->list->tensors; i++) {
		const struct cbtm_tensor *t = &p->list->tensor[i];
		uint64_t n = tensor_elements(t), rows = t->shape[0];
		if (!is_parameter(p, i))
			continue;
		snprintf(name, sizeof name, "best.%s", t->name);
		if (checkpoint_tensor(s, name, n, n / rows, v, e))
			return e->name;
		v += n;
	}
	return 0;
}
