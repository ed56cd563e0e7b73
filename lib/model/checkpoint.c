/* SPDX-License-Identifier: MIT */
#include "model/checkpoint.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/signals.h"
#include "model/parameter.h"
#include <stdlib.h>
#include <string.h>

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

struct named {
	const char *name;
	uint32_t tensor;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

uint32_t *checkpoint_order(const struct cbtm_list *l, enum cbtm_role role, enum cbtm_role other,
                           size_t *n, struct cbtm_error *e)
{
	struct named *x = mem_zeroed(l->tensors, sizeof *x, "tensors", e);
	uint32_t *order = x ? mem_zeroed(l->tensors, sizeof *order, "the order of tensors", e) : NULL;
	*n = 0;
	for (uint32_t i = 0; order && i < l->tensors; i++)
		if (l->tensor[i].role == role || l->tensor[i].role == other)
			x[(*n)++] = (struct named){ l->tensor[i].name, i };
	if (order)
		qsort(x, *n, sizeof *x, by_name);
	for (size_t i = 0; order && i < *n; i++)
		order[i] = x[i].tensor;
	free(x);
	return order;
}

int checkpoint_write_tensor(const struct program *p, uint32_t i, struct store_writer *w,
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
	return status ? status : store_end_column(w, t->name, e);
}

int checkpoint_write(const struct program *p, enum cbtm_role role, struct store_writer *w,
                     struct cbtm_error *e)
{
	size_t n;
	uint32_t *order = checkpoint_order(p->list, role, role, &n, e);
	for (size_t i = 0; order && i < n && !checkpoint_write_tensor(p, order[i], w, e);)
		i++;
	free(order);
	return e->name;
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
	for (uint32_t i = 0; i < p->list->tensors; i++) {
		if (p->list->tensor[i].role == role && read_tensor(p, i, s, e))
			return e->name;
		store_release(s);
	}
	return 0;
}

int checkpoint_config(const struct store *s, struct model_config *c, struct cbtm_error *e)
{
	const char *model = store_get_json(s, "model");
	if (!model)
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(s), "it has no fact \"model\"");
	return model_config_parse(model, store_path(s), c, e);
}

static int copy_parameter(const struct store *from, const struct parameter *p,
                          struct store_writer *w, struct cbtm_error *e)
{
	uint64_t width = parameter_elements(p) / p->shape[0];
	struct store_column_info info;
	struct store_reader *r = NULL;
	if (!store_column_find(from, p->name, &info) || info.type != STORE_F32 ||
	    info.rows != p->shape[0] || info.width != width)
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(from),
		                 "it has no tensor \"%s\" of %llu x %llu", p->name,
		                 (unsigned long long)p->shape[0], (unsigned long long)width);
	if (!store_reader_open(from, p->name, &r, e))
		store_add_column(w, p->name, STORE_F32, STORE_TENSOR, width, e);
	for (uint64_t row = 0; row < p->shape[0] && !e->name;) {
		const void *rows;
		uint64_t n;
		if (signals_check(e) || store_map_rows(r, row, &rows, &n, e) ||
		    store_append(w, p->name, rows, n, e))
			break;
		row += n;
		store_release(from);
	}
	store_reader_close(r);
	return e->name ? (int)e->name : store_end_column(w, p->name, e);
}

int checkpoint_copy(const struct store *from, const struct model_config *c, struct store_writer *w,
                    struct cbtm_error *e)
{
	size_t n;
	uint64_t done = 0;
	struct parameter *p = parameters_make(c, &n, e);
	progress_start("import", model_config_parameters(c), "numbers");
	for (size_t i = 0; p && i < n && !copy_parameter(from, &p[i], w, e); i++)
		progress_set(done += parameter_elements(&p[i]), NULL);
	progress_finish();
	free(p);
	return e->name;
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

int checkpoint_which(const struct store *s, enum which which, const char **prefix, uint64_t *step,
                     struct cbtm_error *e)
{
	static const char *const prefixes[] = { "", "best.", "last." };
	uint64_t used, best, last;
	char beside[8] = "";
	*prefix = "";
	if (checkpoint_fact(s, "step", &used, e))
		return e->name;
	bool knows_best = store_get_u64(s, "best_step", &best);
	if (!store_get_u64(s, "last_step", &last))
		last = used;
	*step = which == WHICH_BEST && knows_best ? best : which == WHICH_LAST ? last : used;
	if (which == WHICH_BEST && !knows_best) {
		error_set(e, CBTM_ERR_BAD_DATA, store_path(s),
		          "which parameters were the best was not looked for in its training");
		return error_hint(e, "train with validation data and train.keep: both");
	}
	if (*step == used)
		return 0;
	store_get_text(s, "beside", beside, sizeof beside);
	*prefix = prefixes[which];
	if (!strncmp(beside, *prefix, 4))
		return 0;
	error_set(e, CBTM_ERR_BAD_DATA, store_path(s),
	          "it has the parameters of step %llu alone, not those of step %llu",
	          (unsigned long long)used, (unsigned long long)*step);
	return error_hint(e, "train with train.keep: both");
}
