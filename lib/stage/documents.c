/* SPDX-License-Identifier: MIT */
#include "stage/documents.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include <stdlib.h>

struct document_reader {
	struct store_reader *key, *split, *text, *meta;
	uint64_t rows;
	struct cbtm_document *batch; /* text and meta are offsets until the batch is handed out */
	size_t n, room;
	struct buffer bytes;
};

int document_reader_open(const struct store *s, bool with_text, struct document_reader **reader,
                         struct cbtm_error *e)
{
	struct document_reader *r = mem_zeroed(1, sizeof *r, "a reader of documents", e);
	*reader = r;
	if (!r)
		return e->name;
	r->rows = store_row_count(s, "key");
	if (store_reader_open(s, "key", &r->key, e) || store_reader_open(s, "split", &r->split, e) ||
	    store_reader_open(s, "meta", &r->meta, e) ||
	    (with_text && store_reader_open(s, "text", &r->text, e))) {
		document_reader_close(r);
		*reader = NULL;
	}
	return e->name;
}

void document_reader_close(struct document_reader *r)
{
	if (!r)
		return;
	store_reader_close(r->key);
	store_reader_close(r->split);
	store_reader_close(r->text);
	store_reader_close(r->meta);
	buffer_free(&r->bytes);
	free(r->batch);
	free(r);
}

uint64_t document_reader_rows(const struct document_reader *r)
{
	return r->rows;
}

int document_reader_split(struct document_reader *r, uint64_t row, enum split *split, uint64_t *key,
                          struct cbtm_error *e)
{
	uint8_t value = 0;
	if (store_read_rows(r->split, row, 1, &value, e) || store_read_rows(r->key, row, 1, key, e))
		return e->name;
	if (value >= SPLIT_COUNT)
		return error_set(e, CBTM_ERR_BAD_STORE, NULL, "document %llu is of the unknown split %u",
		                 (unsigned long long)row, value);
	*split = (enum split)value;
	return 0;
}

void document_reader_clear(struct document_reader *r)
{
	r->n = 0;
	buffer_clear(&r->bytes);
}

int document_reader_add(struct document_reader *r, uint64_t row, struct cbtm_error *e)
{
	const void *text = NULL, *meta;
	uint64_t text_size = 0, meta_size;
	if (array_reserve(&r->batch, &r->room, r->n + 1, sizeof *r->batch, e))
		return e->name;
	struct cbtm_document *d = &r->batch[r->n];
	if (store_read_rows(r->key, row, 1, &d->key, e) ||
	    (r->text && store_read_row(r->text, row, &text, &text_size, e)) ||
	    buffer_add(&r->bytes, text ? text : "", text_size, e) ||
	    store_read_row(r->meta, row, &meta, &meta_size, e) ||
	    buffer_add(&r->bytes, meta, meta_size, e))
		return e->name;
	d->text_size = text_size;
	d->meta_size = meta_size;
	r->n++;
	return 0;
}

int document_reader_batch(struct document_reader *r, const struct cbtm_document **documents,
                          size_t *n, struct cbtm_error *e)
{
	if (buffer_reserve(&r->bytes, 1, e)) /* an empty batch has an address too */
		return e->name;
	const char *at = r->bytes.data;
	for (size_t i = 0; i < r->n; i++) {
		struct cbtm_document *d = &r->batch[i];
		d->text = r->text ? at : NULL;
		at += d->text_size;
		d->meta = at;
		at += d->meta_size;
	}
	*documents = r->batch;
	*n = r->n;
	return 0;
}

int document_reader_take(struct document_reader *r, uint64_t row, size_t most, size_t bytes,
                         const struct cbtm_document **documents, size_t *n, struct cbtm_error *e)
{
	document_reader_clear(r);
	while (r->n < most && row < r->rows && r->bytes.n < bytes)
		if (document_reader_add(r, row++, e))
			return e->name;
	return document_reader_batch(r, documents, n, e);
}

/* ---------------------------------------------------------------- sample */

