/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "model/huggingface.h"
#include "model/parameter.h"
#include "model/safetensors.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One of their tensors: which of our parameters it is made of, and which block of it. */
struct piece {
	const struct store *checkpoint;
	const struct parameter *parameter;
	bool transposed;
	char column[HUGGINGFACE_NAME];
	uint64_t skip, block, rows; /* rows of our parameter from block x rows on */
};

/* The rows that are none of ours: as they were imported, or zeros. */
static int give_unused(const struct piece *p, float *out, struct cbtm_error *e)
{
	uint64_t columns = p->parameter->shape[1];
	struct store_column_info info;
	struct store_reader *r = NULL;
	char name[HUGGINGFACE_NAME];
	if (!p->skip)
		return 0;
	memset(out, 0, p->skip * columns * sizeof *out);
	huggingface_unused(p->parameter->name, name);
	if (!store_column_find(p->checkpoint, name, &info) || info.type != STORE_F32 ||
	    info.rows != p->skip || info.width != columns)
		return 0;
	if (!store_reader_open(p->checkpoint, name, &r, e))
		store_read_rows(r, 0, p->skip, out, e);
	store_reader_close(r);
	return e->name;
}

static int give(void *arg, const struct safetensor_source *t, float *out, struct cbtm_error *e)
{
	const struct piece *p = arg;
	uint64_t columns = p->parameter->shape[1], n = p->rows * columns;
	struct store_reader *r = NULL;
	float *from = out + p->skip * columns, *rows = NULL;
	(void)t;
	if (p->transposed && !(rows = mem_aligned(n, sizeof *rows, "a tensor", e)))
		return e->name;
	if (!give_unused(p, out, e) && !store_reader_open(p->checkpoint, p->column, &r, e))
		store_read_rows(r, p->block * p->rows, p->rows, rows ? rows : from, e);
	for (uint64_t i = 0; rows && !e->name && i < p->rows; i++)
		for (uint64_t j = 0; j < columns; j++)
			out[j * p->rows + i] = rows[i * columns + j];
	store_reader_close(r);
	store_release(p->checkpoint);
	free(rows);
	return e->name;
}

struct export
{
	struct parameter *ours;
	struct piece *piece;
	struct safetensor_source *source;
	size_t n;
};

/* The list of their tensors. */
static int plan(struct export *x, const struct store *s, const char *prefix,
                const struct model_config *c, struct cbtm_error *e)
{
	char column[HUGGINGFACE_NAME];
	size_t n;
	x->ours = parameters_make(c, &n, e);
	x->piece = mem_zeroed(n * HUGGINGFACE_SOURCES, sizeof *x->piece, "a checkpoint", e);
	x->source = mem_zeroed(n * HUGGINGFACE_SOURCES, sizeof *x->source, "a checkpoint", e);
	if (!x->ours || !x->piece || !x->source)
		return e->name;
	for (size_t i = 0; i < n; i++) {
		const struct parameter *p = &x->ours[i];
		struct store_column_info info;
		struct huggingface_place place;
		snprintf(column, sizeof column, "%s%s", prefix, p->name);
		if (!store_column_find(s, column, &info) || info.type != STORE_F32 ||
		    info.rows != p->shape[0] || info.width != p->shape[1])
			return error_set(e, CBTM_ERR_BAD_STORE, store_path(s),
			                 "it has no tensor \"%s\" of %llu x %llu", column,
			                 (unsigned long long)p->shape[0], (unsigned long long)p->shape[1]);
		if (huggingface_place(c->architecture, huggingface_prefixes[c->architecture][0], p->name,
		                      &place, e))
			return e->name;
		for (size_t k = 0; k < place.sources; k++) {
			struct safetensor_source *t = &x->source[x->n];
			struct piece *piece = &x->piece[x->n++];
			uint64_t rows = p->shape[0] / place.sources;
			*piece = (struct piece){ .checkpoint = s,
				                     .parameter = p,
				                     .transposed = place.transposed,
				                     .skip = place.skip,
				                     .block = k,
				                     .rows = rows };
			memcpy(piece->column, column, sizeof column);
			*t = (struct safetensor_source){ .rank = p->rank, .give = give, .arg = piece };
			memcpy(t->name, place.name[k], sizeof t->name - 1);
			t->shape[0] = place.transposed ? p->shape[1] : rows + place.skip;
			t->shape[1] = place.transposed ? rows : p->shape[1];
		}
	}
	return 0;
}

