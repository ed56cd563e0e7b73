/* SPDX-License-Identifier: MIT */
#include "model/checkpoint.h"
#include "base/error.h"
#include "base/memory.h"
#include <stdlib.h>

void program_close(struct program *p)
{
	if (p->compute)
		p->compute->free(p->state);
	list_free(p->names);
	*p = (struct program){ 0 };
}

/* Numbers of a row; a vector's rows have one. */
static uint64_t width_of(const struct cbtm_tensor *t)
{
	return t->rank > 1 ? t->shape[t->rank - 1] : 1;
}

static int write_tensor(const struct program *p, uint32_t i, struct store_writer *w,
                        struct cbtm_error *e)
{
	const struct cbtm_tensor *t = &p->list->tensor[i];
	uint64_t n = tensor_elements(t), width = width_of(t);
	float *v = mem_aligned(n, sizeof *v, t->name, e);
	int status = !v ? e->name : 0;
	if (!status)
		status = p->compute->read(p->state, i, v, e);
	if (!status)
		status = store_add_column(w, t->name, STORE_F32, STORE_TENSOR, width, e);
	if (!status)
		status = store_append(w, t->name, v, n / width, e);
	free(v);
	return status;
}

int checkpoint_write(const struct program *p, enum cbtm_role role, struct store_writer *w,
                     struct cbtm_error *e)
{
	for (uint32_t i = 0; i < p->list->tensors; i++)
		if (p->list->tensor[i].role == role && write_tensor(p, i, w, e))
			return e->name;
	return 0;
}

int checkpoint_tensor(const struct store *s, const char *name, uint64_t n, uint64_t width, float *v,
                      struct cbtm_error *e)
{
	struct store_column_info info;
	struct store_reader *r = NULL;
	if (!store_column_find(s, name, &info) || info.type != STORE_F32 || info.rows != n / width ||
	    info.width != width)
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(s),
		                 "it has no tensor \"%s\" of %llu x %llu", name,
		                 (unsigned long long)(n / width), (unsigned long long)width);
	if (!store_reader_open(s, name, &r, e))
		store_read_rows(r, 0, n / width, v, e);
	store_reader_close(r);
	return e->name;
}

static int read_tensor(const struct program *p, uint32_t i, const struct store *s,
                       struct cbtm_error *e)
{
	const struct cbtm_tensor *t = &p->list->tensor[i];
	uint64_t n = tensor_elements(t);
	float *v = mem_aligned(n, sizeof *v, t->name, e);
	int status = !v ? e->name : 0;
	if (!status)
		status = checkpoint_tensor(s, t->name, n, width_of(t), v, e);
	if (!status)
		status = p->compute->write(p->state, i, v, e);
	free(v);
	return status;
}

int checkpoint_read(const struct program *p, enum cbtm_role role, const struct store *s,
                    struct cbtm_error *e)
{
	for (uint32_t i = 0; i < p->list->tensors; i++)
		if (p->list->tensor[i].role == role && read_tensor(p, i, s, e))
			return e->name;
	return 0;
}

int checkpoint_length(const struct store *s, const struct model_config *c, uint64_t *length,
                      struct cbtm_error *e)
{
	if (checkpoint_fact(s, "length", length, e))
		return e->name;
	if (!*length || *length > c->length)
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(s),
		                 "its sequences have %llu tokens, its model %llu positions",
		                 (unsigned long long)*length, (unsigned long long)c->length);
	return 0;
}

int checkpoint_fact(const struct store *s, const char *name, uint64_t *v, struct cbtm_error *e)
{
	if (store_get_u64(s, name, v))
		return 0;
	return error_set(e, CBTM_ERR_BAD_STORE, store_path(s), "it has no fact \"%s\"", name);
}
