/* SPDX-License-Identifier: MIT */
/* Reading rows: finds the block that holds a row, checks and decodes it, keeps it. */
#include "store/reader.h"
#include "store/tensor.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int store_reader_open(const struct store *s, const char *column, struct store_reader **reader,
                      struct cbtm_error *e)
{
	const struct manifest *m = &s->manifest;
	size_t i = 0;
	*reader = NULL;
	while (i < m->n_columns && strcmp(m->columns[i].name, column))
		i++;
	if (i == m->n_columns)
		return error_set(e, CBTM_ERR_BAD_STORE, s->path, "the part has no column '%s'", column);
	struct store_reader *r = mem_zeroed(1, sizeof *r, "a store's reader", e);
	if (!r)
		return e->name;
	r->store = s;
	r->column = i;
	r->info = &m->columns[i];
	int rc = 0;
	if (r->info->shape != STORE_VARIABLE)
		column_row_bytes(r->info->type, r->info->width, &r->row_bytes);
	if (!(r->codec = block_codec_new(e)))
		rc = e->name;
	if (!rc)
		rc = environment_begin(s->env, true, s->path, &r->txn, e);
	if (!rc)
		rc = environment_error(mdb_cursor_open(r->txn, s->columns[i], &r->cursor), s->path,
		                       "cannot read the store", e);
	if (rc)
		store_reader_close(r);
	else
		*reader = r;
	return rc;
}

void store_reader_close(struct store_reader *r)
{
	if (!r)
		return;
	if (r->cursor)
		mdb_cursor_close(r->cursor);
	if (r->txn)
		mdb_txn_abort(r->txn);
	block_codec_free(r->codec);
	free(r->offsets);
	free(r);
}

static int damaged(const struct store_reader *r, uint64_t row, const char *why,
                   struct cbtm_error *e)
{
	return error_set(e, CBTM_ERR_BAD_STORE, r->store->path,
	                 "the part is damaged: column '%s', row %" PRIu64 ": %s", r->info->name, row,
	                 why);
}

/* The value whose rows begin at or before `row`. */
static int find_value(struct store_reader *r, uint64_t row, uint64_t *first, MDB_val *value,
                      struct cbtm_error *e)
{
	unsigned char bytes[8];
	put_big_endian(bytes, row);
	MDB_val key = { 8, bytes };
	int rc = mdb_cursor_get(r->cursor, &key, value, MDB_SET_RANGE);
	if (rc == MDB_NOTFOUND)
		rc = mdb_cursor_get(r->cursor, &key, value, MDB_LAST);
	else if (!rc && key.mv_size == 8 && get_big_endian(key.mv_data) > row)
		rc = mdb_cursor_get(r->cursor, &key, value, MDB_PREV);
	if (rc || key.mv_size != 8)
		return damaged(r, row, rc ? mdb_strerror(rc) : "a key is not a row's number", e);
	*first = get_big_endian(key.mv_data);
	return 0;
}

static int find_offsets(struct store_reader *r, struct cbtm_error *e)
{
	const struct block *b = &r->block;
	size_t size = store_type_size(r->info->type);
	if (!column_lengths_fit(r->info->type, b->rows, b->raw, b->n))
		return damaged(r, r->first, "the lengths of the rows do not fill their block", e);
	int rc = array_reserve(&r->offsets, &r->cap_offsets, b->rows + 1, sizeof r->offsets[0], e);
	if (rc)
		return rc;
	r->offsets[0] = 0;
	for (uint64_t i = 0; i < b->rows; i++)
		r->offsets[i + 1] =
			r->offsets[i] + (uint32_t)(size * column_length_at(b->raw, b->n, b->rows, i));
	return 0;
}

