/* SPDX-License-Identifier: MIT */
#include "text/bpe_spelt.h"
#include "base/error.h"
#include "base/memory.h"
#include "text/pretoken.h"
#include "text/unicode.h"
#include "text/utf8.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* As much of a name as a message shows. */
#define SHOWN(n) ((n) < 64 ? (int)(n) : 64)

void spelt_free(struct spelt *v)
{
	free(v->name);
	free(v->slot);
	free(v->merge);
	free(v->piece);
	free(v->added);
	buffer_free(&v->joined);
	*v = (struct spelt){ 0 };
}

int spelt_parse(struct json_parser *parser, const struct buffer *text, const char *path,
                struct json *root, struct cbtm_error *e)
{
	if (!json_parse(parser, text->data ? text->data : "", text->n, path, root, e))
		return 0;
	if (e->name == CBTM_ERR_BAD_JSON || e->name == CBTM_ERR_BAD_UTF8)
		error_hint(e, "the file is damaged or cut off: fetch or write it again");
	return e->name;
}

/* ---------------------------------------------------------------- names */
static size_t slot_of(const struct spelt *v, const char *s, size_t n)
{
	return (size_t)digest_bytes(s, n).low & v->mask;
}

/* The slot of a name, or the empty one where it would go. */
static size_t look(const struct spelt *v, const char *s, size_t n)
{
	size_t at = slot_of(v, s, n);

	for (; v->slot[at]; at = (at + 1) & v->mask) {
		const struct bpe_symbol *x = &v->name[v->slot[at] - 1];
		if (x->n == n && !memcmp(x->bytes, s, n))
			break;
	}
	return at;
}

uint32_t spelt_find(const struct spelt *v, const char *name, size_t n)
{
	uint32_t found = v->slot[look(v, name, n)];

	return found ? found - 1 : BPE_NONE;
}

/* Holes are allowed, but not ids that make much more of the file than it is. */
static int largest_id(struct json object, uint64_t *largest, const char *where,
                      struct cbtm_error *e)
{
	uint64_t id, most = 2 * (uint64_t)json_count(object) + 1000;
	size_t cursor = 0, n;
	const char *key;
	struct json value;

	*largest = 0;
	while (json_next(object, &cursor, &key, &n, &value)) {
		if (!n)
			return error_set(e, CBTM_ERR_BAD_DATA, where, "a token has an empty name");
		if (!json_u64(value, &id))
			return error_set(e, CBTM_ERR_BAD_DATA, where,
			                 "the id of \"%.*s\" is not an integer from 0 up", SHOWN(n), key);
		if (id >= most)
			return error_set(e, CBTM_ERR_BAD_DATA, where,
			                 "the id of \"%.*s\" is %" PRIu64 ", too large for %zu tokens",
			                 SHOWN(n), key, id, json_count(object));
		*largest = id > *largest ? id : *largest;
	}
	return 0;
}

int spelt_vocabulary(struct spelt *v, struct json object, const char *where, struct cbtm_error *e)
{
	size_t cursor = 0, n, slots = 1024;
	uint64_t largest, id;
	const char *key;
	struct json value;

	if (json_type(object) != JSON_OBJECT || !json_count(object))
		return error_set(e, CBTM_ERR_BAD_DATA, where, "not an object of tokens and their ids");
	if (largest_id(object, &largest, where, e))
		return e->name;
	v->size = (uint32_t)largest + 1;
	while (slots < 2 * (size_t)v->size)
		slots *= 2;
	v->mask = slots - 1;
	v->slot = mem_zeroed(slots, sizeof *v->slot, "a vocabulary", e);
	v->name = mem_zeroed(v->size, sizeof *v->name, "a vocabulary", e);
	v->piece = mem_zeroed(v->size, sizeof *v->piece, "a vocabulary", e);
	if (!v->slot || !v->name || !v->piece)
		return e->name;
	while (json_next(object, &cursor, &key, &n, &value)) {
		size_t at = look(v, key, n);

		json_u64(value, &id);
		if (v->name[id].bytes || v->slot[at])
			return error_set(e, CBTM_ERR_BAD_DATA, where,
			                 v->slot[at] ? "the token \"%.*s\" is there twice"
			                             : "\"%.*s\" has the id %" PRIu64 " of another token",
			                 SHOWN(n), key, id);
		v->name[id] = (struct bpe_symbol){ .bytes = key, .n = (uint32_t)n };
		v->slot[at] = (uint32_t)id + 1;
		v->tokens++;
	}
	return 0;
}

