/* SPDX-License-Identifier: MIT */
/* A vocabulary in a store of kind "vocabulary". */
#include "base/error.h"
#include "base/memory.h"
#include "text/bpe.h"
#include <stdlib.h>
#include <string.h>

static int set_facts(const struct bpe *b, struct store_writer *w, struct cbtm_error *e)
{
	if (store_set_u64(w, "size", b->size, e) || store_set_u64(w, "eod", b->eod, e) ||
	    (b->bos != BPE_NONE && store_set_u64(w, "bos", b->bos, e)) ||
	    (b->match_special && store_set_u64(w, "match_special", 1, e)) ||
	    (b->prefix_space && store_set_u64(w, "prefix_space", 1, e)) ||
	    (b->source_digest.n && store_set_text(w, "digest", b->source_digest.data, e)))
		return e->name;
	return 0;
}

int bpe_save(const struct bpe *b, struct store_writer *w, struct cbtm_error *e)
{
	uint64_t *n = mem_zeroed(b->size, sizeof *n, "a vocabulary", e);
	uint8_t *special = mem_zeroed(b->size, 1, "a vocabulary", e);
	uint8_t *added = mem_zeroed(b->size, 1, "a vocabulary", e);

	for (uint32_t i = 0; n && special && added && i < b->size; i++) {
		n[i] = b->symbol[i].n;
		special[i] = b->symbol[i].special;
		added[i] = b->symbol[i].added;
	}
	/* The symbols' bytes lie one behind another. */
	if (!e->name && !store_append_rows(w, "symbol", b->bytes, n, b->size, e) &&
	    !store_append(w, "special", special, b->size, e) &&
	    !store_append(w, "added", added, b->size, e) &&
	    (!b->merges || !store_append(w, "merge", b->merge, b->merges, e)))
		set_facts(b, w, e);
	free(n);
	free(special);
	free(added);
	return e->name;
}

/* Symbols with their bytes in one buffer. */
static int read_symbols(const struct store *s, struct bpe_symbol *symbol, uint32_t size,
                        struct buffer *bytes, struct cbtm_error *e)
{
	struct store_reader *symbols = NULL, *specials = NULL, *added = NULL;
	uint8_t special;

	if (store_reader_open(s, "symbol", &symbols, e) ||
	    store_reader_open(s, "special", &specials, e) || store_reader_open(s, "added", &added, e))
		goto done;
	for (uint32_t i = 0; i < size; i++) {
		const void *data;
		uint64_t n;

		if (store_read_row(symbols, i, &data, &n, e) ||
		    store_read_rows(specials, i, 1, &special, e) ||
		    store_read_rows(added, i, 1, &symbol[i].added, e) || buffer_add(bytes, data, n, e))
			goto done;
		symbol[i].n = (uint32_t)n;
		symbol[i].special = special;
	}
	for (size_t i = 0, at = 0; i < size; at += symbol[i++].n)
		symbol[i].bytes = bytes->data + at;
done:
	store_reader_close(symbols);
	store_reader_close(specials);
	store_reader_close(added);
	return e->name;
}

/* The name of a special token as a string; free it. */
static char *special_name(const struct bpe_symbol *symbol, uint64_t id, struct cbtm_error *e)
{
	return mem_copy(id == BPE_NONE ? "" : symbol[id].bytes, id == BPE_NONE ? 0 : symbol[id].n, e);
}

int bpe_load(const struct store *s, struct bpe **bpe, struct cbtm_error *e)
{
	uint64_t size = store_row_count(s, "symbol"), merges = store_row_count(s, "merge");
	uint64_t eod = BPE_NONE, bos = BPE_NONE, match = 0, prefix = 0;
	struct bpe_symbol *symbol = NULL;
	uint32_t(*merge)[2] = NULL;
	struct store_reader *r = NULL;
	struct buffer bytes = { 0 };
	char *eod_name = NULL, *bos_name = NULL, source[256];
	bool has_bos = store_get_u64(s, "bos", &bos);

	*bpe = NULL;
	store_get_u64(s, "match_special", &match);
	store_get_u64(s, "prefix_space", &prefix);
	if (!size || size >= BPE_NONE || merges >= BPE_NONE || store_row_count(s, "special") != size ||
	    store_row_count(s, "added") != size || !store_get_u64(s, "eod", &eod) || eod >= size ||
	    (has_bos && bos >= size))
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(s), "not a vocabulary");
	symbol = mem_zeroed(size, sizeof *symbol, "a vocabulary", e);
	merge = mem_zeroed(merges, sizeof *merge, "a vocabulary", e);
	if (!symbol || !merge || read_symbols(s, symbol, (uint32_t)size, &bytes, e) ||
	    !(eod_name = special_name(symbol, eod, e)) || !(bos_name = special_name(symbol, bos, e)))
		goto done;
	if (merges && (store_reader_open(s, "merge", &r, e) || store_read_rows(r, 0, merges, merge, e)))
		goto done;
	bpe_make(symbol, (uint32_t)size, (const uint32_t(*)[2])merge, (uint32_t)merges,
	         &(struct bpe_choice){ eod_name, bos_name, match != 0, prefix != 0 }, store_path(s),
	         bpe, e);
	if (*bpe && store_get_text(s, "digest", source, sizeof source) &&
	    buffer_text(&(*bpe)->source_digest, source, e)) {
		bpe_free(*bpe);
		*bpe = NULL;
	}
done:
	store_reader_close(r);
	free(symbol);
	free(merge);
	free(eod_name);
	free(bos_name);
	buffer_free(&bytes);
	return e->name;
}

int bpe_open(struct dataset *vocabulary, struct bpe **bpe, char content[DIGEST_HEX],
             struct cbtm_error *e)
{
	struct store *s = NULL;

	*bpe = NULL;
	if (dataset_part(vocabulary, 0, &s, e))
		return e->name;
	bpe_load(s, bpe, e);
	if (content)
		digest_hex(dataset_content(vocabulary), content);
	store_close(s);
	return e->name;
}