static int decode(struct store_reader *r, const struct block_place *at, const MDB_val *value,
                  struct cbtm_error *e)
{
	struct block_limits limits = { r->info->rows - at->key, r->info->raw_bytes };
	unsigned char named[ROW_KEY_MAX];
	if (r->info->shape != STORE_TENSOR)
		return block_decode(r->codec, at, &limits, value->mv_data, value->mv_size, r->store->path,
		                    &r->block, e);
	MDB_val key = { row_key(named, r->info->name, at->key), named }, crcs;
	if (mdb_get(r->txn, r->store->crc, &key, &crcs))
		return damaged(r, at->key, "its CRCs are missing", e);
	return tensor_decode(at, &limits, value->mv_data, value->mv_size, crcs.mv_data, crcs.mv_size,
	                     r->store->path, &r->block, e);
}

int reader_load(struct store_reader *r, uint64_t row, struct cbtm_error *e)
{
	struct block_place at = { r->store->manifest.fingerprint, r->info->name, 0 };
	MDB_val value;
	if (r->block.rows && row >= r->first && row - r->first < r->block.rows)
		return 0;
	r->block.rows = 0;
	if (row >= r->info->rows)
		return error_set(e, CBTM_ERR_INTERNAL, r->store->path,
		                 "row %" PRIu64 " of column '%s', which has %" PRIu64, row, r->info->name,
		                 r->info->rows);
	int rc = find_value(r, row, &at.key, &value, e);
	if (rc)
		return rc;
	if (at.key > row)
		return damaged(r, row, "its block is missing", e);
	r->first = at.key;
	r->stored = value.mv_size;
	r->decoded++;
	if ((rc = decode(r, &at, &value, e)))
		goto done;
	/* The block is a copy, and reading a part shall not take as much memory as the part has. */
	if (r->info->shape != STORE_TENSOR)
		environment_release_value(value.mv_data, value.mv_size);
	if (row - at.key >= r->block.rows)
		rc = damaged(r, row, "its block is missing", e);
	else if (r->info->shape == STORE_VARIABLE)
		rc = find_offsets(r, e);
	else if (r->block.n != r->block.rows * r->row_bytes)
		rc = damaged(r, row, "its block does not hold its rows", e);
done:
	if (rc)
		r->block.rows = 0;
	return rc;
}

int store_read_row(struct store_reader *r, uint64_t row, const void **data, uint64_t *n,
                   struct cbtm_error *e)
{
	int rc = reader_load(r, row, e);
	if (rc)
		return rc;
	uint64_t i = row - r->first;
	if (r->info->shape == STORE_VARIABLE) {
		*data = r->block.raw + r->offsets[i];
		*n = (r->offsets[i + 1] - r->offsets[i]) / store_type_size(r->info->type);
	} else {
		*data = r->block.raw + i * r->row_bytes;
		*n = r->info->width;
	}
	return 0;
}

int store_map_rows(struct store_reader *r, uint64_t first, const void **data, uint64_t *rows,
                   struct cbtm_error *e)
{
	if (r->info->shape == STORE_VARIABLE)
		return error_set(e, CBTM_ERR_INTERNAL, r->store->path,
		                 "column '%s' has rows of different lengths", r->info->name);
	int rc = reader_load(r, first, e);
	if (rc)
		return rc;
	if (r->info->shape == STORE_TENSOR && (uintptr_t)r->block.raw % 64)
		return damaged(r, first, "the tensor does not lie on 64 bytes", e);
	uint64_t i = first - r->first;
	*data = r->block.raw + i * r->row_bytes;
	*rows = r->block.rows - i;
	return 0;
}

int store_read_rows(struct store_reader *r, uint64_t first, uint64_t rows, void *out,
                    struct cbtm_error *e)
{
	char *to = out;
	while (rows > 0) {
		const void *data;
		uint64_t n;
		int rc = store_map_rows(r, first, &data, &n, e);
		if (rc)
			return rc;
		n = n < rows ? n : rows;
		memcpy(to, data, n * r->row_bytes);
		to += n * r->row_bytes;
		first += n;
		rows -= n;
	}
	return 0;
}
