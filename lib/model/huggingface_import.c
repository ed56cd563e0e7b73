/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/signals.h"
#include "model/huggingface.h"
#include "model/parameter.h"
#include "model/safetensors.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PIECE = 1 << 20, /* numbers in memory at a time, of matrices that need no turning */
	TILE = 16        /* of a matrix that is turned */
};

struct import {
	const char *folder;
	const struct model_config *c;
	struct safetensors *theirs;
	struct parameter *ours;
	size_t n;
	const char *prefix;
	bool *used; /* of their tensors */
};

/* Is given the parameters' numbers, in order: `rows` rows of `p` from row `first` on. */
typedef int visitor(void *arg, const struct parameter *p, uint64_t first, uint64_t rows,
                    const float *v, struct cbtm_error *e);

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
	if (safetensors_check_type(in->theirs, t, e))
		return e->name;
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
	for (uint64_t i = 0; i < rows; i += TILE)
		for (uint64_t j = 0; j < columns; j++)
			for (uint64_t k = i; k < rows && k < i + TILE; k++)
				to[j * rows + k] = from[k * columns + j];
}

/* Rows of a parameter that are in memory at a time. */
static uint64_t rows_at_once(const struct parameter *p, bool transposed)
{
	uint64_t n = PIECE / p->shape[1] + !(PIECE / p->shape[1]);
	return transposed || n > p->shape[0] ? p->shape[0] : n;
}

/* Rows of our parameter, put together. `scratch`: as many numbers, if it is transposed. */
static int gather(const struct import *in, const struct parameter *p,
                  const struct huggingface_place *place, uint64_t first, uint64_t rows, float *v,
                  float *scratch, struct cbtm_error *e)
{
	uint64_t columns = p->shape[1], block = p->shape[0] / place->sources;
	while (rows) {
		const struct safetensor *t = safetensors_find(in->theirs, place->name[first / block]);
		uint64_t at = first % block, n = rows < block - at ? rows : block - at;
		float *to = place->transposed ? scratch : v;
		if (safetensors_read(in->theirs, t, (place->skip + at) * columns, n * columns, to, e))
			return e->name;
		if (place->transposed)
			transpose(scratch, columns, n, v);
		v += n * columns;
		first += n;
		rows -= n;
	}
	return 0;
}

/* Shows all parameters' numbers to the visitor, a piece in memory at a time. */
static int walk(const struct import *in, const char *title, visitor *visit, void *arg,
                struct cbtm_error *e)
{
	struct huggingface_place place;
	uint64_t largest = 0, turned = 0, all = 0, done = 0;
	for (size_t i = 0; i < in->n; i++) {
		const struct parameter *p = &in->ours[i];
		if (huggingface_place(in->c->architecture, in->prefix, p->name, &place, e))
			return e->name;
		uint64_t n = rows_at_once(p, place.transposed) * p->shape[1];
		largest = n > largest ? n : largest;
		turned = place.transposed && n > turned ? n : turned;
		all += parameter_elements(p);
	}
	float *v = mem_aligned(largest, sizeof *v, "a tensor", e);
	float *scratch = v ? mem_aligned(turned + 1, sizeof *v, "a tensor", e) : NULL;
	progress_start(title, all, "numbers");
	for (size_t i = 0; scratch && i < in->n && !e->name; i++) {
		const struct parameter *p = &in->ours[i];
		if (huggingface_place(in->c->architecture, in->prefix, p->name, &place, e))
			break;
		uint64_t step = rows_at_once(p, place.transposed);
		for (uint64_t first = 0; first < p->shape[0] && !e->name; first += step) {
			uint64_t rows = step < p->shape[0] - first ? step : p->shape[0] - first;
			if (signals_check(e) || gather(in, p, &place, first, rows, v, scratch, e) ||
			    visit(arg, p, first, rows, v, e))
				break;
			progress_set(done += rows * p->shape[1], NULL);
		}
	}
	progress_finish();
	free(v);
	free(scratch);
	return e->name;
}

/* An output matrix of its own would be lost: only one that is the embedding can be left out. */
static int check_head(const struct import *in, struct cbtm_error *e)
{
	const struct safetensor *t = safetensors_find(in->theirs, "lm_head.weight"), *token;
	struct huggingface_place place;
	bool same;
	if (!t)
		return 0;
	if (safetensors_check_type(in->theirs, t, e) ||
	    huggingface_place(in->c->architecture, in->prefix, "token", &place, e))
		return e->name;
	token = safetensors_find(in->theirs, place.name[0]);
	same = t->elements == token->elements;
	float *a = mem_aligned(PIECE, sizeof *a, "a tensor", e);
	float *b = a ? mem_aligned(PIECE, sizeof *b, "a tensor", e) : NULL;
	for (uint64_t i = 0; b && same && i < t->elements; i += PIECE) {
		uint64_t n = PIECE < t->elements - i ? PIECE : t->elements - i;
		if (safetensors_read(in->theirs, t, i, n, a, e) ||
		    safetensors_read(in->theirs, token, i, n, b, e))
			break;
		same = !memcmp(a, b, n * sizeof *a);
	}
	free(a);
	free(b);
	if (e->name || same)
		return e->name;
	return error_set(e, CBTM_ERR_BAD_DATA, safetensors_path(in->theirs, t),
	                 "the tensor \"lm_head.weight\" is not the token embedding: models with an "
	                 "output matrix of their own are not supported");
}