int document_sample_make(const struct dataset *documents, uint64_t most, uint64_t seed,
                         struct document_sample *sample, struct cbtm_error *e)
{
	uint64_t seeds = 0, branches = 0;
	if (dataset_sum(documents, "documents.seed", &seeds, e) ||
	    dataset_sum(documents, "documents.branch", &branches, e))
		return e->name;
	double train = (double)seeds + (double)branches;
	sample->share = most && (double)most < train ? (double)most / train : 1;
	sample->seed = seed;
	return 0;
}

bool document_is_sampled(const struct document_sample *sample, enum split split, uint64_t key)
{
	if (split != SPLIT_SEED && split != SPLIT_BRANCH)
		return false;
	return sample->share >= 1 ||
	       random_unit(random_key(sample->seed, RANDOM_SAMPLE), key, 0) < sample->share;
}

/* ---------------------------------------------------------------- stream */

static void close_part(struct document_stream *s)
{
	document_reader_close(s->reader);
	store_close(s->store);
	s->reader = NULL;
	s->store = NULL;
	s->row = 0;
}

/* Makes s->row a sampled document's, in this part or a later one; *found = false at the end. */
static int find_next(struct document_stream *s, bool with_text, bool *found, struct cbtm_error *e)
{
	for (*found = false; s->part < dataset_parts(s->dataset); s->part++, close_part(s)) {
		if (!s->store && (dataset_part(s->dataset, s->part, &s->store, e) ||
		                  document_reader_open(s->store, with_text, &s->reader, e)))
			return e->name;
		for (; s->row < document_reader_rows(s->reader); s->row++) {
			enum split split;
			uint64_t key;
			if (document_reader_split(s->reader, s->row, &split, &key, e))
				return e->name;
			*found = document_is_sampled(&s->sample, split, key);
			if (*found)
				return 0;
		}
	}
	return 0;
}

static int stream_rewind(void *arg, struct cbtm_error *e)
{
	struct document_stream *s = arg;
	(void)e;
	close_part(s);
	s->part = 0;
	return 0;
}

/* A batch ends with its part: its texts lie in the part's reader. */
static int stream_next(void *arg, struct cbtm_document *out, size_t max, size_t *n,
                       struct cbtm_error *e)
{
	struct document_stream *s = arg;
	const struct cbtm_document *batch;
	bool found;
	*n = 0;
	if (find_next(s, true, &found, e) || !found)
		return e->name;
	uint64_t rows = document_reader_rows(s->reader);
	document_reader_clear(s->reader);
	for (size_t taken = 0; taken < max && s->row < rows && s->reader->bytes.n < s->bytes;
	     s->row++) {
		enum split split;
		uint64_t key;
		if (document_reader_split(s->reader, s->row, &split, &key, e))
			return e->name;
		if (!document_is_sampled(&s->sample, split, key))
			continue;
		if (document_reader_add(s->reader, s->row, e))
			return e->name;
		taken++;
	}
	if (document_reader_batch(s->reader, &batch, n, e))
		return e->name;
	for (size_t i = 0; i < *n; i++)
		out[i] = batch[i];
	return 0;
}

int document_stream_open(const struct dataset *documents, const struct document_sample *sample,
                         struct document_stream *s, struct cbtm_error *e)
{
	bool found;
	*s = (struct document_stream){ .dataset = documents,
		                           .sample = *sample,
		                           .bytes = DOCUMENT_BYTES };
	s->documents.arg = s;
	s->documents.next = stream_next;
	s->documents.rewind = stream_rewind;
	while (!find_next(s, false, &found, e) && found) {
		s->documents.count++;
		s->row++;
	}
	stream_rewind(s, e);
	if (!e->name && s->documents.count == 0)
		error_set(e, CBTM_ERR_EMPTY_CORPUS, dataset_dir(documents),
		          "there is no train document to fit on");
	return e->name;
}

void document_stream_close(struct document_stream *s)
{
	close_part(s);
}