/* What was written is read back and compared, number by number. */
static int compare(const struct export *x, const char *folder, struct cbtm_error *e)
{
	struct safetensors *written = NULL;
	if (safetensors_open(folder, &written, e))
		return e->name;
	for (size_t i = 0; i < x->n && !e->name; i++) {
		const struct safetensor *t = safetensors_find(written, x->source[i].name);
		if (!t) {
			error_set(e, CBTM_ERR_IO, folder, "the tensor \"%s\" was not written",
			          x->source[i].name);
			break;
		}
		float *a = mem_aligned(t->elements, sizeof *a, t->name, e);
		float *b = mem_aligned(t->elements, sizeof *b, t->name, e);
		if (a && b && !give(&x->piece[i], &x->source[i], a, e) &&
		    !safetensors_read(written, t, 0, t->elements, b, e) &&
		    memcmp(a, b, t->elements * sizeof *a))
			error_set(e, CBTM_ERR_IO, safetensors_path(written, t),
			          "the tensor \"%s\" reads back otherwise than it was written", t->name);
		free(a);
		free(b);
	}
	safetensors_close(written);
	return e->name;
}

static int write_config(const struct model_config *c, const char *folder,
                        const struct huggingface_ids *ids, struct cbtm_error *e)
{
	char *path = path_join(folder, "config.json", e);
	struct buffer text = { 0 };
	struct model_config again;
	if (path && !huggingface_config_print(c, ids, &text, e) &&
	    !file_replace(path, text.data, text.n, e) && !huggingface_config(folder, &again, e) &&
	    (again.architecture != c->architecture || again.vocabulary != c->vocabulary ||
	     again.length != c->length || again.layers != c->layers || again.width != c->width ||
	     again.heads != c->heads || again.ffn != c->ffn || again.pads != c->pads ||
	     again.padding != c->padding))
		error_set(e, CBTM_ERR_IO, path, "reads back otherwise than it was written");
	buffer_free(&text);
	free(path);
	return e->name;
}

static int refuse_mixture(const struct model_config *c, const struct store *s, struct cbtm_error *e)
{
	if (!c->moe.experts)
		return 0;
	error_set(e, CBTM_ERR_BAD_DATA, store_path(s),
	          "its model is a mixture of %llu experts a layer; transformers' OPT and GPT-2 have "
	          "none, so that it cannot be written as one of them",
	          (unsigned long long)c->moe.experts);
	return error_hint(e, "export the seed, a dense model or an expert of a cluster");
}

int huggingface_export(const struct store *checkpoint, const char *prefix, const char *folder,
                       struct cbtm_error *e)
{
	const char *model = store_get_json(checkpoint, "model");
	struct export x = { 0 };
	struct model_config c;
	struct huggingface_ids ids;
	char *path = path_join(folder, "model.safetensors", e);
	if (!model)
		error_set(e, CBTM_ERR_BAD_STORE, store_path(checkpoint), "it has no fact \"model\"");
	else if (path && !model_config_parse(model, store_path(checkpoint), &c, e) &&
	         !refuse_mixture(&c, checkpoint, e) && !huggingface_ids_of(checkpoint, &c, &ids, e) &&
	         !plan(&x, checkpoint, prefix, &c, e) && !folder_make(folder, e) &&
	         !safetensors_write(path, x.source, x.n, e) && !compare(&x, folder, e))
		write_config(&c, folder, &ids, e);
	free(x.ours);
	free(x.piece);
	free(x.source);
	free(path);
	return e->name;
}
