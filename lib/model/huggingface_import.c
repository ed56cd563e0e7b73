/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"
#include "model/huggingface.h"
#include "model/parameter.h"
#include "model/safetensors.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct import {
	const char *folder;
	const struct model_config *c;
	struct safetensors *theirs;
	struct parameter *ours;
	size_t n;
	const char *prefix;
	bool *used; /* of their tensors */
};

/* Their files name tensors by one of a few prefixes: the one under which the embedding stands. */
static int find_prefix(struct import *in, struct cbtm_error *e)
{
	struct huggingface_place place;
	const char *const *p = huggingface_prefixes[in->c->architecture];
	for (size_t i = 0; p[i]; i++) {
		if (huggingface_place(in->c->architecture, p[i], "token", &place, e))
			return e->name;
		if (safetensors_find(in->theirs, place.name[0])) {
			in->prefix = p[i];
			return 0;
		}
	}
	huggingface_place(in->c->architecture, p[0], "token", &place, e);
	return error_set(e, CBTM_ERR_BAD_DATA, in->folder, "the tensor \"%s\" is missing",
	                 place.name[0]);
}

/* The shape that one of the sources of our parameter must have. */
static uint32_t shape_of(const struct parameter *p, const struct huggingface_place *place,
                         uint64_t shape[2])
{
	shape[0] = p->shape[0] / place->sources + place->skip;
	shape[1] = p->shape[1];
	if (place->transposed) {
		shape[0] = p->shape[1];
		shape[1] = p->shape[0];
	}
	return p->rank;
}

static void shape_text(const uint64_t *shape, uint32_t rank, char *text, size_t n)
{
	size_t at = 0;
	text[0] = 0;
	for (uint32_t i = 0; i < rank && at < n; i++)
		at += (size_t)snprintf(text + at, n - at, "%s%llu", i ? " x " : "",
		                       (unsigned long long)shape[i]);
}

static int check_source(struct import *in, const struct parameter *p,
                        const struct huggingface_place *place, const char *name,
                        struct cbtm_error *e)
{
	const struct safetensor *t = safetensors_find(in->theirs, name);
	uint64_t shape[2];
	uint32_t rank = shape_of(p, place, shape);
	char is[100], should[100];
	if (!t)
		return error_set(e, CBTM_ERR_BAD_DATA, in->folder, "the tensor \"%s\" is missing", name);
	in->used[t - safetensors_at(in->theirs, 0)] = true;
	if (t->rank == rank && !memcmp(t->shape, shape, rank * sizeof *shape))
		return 0;
	shape_text(t->shape, t->rank, is, sizeof is);
	shape_text(shape, rank, should, sizeof should);
	return error_set(e, CBTM_ERR_BAD_DATA, safetensors_path(in->theirs, t),
	                 "the tensor \"%s\" is %s; config.json says %s", name, is, should);
}

/* Every tensor that is needed is there, and no other. */
static int check(struct import *in, struct cbtm_error *e)
{
	struct huggingface_place place;
	size_t prefix = strlen(in->prefix);
	for (size_t i = 0; i < in->n; i++) {
		if (huggingface_place(in->c->architecture, in->prefix, in->ours[i].name, &place, e))
			return e->name;
		for (size_t k = 0; k < place.sources; k++)
			if (check_source(in, &in->ours[i], &place, place.name[k], e))
				return e->name;
	}
	for (size_t i = 0; i < safetensors_count(in->theirs); i++) {
		const struct safetensor *t = safetensors_at(in->theirs, i);
		if (in->used[i] || !strcmp(t->name, "lm_head.weight") ||
		    (!strncmp(t->name, in->prefix, prefix) &&
		     huggingface_is_buffer(in->c->architecture, t->name + prefix)))
			continue;
		return error_set(e, CBTM_ERR_BAD_DATA, safetensors_path(in->theirs, t),
		                 "the tensor \"%.200s\" is none of this model's", t->name);
	}
	return 0;
}

/* from: rows x columns, to: columns x rows. */
static void transpose(const float *from, uint64_t rows, uint64_t columns, float *to)
{
	for (uint64_t i = 0; i < rows; i++)
		for (uint64_t j = 0; j < columns; j++)
			to[j * rows + i] = from[i * columns + j];
}

/* Our parameter's numbers, put together. `scratch`: as many again, if it is transposed. */
static int gather(const struct import *in, const struct parameter *p, float *v, float *scratch,
                  struct cbtm_error *e)
{
	struct huggingface_place place;
	uint64_t each;
	if (huggingface_place(in->c->architecture, in->prefix, p->name, &place, e))
		return e->name;
	each = parameter_elements(p) / place.sources;
	for (size_t k = 0; k < place.sources; k++) {
		const struct safetensor *t = safetensors_find(in->theirs, place.name[k]);
		float *to = place.transposed ? scratch : v + k * each;
		if (safetensors_read(in->theirs, t, place.skip * p->shape[1], each, to, e))
			return e->name;
	}
	if (place.transposed)
		transpose(scratch, p->shape[1], p->shape[0], v);
	return 0;
}

/* An output matrix of its own would be lost: only one that is the embedding can be left out. */
static int check_head(const struct import *in, const struct parameter *p, const float *token,
                      float *scratch, struct cbtm_error *e)
{
	const struct safetensor *t = safetensors_find(in->theirs, "lm_head.weight");
	if (!t)
		return 0;
	if (t->elements == parameter_elements(p)) {
		if (safetensors_read(in->theirs, t, 0, t->elements, scratch, e))
			return e->name;
		if (!memcmp(scratch, token, t->elements * sizeof *token))
			return 0;
	}
	return error_set(e, CBTM_ERR_BAD_DATA, safetensors_path(in->theirs, t),
	                 "the tensor \"lm_head.weight\" is not the token embedding: models with an "
	                 "output matrix of their own are not supported");
}

static int copy(const struct import *in, struct store_writer *w, struct cbtm_error *e)
{
	uint64_t largest = 0, all = 0, done = 0;
	for (size_t i = 0; i < in->n; i++) {
		uint64_t n = parameter_elements(&in->ours[i]);
		largest = n > largest ? n : largest;
		all += n;
	}
	float *v = mem_aligned(largest, sizeof *v, "a tensor", e);
	float *scratch = v ? mem_aligned(largest, sizeof *v, "a tensor", e) : NULL;
	progress_start("import", all, "numbers");
	for (size_t i = 0; scratch && i < in->n && !e->name; i++) {
		const struct parameter *p = &in->ours[i];
		uint64_t n = parameter_elements(p);
		if (gather(in, p, v, scratch, e) || (!i && check_head(in, p, v, scratch, e)) ||
		    store_add_column(w, p->name, STORE_F32, STORE_TENSOR, n / p->shape[0], e) ||
		    store_append(w, p->name, v, p->shape[0], e))
			break;
		progress_set(done += n, NULL);
	}
	progress_finish();
	free(v);
	free(scratch);
	return e->name;
}

int huggingface_import(const char *folder, const struct model_config *c, struct store_writer *w,
                       struct cbtm_error *e)
{
	struct import in = { .folder = folder, .c = c };
	if (safetensors_open(folder, &in.theirs, e))
		return e->name;
	in.ours = parameters_make(c, &in.n, e);
	in.used = mem_zeroed(safetensors_count(in.theirs), 1, "a checkpoint", e);
	if (in.ours && in.used && !find_prefix(&in, e) && !check(&in, e))
		copy(&in, w, e);
	free(in.ours);
	free(in.used);
	safetensors_close(in.theirs);
	return e->name;
}
