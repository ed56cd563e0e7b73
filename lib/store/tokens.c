/* SPDX-License-Identifier: MIT */
#include "store/tokens.h"
#include "base/memory.h"
#include "store/writer.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 65536 }; /* ids of a vocabulary of up to this size fit u16 */

size_t tokens_id_bytes(uint64_t vocabulary_size)
{
	return vocabulary_size <= SMALL ? sizeof(uint16_t) : sizeof(uint32_t);
}

int tokens_add_column(struct store_writer *w, uint64_t vocabulary_size, struct cbtm_error *e)
{
	if (vocabulary_size == 0 || vocabulary_size > UINT32_MAX)
		return error_set(e, CBTM_ERR_BAD_DATA, "ids", "a vocabulary of %" PRIu64 " symbols",
		                 vocabulary_size);
	w->vocabulary_size = vocabulary_size;
	int rc = store_set_u64(w, "vocabulary_size", vocabulary_size, e);
	return rc ? rc
	          : store_add_column(w, "ids", vocabulary_size <= SMALL ? STORE_U16 : STORE_U32,
	                             STORE_VARIABLE, 0, e);
}

/* Vectors, which the compiler would not make of plain loops. */
typedef uint32_t words4 __attribute__((vector_size(16)));
typedef uint16_t halves4 __attribute__((vector_size(8)));

/* Whether some id may be `size` or more: then size - 1 - id, or the id itself, has its highest bit.
 * Never false for one that is. */
static bool may_be_foreign(const uint32_t *ids, uint64_t n, uint64_t size)
{
	uint32_t last = (uint32_t)(size - 1), any = 0;
	words4 all = { 0 };
	uint64_t i = 0;
	for (; i + 8 <= n; i += 8) {
		words4 a, b;
		memcpy(&a, ids + i, sizeof a);
		memcpy(&b, ids + i + 4, sizeof b);
		all |= (last - a) | a | (last - b) | b;
	}
	for (int j = 0; j < 4; j++)
		any |= all[j];
	for (; i < n; i++)
		any |= (last - ids[i]) | ids[i];
	return any >> 31;
}

/* The first id that the vocabulary does not have; n if there is none. */
static uint64_t find_foreign(const uint32_t *ids, uint64_t n, uint64_t size)
{
	uint64_t i = may_be_foreign(ids, n, size) ? 0 : n;
	while (i < n && ids[i] < size)
		i++;
	return i;
}

/* Elements of the column, in place: the lower halves of small ones, one behind another. */
static void narrow(uint32_t *ids, uint64_t n)
{
	unsigned char *to = (unsigned char *)ids;
	uint64_t i = 0;
	for (; i + 4 <= n; i += 4) {
		words4 some;
		halves4 low;
		memcpy(&some, ids + i, sizeof some);
		low = __builtin_convertvector(some, halves4);
		memcpy(to + 2 * i, &low, sizeof low);
	}
	for (; i < n; i++) {
		uint16_t low = (uint16_t)ids[i];
		memcpy(to + 2 * i, &low, sizeof low);
	}
}

int tokens_prepare(const struct store_writer *w, uint32_t *ids, uint64_t n, struct cbtm_error *e)
{
	uint64_t foreign = find_foreign(ids, n, w->vocabulary_size);
	if (foreign < n)
		return error_set(e, CBTM_ERR_BAD_DATA, "ids",
		                 "token id %" PRIu32 " in a vocabulary of %" PRIu64 " symbols",
		                 ids[foreign], w->vocabulary_size);
	if (w->vocabulary_size <= SMALL)
		narrow(ids, n);
	return 0;
}

int tokens_append_prepared(struct store_writer *w, const void *elements, const uint64_t *n,
                           uint64_t rows, struct cbtm_error *e)
{
	return store_append_rows(w, "ids", elements, n, rows, e);
}

int tokens_append_rows(struct store_writer *w, const uint32_t *ids, const uint64_t *n,
                       uint64_t rows, struct cbtm_error *e)
{
	size_t all = 0, bytes;
	if (!writer_find(w, "ids") || !w->vocabulary_size)
		return error_set(e, CBTM_ERR_INTERNAL, "ids", "tokens_add_column was not called");
	for (uint64_t i = 0; i < rows; i++)
		if (!size_add(all, n[i], &all))
			return error_set(e, CBTM_ERR_BAD_DATA, "ids", "%" PRIu64 " tokens are too many", n[i]);
	if (!size_mul(all, sizeof *ids, &bytes))
		return error_set(e, CBTM_ERR_BAD_DATA, "ids", "%zu tokens are too many", all);
	buffer_clear(&w->own_ids);
	if (buffer_reserve(&w->own_ids, bytes + 1, e))
		return e->name;
	uint32_t *own = (uint32_t *)(void *)w->own_ids.data;
	if (bytes)
		memcpy(own, ids, bytes);
	int rc = tokens_prepare(w, own, all, e);
	return rc ? rc : tokens_append_prepared(w, own, n, rows, e);
}

int tokens_append(struct store_writer *w, const uint32_t *ids, uint64_t n, struct cbtm_error *e)
{
	return tokens_append_rows(w, ids, &n, 1, e);
}

struct tokens_reader {
	struct store_reader *rows;
	enum store_type type;
	uint32_t *ids;
	size_t capacity;
};

int tokens_open(const struct store *s, struct tokens_reader **reader, struct cbtm_error *e)
{
	struct store_column_info info;
	*reader = NULL;
	if (!store_column_find(s, "ids", &info) || info.shape != STORE_VARIABLE ||
	    (info.type != STORE_U16 && info.type != STORE_U32))
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(s),
		                 "the part has no column 'ids' of u16 or u32");
	struct tokens_reader *r = mem_zeroed(1, sizeof *r, "a reader of tokens", e);
	if (!r)
		return e->name;
	r->type = info.type;
	int rc = store_reader_open(s, "ids", &r->rows, e);
	if (rc)
		tokens_close(r);
	else
		*reader = r;
	return rc;
}

void tokens_close(struct tokens_reader *r)
{
	if (!r)
		return;
	store_reader_close(r->rows);
	free(r->ids);
	free(r);
}

int tokens_read(struct tokens_reader *r, uint64_t row, const uint32_t **ids, uint64_t *n,
                struct cbtm_error *e)
{
	const void *data;
	int rc = store_read_row(r->rows, row, &data, n, e);
	if (!rc && r->type == STORE_U32)
		return *ids = data, 0;
	if (!rc)
		rc = array_reserve(&r->ids, &r->capacity, *n + 1, sizeof r->ids[0], e);
	if (rc)
		return rc;
	const uint16_t *small = data;
	for (uint64_t i = 0; i < *n; i++)
		r->ids[i] = small[i];
	*ids = r->ids;
	return 0;
}