/* ---------------------------------------------------------------- merges */
int spelt_merge(struct spelt *v, const char *left, size_t n_left, const char *right, size_t n_right,
                const char *where, struct cbtm_error *e)
{
	uint32_t l = spelt_find(v, left, n_left), r = spelt_find(v, right, n_right), made;

	buffer_clear(&v->joined);
	if (l == BPE_NONE || r == BPE_NONE)
		return error_set(e, CBTM_ERR_BAD_DATA, where, "the vocabulary has no token \"%.*s\"",
		                 SHOWN(l == BPE_NONE ? n_left : n_right), l == BPE_NONE ? left : right);
	if (buffer_add(&v->joined, left, n_left, e) || buffer_add(&v->joined, right, n_right, e) ||
	    array_reserve(&v->merge, &v->merge_cap, (size_t)v->merges + 1, sizeof *v->merge, e))
		return e->name;
	made = spelt_find(v, v->joined.data, v->joined.n);
	if (made == BPE_NONE)
		return error_set(e, CBTM_ERR_BAD_DATA, where,
		                 "the vocabulary has no token \"%.*s\", which the merge makes",
		                 SHOWN(v->joined.n), v->joined.data);
	v->piece[made] = v->piece[l] = v->piece[r] = true;
	v->merge[v->merges][0] = l;
	v->merge[v->merges++][1] = r;
	return 0;
}

int spelt_merge_line(struct spelt *v, const char *line, size_t n, const char *where,
                     struct cbtm_error *e)
{
	const char *space = n ? memchr(line, ' ', n) : NULL;
	size_t left = space ? (size_t)(space - line) : 0;

	if (!left || left + 1 == n || memchr(space + 1, ' ', n - left - 1))
		return error_set(e, CBTM_ERR_BAD_DATA, where, "not two tokens with a space between");
	return spelt_merge(v, line, left, space + 1, n - left - 1, where, e);
}

int spelt_add(struct spelt *v, struct spelt_added token, struct cbtm_error *e)
{
	if (array_reserve(&v->added, &v->added_cap, v->n_added + 1, sizeof *v->added, e))
		return e->name;
	v->added[v->n_added++] = token;
	return 0;
}

/* ---------------------------------------------------------------- the vocabulary */
/* A name in GPT-2's spelling -> the bytes it stands for, appended; false if it is not spelt so. */
static bool spell_out(const struct bpe_symbol *name, struct buffer *bytes, struct cbtm_error *e)
{
	for (size_t i = 0; i < name->n;) {
		unsigned length;
		uint32_t point = utf8_get(name->bytes + i, name->n - i, &length);
		int byte = bpe_point_byte(point);
		char c = (char)byte;

		if (byte < 0 || buffer_add(bytes, &c, 1, e))
			return false;
		i += length;
	}
	return true;
}

/* The model's own tokens; bytes hold what they stand for and do not move. */
static int make_tokens(const struct spelt *v, struct bpe_symbol *symbol, struct buffer *bytes,
                       struct cbtm_error *e)
{
	for (uint32_t i = 0; i < v->size && !e->name; i++) {
		size_t start = bytes->n;
		bool spelt = v->name[i].bytes && spell_out(&v->name[i], bytes, e);

		symbol[i] = v->name[i];
		if (spelt && (v->piece[i] || bytes->n - start == 1)) {
			symbol[i].bytes = bytes->data + start;
			symbol[i].n = (uint32_t)(bytes->n - start);
			continue;
		}
		bytes->n = start;
		symbol[i].special = true; /* nothing makes it */
	}
	return e->name;
}

