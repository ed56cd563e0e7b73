/* SPDX-License-Identifier: MIT */
#include "stage/card_rows.h"
#include "base/error.h"
#include "base/memory.h"
#include "store/tokens.h"
#include <stdlib.h>
#include <string.h>

/* The columns that a batch is made of. */
enum { KEY, SPLIT, META, TEXT, VECTOR_KEY, VECTOR, ASSIGNED_KEY, CLUSTER, DISTANCE, TOKENS_KEY };
enum { DOCUMENTS, VECTORS, ASSIGNMENTS, TOKENS, DATASETS };
enum { COLUMNS = TOKENS_KEY + 1 };
static const struct {
	int dataset;
	const char *name;
} column_table[COLUMNS] = {
	[KEY] = { DOCUMENTS, "key" },
	[SPLIT] = { DOCUMENTS, "split" },
	[META] = { DOCUMENTS, "meta" },
	[TEXT] = { DOCUMENTS, "text" },
	[VECTOR_KEY] = { VECTORS, "key" },
	[VECTOR] = { VECTORS, "vector" },
	[ASSIGNED_KEY] = { ASSIGNMENTS, "key" },
	[CLUSTER] = { ASSIGNMENTS, "cluster" },
	[DISTANCE] = { ASSIGNMENTS, "distance" },
	[TOKENS_KEY] = { TOKENS, "key" },
};

/* One part of each dataset. */
struct card_readers {
	struct store *store[DATASETS];
	struct store_reader *column[COLUMNS];
	struct tokens_reader *ids;
	uint64_t rows;
};

/* Room for a batch. */
struct room {
	uint64_t *key, *other_key, *tokens;
	uint8_t *split;
	uint32_t *cluster;
	float *distance, *vector;
};

static void close_part(struct card_readers *r)
{
	tokens_close(r->ids);
	for (int c = 0; c < COLUMNS; c++)
		store_reader_close(r->column[c]);
	for (int s = 0; s < DATASETS; s++)
		store_close(r->store[s]);
	*r = (struct card_readers){ 0 };
}

static int open_part(struct card_readers *r, const struct card_datasets *in, uint32_t part,
                     uint64_t d, struct cbtm_error *e)
{
	const struct dataset *from[DATASETS] = { [DOCUMENTS] = in->documents,
		                                     [VECTORS] = in->vectors,
		                                     [ASSIGNMENTS] = in->assignments,
		                                     [TOKENS] = in->tokens };
	struct store_column_info info;
	for (int s = 0; s < DATASETS; s++)
		if (dataset_part(from[s], part, &r->store[s], e))
			return e->name;
	r->rows = store_row_count(r->store[DOCUMENTS], "key");
	for (int c = 0; c < COLUMNS; c++) {
		const struct store *s = r->store[column_table[c].dataset];
		if (store_row_count(s, column_table[c].name) != r->rows)
			return error_set(e, CBTM_ERR_BAD_DATA, store_path(s),
			                 "its column %s has not the rows of %s", column_table[c].name,
			                 store_path(r->store[DOCUMENTS]));
		if (store_reader_open(s, column_table[c].name, &r->column[c], e))
			return e->name;
	}
	if (!store_column_find(r->store[VECTORS], "vector", &info) || (r->rows && info.width != d))
		return error_set(e, CBTM_ERR_BAD_DATA, store_path(r->store[VECTORS]),
		                 "vectors and centres are of different lengths");
	return tokens_open(r->store[TOKENS], &r->ids, e);
}

static void free_room(struct room *m)
{
	free(m->vector), free(m->distance), free(m->cluster), free(m->split);
	free(m->tokens), free(m->other_key), free(m->key);
}

static int make_room(struct room *m, uint64_t d, struct cbtm_error *e)
{
	size_t bytes = 0;
	if (!size_mul(d, sizeof *m->vector, &bytes))
		return error_set(e, CBTM_ERR_MEMORY, NULL, "vectors are too long");
	m->key = mem_aligned(CARD_BATCH, sizeof *m->key, "documents", e);
	m->other_key = mem_aligned(CARD_BATCH, sizeof *m->other_key, "documents", e);
	m->tokens = mem_aligned(CARD_BATCH, sizeof *m->tokens, "documents", e);
	m->split = mem_aligned(CARD_BATCH, sizeof *m->split, "documents", e);
	m->cluster = mem_aligned(CARD_BATCH, sizeof *m->cluster, "documents", e);
	m->distance = mem_aligned(CARD_BATCH, sizeof *m->distance, "documents", e);
	m->vector = mem_aligned(CARD_BATCH, bytes, "documents", e);
	return e->name;
}

static int check_keys(const struct card_readers *r, const struct room *m, int column, uint64_t row,
                      size_t n, struct cbtm_error *e)
{
	if (store_read_rows(r->column[column], row, n, m->other_key, e))
		return e->name;
	if (!memcmp(m->key, m->other_key, n * sizeof *m->key))
		return 0;
	return error_set(e, CBTM_ERR_BAD_DATA, store_path(r->store[column_table[column].dataset]),
	                 "its rows are of other documents than in %s", store_path(r->store[DOCUMENTS]));
}

