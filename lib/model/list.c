/* SPDX-License-Identifier: MIT */
#include "model/list.h"
#include "base/error.h"
#include "base/memory.h"
#include "model/operation.h"
#include <stdlib.h>
#include <string.h>

struct list {
	struct cbtm_list list;
	struct arena *names;
	struct cbtm_tensor *tensor;
	struct cbtm_operation *operation;
	size_t tensor_cap, operation_cap;
	uint32_t operations;
	enum cbtm_section section;
};

struct list *list_new(uint32_t batch, uint32_t length, struct cbtm_error *e)
{
	struct list *l = mem_zeroed(1, sizeof *l, "a list of operations", e);
	if (!l)
		return NULL;
	l->list.batch = batch;
	l->list.length = length;
	l->names = arena_new(e);
	if (!l->names) {
		list_free(l);
		return NULL;
	}
	return l;
}

void list_free(struct list *l)
{
	if (!l)
		return;
	arena_free(l->names);
	free(l->tensor);
	free(l->operation);
	free(l);
}

uint64_t tensor_elements(const struct cbtm_tensor *t)
{
	uint64_t n = 1;
	for (uint32_t i = 0; i < t->rank; i++)
		n *= t->shape[i];
	return n;
}

uint32_t list_find(const struct list *l, const char *name)
{
	for (uint32_t i = 0; i < l->list.tensors; i++)
		if (!strcmp(l->tensor[i].name, name))
			return i;
	return CBTM_NONE;
}

uint32_t list_tensor(struct list *l, const char *name, enum cbtm_role role,
                     enum cbtm_element element, uint32_t rank, const uint64_t *shape,
                     struct cbtm_error *e)
{
	size_t n = l->list.tensors;
	if (array_reserve(&l->tensor, &l->tensor_cap, n + 1, sizeof *l->tensor, e))
		return CBTM_NONE;
	struct cbtm_tensor *t = &l->tensor[n];
	*t = (struct cbtm_tensor){ .role = role, .element = element, .rank = rank };
	t->name = arena_string(l->names, name, strlen(name), e);
	if (!t->name)
		return CBTM_NONE;
	size_t bytes = sizeof(double);
	for (uint32_t i = 0; i < 4; i++) {
		t->shape[i] = i < rank ? shape[i] : 1;
		if (!t->shape[i] || !size_mul(bytes, t->shape[i], &bytes)) {
			error_set(e, CBTM_ERR_CONFIG, name, "a tensor of this shape is empty or too large");
			return CBTM_NONE;
		}
	}
	l->list.tensors++;
	return (uint32_t)n;
}

void list_section(struct list *l, enum cbtm_section section)
{
	for (unsigned s = l->section + 1; s <= section; s++)
		l->list.start[s] = l->operations;
	l->section = section;
}

struct cbtm_operation *list_add(struct list *l, enum cbtm_operation_kind kind, uint32_t flags,
                                const uint32_t *slots, struct cbtm_error *e)
{
	struct operation_slot slot[OPERATION_SLOTS];
	if (array_reserve(&l->operation, &l->operation_cap, l->operations + 1u, sizeof *l->operation,
	                  e))
		return NULL;
	struct cbtm_operation *o = &l->operation[l->operations++];
	*o = (struct cbtm_operation){ .kind = kind, .flags = flags };
	memset(o->in, 0xff, sizeof o->in);
	memset(o->out, 0xff, sizeof o->out);
	size_t inputs = 0;
	for (size_t i = 0, n = operation_slots(kind, slot); i < n; i++)
		if (slot[i].output)
			o->out[i - inputs] = slots[i];
		else
			o->in[inputs++] = slots[i];
	return o;
}

const struct cbtm_list *list_finish(struct list *l, struct cbtm_error *e)
{
	for (unsigned s = l->section + 1; s <= CBTM_SECTIONS; s++)
		l->list.start[s] = l->operations;
	l->list.tensor = l->tensor;
	l->list.operation = l->operation;
	for (uint32_t i = 0; i < l->operations; i++)
		if (operation_check(&l->operation[i], &l->list, e))
			return NULL;
	return &l->list;
}