static int make_added(const struct spelt *v, struct bpe_symbol *symbol, const char *where,
                      struct cbtm_error *e)
{
	for (size_t i = 0; i < v->n_added; i++) {
		const struct spelt_added *a = &v->added[i];
		struct bpe_symbol *s = &symbol[a->id];
		bool piece = s->bytes && !s->special && !s->added;

		if (s->added || (s->bytes && spelt_find(v, a->name, a->n) != a->id))
			return error_set(e, CBTM_ERR_BAD_DATA, where,
			                 "the added token \"%.*s\" has the id %" PRIu32 " of another token",
			                 SHOWN(a->n), a->name, a->id);
		if (piece && (a->special || s->n != a->n || memcmp(s->bytes, a->name, a->n) != 0))
			return error_set(e, CBTM_ERR_BAD_DATA, where,
			                 "the added token \"%.*s\" is made by merges too, %s; that is not "
			                 "supported",
			                 SHOWN(a->n), a->name,
			                 a->special ? "and is special" : "but stands there for other bytes");
		if (piece) {
			s->added = a->flags | BPE_PIECE;
			continue;
		}
		*s = (struct bpe_symbol){ a->name, a->n, a->special, a->flags };
	}
	return 0;
}

int spelt_make(const struct spelt *v, const struct bpe_choice *choice, const char *where,
               struct bpe **bpe, struct cbtm_error *e)
{
	struct bpe_symbol *symbol;
	struct buffer bytes = { 0 };
	size_t longest = 0;
	uint32_t size = v->size;

	*bpe = NULL;
	for (size_t i = 0; i < v->n_added; i++)
		size = v->added[i].id >= size ? v->added[i].id + 1 : size;
	for (uint32_t i = 0; i < v->size; i++)
		longest += v->name[i].n;
	symbol = mem_zeroed(size, sizeof *symbol, "a vocabulary", e);
	if (!symbol || buffer_reserve(&bytes, longest + 1, e) || make_tokens(v, symbol, &bytes, e))
		goto done;
	for (uint32_t i = v->size; i < size; i++)
		symbol[i].special = true;
	if (!make_added(v, symbol, where, e))
		bpe_make(symbol, size, (const uint32_t(*)[2])v->merge, v->merges, choice, where, bpe, e);
done:
	free(symbol);
	buffer_free(&bytes);
	return e->name;
}

/* Whether a name stands for a piece that a text can be cut into. */
static bool is_whole_piece(const struct bpe_symbol *name, struct buffer *bytes,
                           struct cbtm_error *e)
{
	buffer_clear(bytes);
	return name->bytes && spell_out(name, bytes, e) &&
	       utf8_valid_prefix(bytes->data, bytes->n) == bytes->n &&
	       pretoken_end(unicode_flags(), bytes->data, bytes->n, 0) == bytes->n;
}

int spelt_whole_pieces(const struct spelt *v, const struct bpe *bpe, const char *where,
                       struct cbtm_error *e)
{
	struct bpe_encoder *encoder = bpe_encoder_new(bpe, e);
	struct buffer bytes = { 0 };
	struct bpe_ids ids = { 0 };

	for (uint32_t i = 0; encoder && i < v->size && !e->name; i++) {
		if (!is_whole_piece(&v->name[i], &bytes, e))
			continue;
		ids.n = 0;
		if (!bpe_encode_plain(encoder, bytes.data, bytes.n, &ids, e) &&
		    (ids.n != 1 || ids.v[0] != i))
			error_set(e, CBTM_ERR_BAD_DATA, where,
			          "model.ignore_merges is true, which is not supported where it makes a "
			          "difference: merges do not make the token \"%.*s\"",
			          SHOWN(v->name[i].n), v->name[i].bytes);
	}
	bpe_encoder_free(encoder);
	buffer_free(&bytes);
	bpe_ids_free(&ids);
	return e->name;
}
