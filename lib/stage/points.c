/* SPDX-License-Identifier: MIT */
#include "stage/points.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "math/dense.h"
#include "store/tokens.h"
#include <stdlib.h>
#include <string.h>

struct points_memory {
	size_t vector_room, document_room, tokens_room;
	struct buffer meta; /* all metadata, one behind the other */
};

int points_check(const float *x, size_t d, uint64_t row, uint64_t key, const char *where,
                 struct cbtm_error *e)
{
	if (dense_is_finite(x, d))
		return 0;
	return error_set(e, CBTM_ERR_NOT_FINITE, where,
	                 "the vector of row %llu (document %016llx) is not finite",
	                 (unsigned long long)row, (unsigned long long)key);
}

/* One part of each dataset, opened together. */
struct part {
	struct store *vectors, *documents, *tokens;
	struct store_reader *vector, *key;
	struct document_reader *document;
	struct tokens_reader *ids;
};

static void part_close(struct part *p)
{
	tokens_close(p->ids);
	document_reader_close(p->document);
	store_reader_close(p->key);
	store_reader_close(p->vector);
	store_close(p->tokens);
	store_close(p->documents);
	store_close(p->vectors);
}

static int part_open(struct part *p, struct points *out, const struct dataset *vectors,
                     const struct dataset *documents, const struct dataset *tokens, uint32_t part,
                     struct cbtm_error *e)
{
	struct store_column_info info;
	*p = (struct part){ 0 };
	if (dataset_part(vectors, part, &p->vectors, e) ||
	    dataset_part(documents, part, &p->documents, e) ||
	    (tokens && dataset_part(tokens, part, &p->tokens, e)) ||
	    store_reader_open(p->vectors, "vector", &p->vector, e) ||
	    store_reader_open(p->vectors, "key", &p->key, e) ||
	    document_reader_open(p->documents, false, &p->document, e) ||
	    (tokens && tokens_open(p->tokens, &p->ids, e)))
		return e->name;
	uint64_t rows = document_reader_rows(p->document);
	if (!store_column_find(p->vectors, "vector", &info) || info.rows != rows ||
	    (out->d && info.width != out->d))
		return error_set(e, CBTM_ERR_BAD_DATA, store_path(p->vectors),
		                 "these are not the vectors of %s", store_path(p->documents));
	if (tokens && store_row_count(p->tokens, "key") != rows)
		return error_set(e, CBTM_ERR_BAD_DATA, store_path(p->tokens),
		                 "these are not the tokens of %s", store_path(p->documents));
	out->d = info.width;
	return 0;
}

static int add_point(struct points *p, struct part *part, uint64_t row, uint64_t key,
                     bool drop_zero, struct cbtm_error *e)
{
	struct points_memory *m = p->memory;
	const struct cbtm_document *document;
	const uint32_t *ids;
	uint64_t vector_key, tokens;
	size_t n;
	if (array_reserve(&p->vector, &m->vector_room, p->n + 1, p->d * sizeof *p->vector, e) ||
	    array_reserve(&p->document, &m->document_room, p->n + 1, sizeof *p->document, e) ||
	    (part->ids && array_reserve(&p->tokens, &m->tokens_room, p->n + 1, sizeof tokens, e)))
		return e->name;
	float *x = p->vector + p->n * p->d;
	if (store_read_rows(part->vector, row, 1, x, e) ||
	    store_read_rows(part->key, row, 1, &vector_key, e))
		return e->name;
	if (vector_key != key)
		return error_set(e, CBTM_ERR_BAD_DATA, store_path(part->vectors),
		                 "row %llu is of another document than in %s", (unsigned long long)row,
		                 store_path(part->documents));
	if (points_check(x, p->d, row, key, store_path(part->vectors), e))
		return e->name;
	bool zero = dense_is_zero(x, p->d);
	p->zero += zero;
	if (zero && drop_zero)
		return 0;
	document_reader_clear(part->document);
	if (document_reader_add(part->document, row, e) ||
	    document_reader_batch(part->document, &document, &n, e))
		return e->name;
	p->document[p->n] = *document;
	if (buffer_add(&m->meta, document->meta, document->meta_size, e))
		return e->name;
	if (part->ids) {
		if (tokens_read(part->ids, row, &ids, &tokens, e))
			return e->name;
		p->tokens[p->n] = tokens;
	}
	p->n++;
	return 0;
}

static int add_part(struct points *p, struct part *part, const struct document_sample *sample,
                    bool drop_zero, struct cbtm_error *e)
{
	uint64_t rows = document_reader_rows(part->document);
	for (uint64_t row = 0; row < rows; row++) {
		enum split split;
		uint64_t key;
		if (document_reader_split(part->document, row, &split, &key, e))
			return e->name;
		if (document_is_sampled(sample, split, key) && add_point(p, part, row, key, drop_zero, e))
			return e->name;
	}
	return 0;
}

int points_read(struct points *p, const struct dataset *vectors, const struct dataset *documents,
                const struct dataset *tokens, const struct document_sample *sample, bool drop_zero,
                struct cbtm_error *e)
{
	*p = (struct points){ .memory = mem_zeroed(1, sizeof *p->memory, "points", e) };
	if (!p->memory)
		return e->name;
	for (uint32_t i = 0; i < dataset_parts(documents) && !e->name; i++) {
		struct part part;
		if (!part_open(&part, p, vectors, documents, tokens, i, e))
			add_part(p, &part, sample, drop_zero, e);
		part_close(&part);
	}
	const char *at = p->memory->meta.data;
	for (size_t i = 0; !e->name && i < p->n; i++) {
		p->document[i].meta = at;
		at += p->document[i].meta_size;
	}
	return e->name;
}

void points_free(struct points *p)
{
	if (p->memory)
		buffer_free(&p->memory->meta);
	free(p->memory);
	free(p->tokens), free(p->document), free(p->vector);
	*p = (struct points){ 0 };
}