static int read_batch(struct card_readers *r, struct room *m, uint64_t row, size_t n, uint64_t k,
                      struct cbtm_error *e)
{
	const uint32_t *ids;
	if (store_read_rows(r->column[KEY], row, n, m->key, e) ||
	    store_read_rows(r->column[SPLIT], row, n, m->split, e) ||
	    store_read_rows(r->column[VECTOR], row, n, m->vector, e) ||
	    store_read_rows(r->column[CLUSTER], row, n, m->cluster, e) ||
	    store_read_rows(r->column[DISTANCE], row, n, m->distance, e) ||
	    check_keys(r, m, VECTOR_KEY, row, n, e) || check_keys(r, m, ASSIGNED_KEY, row, n, e) ||
	    check_keys(r, m, TOKENS_KEY, row, n, e))
		return e->name;
	for (size_t i = 0; i < n; i++) {
		if (tokens_read(r->ids, row + i, &ids, &m->tokens[i], e))
			return e->name;
		if (m->split[i] >= SPLIT_COUNT)
			return error_set(e, CBTM_ERR_BAD_STORE, store_path(r->store[DOCUMENTS]),
			                 "document %llu is of the unknown split %u",
			                 (unsigned long long)(row + i), m->split[i]);
		if (m->cluster[i] >= k)
			return error_set(e, CBTM_ERR_BAD_DATA, store_path(r->store[ASSIGNMENTS]),
			                 "document %llu is in cluster %u, but there are %llu",
			                 (unsigned long long)(row + i), m->cluster[i], (unsigned long long)k);
		if (!(m->distance[i] >= 0)) /* an older plugin's rounding, or NAN */
			m->distance[i] = 0;
	}
	return 0;
}

int card_rows_each(const struct card_datasets *in, uint64_t k, uint64_t d,
                   card_batch_function *each, void *arg, struct cbtm_error *e)
{
	const struct dataset *others[] = { in->tokens, in->vectors, in->assignments };
	struct card_readers r = { 0 };
	struct room m = { 0 };
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (dataset_parts(others[i]) != dataset_parts(in->documents))
			return error_set(e, CBTM_ERR_BAD_DATA, dataset_dir(others[i]),
			                 "has %u parts, but %s has %u", dataset_parts(others[i]),
			                 dataset_dir(in->documents), dataset_parts(in->documents));
	make_room(&m, d, e);
	for (uint32_t part = 0; !e->name && part < dataset_parts(in->documents); part++) {
		if (!open_part(&r, in, part, d, e))
			for (uint64_t row = 0; row < r.rows; row += CARD_BATCH) {
				size_t n = r.rows - row < CARD_BATCH ? (size_t)(r.rows - row) : CARD_BATCH;
				struct card_batch b = { part,    row,       n,          d,        m.key, m.tokens,
					                    m.split, m.cluster, m.distance, m.vector, &r };
				if (read_batch(&r, &m, row, n, k, e) || each(arg, &b, e))
					break;
			}
		close_part(&r);
	}
	free_room(&m);
	return e->name;
}

static int read_bytes(const struct card_batch *b, int column, size_t i, const char **bytes,
                      size_t *n, struct cbtm_error *e)
{
	const void *data = "";
	uint64_t size = 0;
	store_read_row(b->readers->column[column], b->row + i, &data, &size, e);
	*bytes = data;
	*n = (size_t)size;
	return e->name;
}

int card_batch_meta(const struct card_batch *b, size_t i, const char **meta, size_t *n,
                    struct cbtm_error *e)
{
	return read_bytes(b, META, i, meta, n, e);
}

int card_batch_text(const struct card_batch *b, size_t i, const char **text, size_t *n,
                    struct cbtm_error *e)
{
	return read_bytes(b, TEXT, i, text, n, e);
}

/* ---------------------------------------------------------------- distances alone */
static int distances_of_part(const struct store *s, uint64_t *first, card_distance_function *each,
                             void *arg, struct cbtm_error *e)
{
	struct store_reader *cluster = NULL, *distance = NULL;
	uint32_t clusters[CARD_BATCH];
	float distances[CARD_BATCH];
	uint64_t rows = store_row_count(s, "cluster");
	if (!store_reader_open(s, "cluster", &cluster, e))
		store_reader_open(s, "distance", &distance, e);
	for (uint64_t row = 0; !e->name && row < rows; row += CARD_BATCH) {
		size_t n = rows - row < CARD_BATCH ? (size_t)(rows - row) : CARD_BATCH;
		if (store_read_rows(cluster, row, n, clusters, e) ||
		    store_read_rows(distance, row, n, distances, e))
			break;
		for (size_t i = 0; i < n; i++)
			distances[i] = distances[i] >= 0 ? distances[i] : 0;
		each(arg, *first + row, clusters, distances, n, e);
	}
	*first += rows;
	store_reader_close(distance);
	store_reader_close(cluster);
	return e->name;
}

int card_distances_each(const struct dataset *assignments, card_distance_function *each, void *arg,
                        struct cbtm_error *e)
{
	uint64_t first = 0;
	for (uint32_t part = 0; !e->name && part < dataset_parts(assignments); part++) {
		struct store *s = NULL;
		if (!dataset_part(assignments, part, &s, e))
			distances_of_part(s, &first, each, arg, e);
		store_close(s);
	}
	return e->name;
}