static int open_import(struct import *in, struct cbtm_error *e)
{
	if (safetensors_open(in->folder, &in->theirs, e))
		return e->name;
	in->ours = parameters_make(in->c, &in->n, e);
	in->used = mem_zeroed(safetensors_count(in->theirs), 1, "a checkpoint", e);
	if (in->ours && in->used && !find_prefix(in, e))
		check(in, e);
	return e->name;
}

static void close_import(struct import *in)
{
	free(in->ours);
	free(in->used);
	safetensors_close(in->theirs);
}

int huggingface_check(const char *folder, const struct model_config *c, struct cbtm_error *e)
{
	struct import in = { .folder = folder, .c = c };
	if (!open_import(&in, e))
		check_head(&in, e);
	close_import(&in);
	return e->name;
}

static int append(void *arg, const struct parameter *p, uint64_t first, uint64_t rows,
                  const float *v, struct cbtm_error *e)
{
	struct store_writer *w = arg;
	if (!first && store_add_column(w, p->name, STORE_F32, STORE_TENSOR, p->shape[1], e))
		return e->name;
	if (store_append(w, p->name, v, rows, e))
		return e->name;
	return first + rows < p->shape[0] ? 0 : store_end_column(w, p->name, e);
}

int huggingface_import(const char *folder, const struct model_config *c, struct store_writer *w,
                       struct cbtm_error *e)
{
	struct import in = { .folder = folder, .c = c };
	if (!open_import(&in, e) && !check_head(&in, e))
		walk(&in, "import", append, w, e);
	close_import(&in);
	return e->name;
}

static int append_unused(const struct import *in, struct store_writer *w, struct cbtm_error *e)
{
	struct huggingface_place place;
	char name[HUGGINGFACE_NAME];
	for (size_t i = 0; i < in->n; i++) {
		const struct parameter *p = &in->ours[i];
		if (huggingface_place(in->c->architecture, in->prefix, p->name, &place, e))
			return e->name;
		if (!place.skip)
			continue;
		uint64_t columns = p->shape[1];
		float *v = mem_aligned(place.skip * columns, sizeof *v, "a tensor", e);
		huggingface_unused(p->name, name);
		if (v &&
		    !safetensors_read(in->theirs, safetensors_find(in->theirs, place.name[0]), 0,
		                      place.skip * columns, v, e) &&
		    !store_add_column(w, name, STORE_F32, STORE_TENSOR, columns, e))
			store_append(w, name, v, place.skip, e);
		free(v);
	}
	return e->name;
}

int huggingface_import_unused(const char *folder, const struct model_config *c,
                              struct store_writer *w, struct cbtm_error *e)
{
	struct import in = { .folder = folder, .c = c };
	if (!open_import(&in, e))
		append_unused(&in, w, e);
	close_import(&in);
	return e->name;
}

static int differs(const struct store *s, const struct parameter *p, struct cbtm_error *e)
{
	return error_set(e, CBTM_ERR_BAD_STORE, store_path(s),
	                 "the tensor \"%s\" is not that of the files it was imported from", p->name);
}

static int compare(void *arg, const struct parameter *p, uint64_t first, uint64_t rows,
                   const float *v, struct cbtm_error *e)
{
	const struct store *s = arg;
	struct store_column_info info;
	struct store_reader *r = NULL;
	if (!store_column_find(s, p->name, &info) || info.type != STORE_F32 ||
	    info.rows != p->shape[0] || info.width != p->shape[1])
		return differs(s, p, e);
	store_reader_open(s, p->name, &r, e);
	while (rows && !e->name) {
		const void *ours;
		uint64_t n;
		if (store_map_rows(r, first, &ours, &n, e))
			break;
		n = n < rows ? n : rows;
		if (memcmp(ours, v, n * p->shape[1] * sizeof *v))
			differs(s, p, e);
		v += n * p->shape[1];
		first += n;
		rows -= n;
	}
	store_reader_close(r);
	store_release(s);
	return e->name;
}

int huggingface_compare(const char *folder, const struct model_config *c, struct store *s,
                        struct cbtm_error *e)
{
	struct import in = { .folder = folder, .c = c };
	if (!open_import(&in, e))
		walk(&in, "compare", compare, s, e);
	close_import(&in);
	return e->name;
}
