/* SPDX-License-Identifier: MIT */
#include "stage/lent_vocabulary.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "stage/state.h"
#include <stdlib.h>
#include <string.h>

enum { EOD, BOS, MATCH_SPECIAL, PREFIX_SPACE, FACTS }; /* of "vocabulary-facts" */

int lent_vocabulary_save(const struct bpe *b, struct cbtm_state_writer *w, struct cbtm_error *e)
{
	uint64_t facts[FACTS] = { b->eod, b->bos, b->match_special, b->prefix_space };
	uint64_t *end = mem_aligned(b->size, sizeof *end, "a vocabulary", e);
	uint8_t *special = mem_aligned(b->size, 2, "a vocabulary", e), *added = NULL;
	struct buffer bytes = { 0 };
	if (e->name)
		goto done;
	added = special + b->size;
	for (uint32_t i = 0; i < b->size; i++) {
		if (buffer_add(&bytes, b->symbol[i].bytes, b->symbol[i].n, e))
			goto done;
		end[i] = bytes.n;
		special[i] = b->symbol[i].special;
		added[i] = b->symbol[i].added;
	}
	if (state_put(w, "vocabulary-bytes", bytes.data, bytes.n, 1, "u8", e) ||
	    state_put(w, "vocabulary-end", end, b->size, 1, "u64", e) ||
	    state_put(w, "vocabulary-special", special, b->size, 1, "u8", e) ||
	    state_put(w, "vocabulary-added", added, b->size, 1, "u8", e) ||
	    state_put(w, "vocabulary-merge", b->merge, b->merges, 2, "u32", e))
		goto done;
	state_put(w, "vocabulary-facts", facts, FACTS, 1, "u64", e);
done:
	buffer_free(&bytes);
	free(special);
	free(end);
	return e->name;
}

/* An array of so many rows of `width` (rows NULL: any, told). */
static int get(struct cbtm_state_reader *r, const char *name, const char *type, size_t *rows,
               bool any, size_t width, const void **data, struct cbtm_error *e)
{
	size_t n, columns;
	if (state_get(r, name, type, data, &n, &columns, e))
		return e->name;
	if ((!any && n != *rows) || columns != width)
		return error_set(e, CBTM_ERR_BAD_STORE, name, "this array does not fit the vocabulary");
	*rows = n;
	return 0;
}

/* The name of a special token, into the buffer; "" for none. */
static int name_of(const struct bpe_symbol *symbol, size_t size, uint64_t id, struct buffer *name,
                   struct cbtm_error *e)
{
	if (id >= size)
		return buffer_add(name, "", 1, e);
	return buffer_add(name, symbol[id].bytes, symbol[id].n, e) ? (int)e->name
	                                                           : buffer_add(name, "", 1, e);
}

int lent_vocabulary_load(struct cbtm_state_reader *r, struct bpe **bpe, struct cbtm_error *e)
{
	const void *bytes, *end_data, *special, *added, *merge, *facts_data;
	size_t n, size, merges, facts_rows = FACTS;
	struct bpe_symbol *symbol = NULL;
	struct buffer eod = { 0 }, bos = { 0 };
	if (get(r, "vocabulary-bytes", "u8", &n, true, 1, &bytes, e) ||
	    get(r, "vocabulary-end", "u64", &size, true, 1, &end_data, e) ||
	    get(r, "vocabulary-special", "u8", &size, false, 1, &special, e) ||
	    get(r, "vocabulary-added", "u8", &size, false, 1, &added, e) ||
	    get(r, "vocabulary-merge", "u32", &merges, true, 2, &merge, e) ||
	    get(r, "vocabulary-facts", "u64", &facts_rows, false, 1, &facts_data, e))
		return e->name;
	const uint64_t *end = end_data, *facts = facts_data;
	if (!size || size >= BPE_NONE || merges >= BPE_NONE || facts[EOD] >= size)
		return error_set(e, CBTM_ERR_BAD_STORE, "vocabulary-end", "not a vocabulary");
	symbol = mem_zeroed(size, sizeof *symbol, "a vocabulary", e);
	for (size_t i = 0; symbol && i < size; i++) {
		uint64_t start = i ? end[i - 1] : 0;
		if (end[i] < start || end[i] > n || end[i] - start > UINT32_MAX) {
			error_set(e, CBTM_ERR_BAD_STORE, "vocabulary-end", "a token ends outside the bytes");
			break;
		}
		symbol[i] = (struct bpe_symbol){ .bytes = (const char *)bytes + start,
			                             .n = (uint32_t)(end[i] - start),
			                             .special = ((const uint8_t *)special)[i],
			                             .added = ((const uint8_t *)added)[i] };
	}
	if (!e->name && !name_of(symbol, size, facts[EOD], &eod, e) &&
	    !name_of(symbol, size, facts[BOS], &bos, e)) {
		struct bpe_choice choice = { eod.data, bos.data, facts[MATCH_SPECIAL] != 0,
			                         facts[PREFIX_SPACE] != 0 };
		bpe_make(symbol, (uint32_t)size, merge, (uint32_t)merges, &choice, "a lent model", bpe, e);
	}
	buffer_free(&bos);
	buffer_free(&eod);
	free(symbol);
	return e->name;
}
