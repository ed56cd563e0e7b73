/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "text/bpe.h"
#include "text/utf8.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_LIMIT = 1 << 30 };

/* A vocabulary as its files spell it. */
struct spelt {
	uint32_t size;
	struct bpe_symbol *name; /* size; as in vocab.json; NULL bytes: no such id */
	uint32_t *slot;          /* hash of names: id + 1 */
	size_t mask;
	uint32_t (*merge)[2];
	uint32_t merges;
	bool *made; /* size: the result of a merge */
};

static size_t slot_of(const struct spelt *v, const char *s, size_t n)
{
	return (size_t)digest_bytes(s, n).low & v->mask;
}

static uint32_t name_find(const struct spelt *v, const char *s, size_t n)
{
	for (size_t at = slot_of(v, s, n); v->slot[at]; at = (at + 1) & v->mask) {
		const struct bpe_symbol *x = &v->name[v->slot[at] - 1];
		if (x->n == n && !memcmp(x->bytes, s, n))
			return v->slot[at] - 1;
	}
	return BPE_NONE;
}

static int read_vocabulary(struct spelt *v, struct json root, const char *path,
                           struct cbtm_error *e)
{
	size_t cursor = 0, n, slots = 1024, at;
	const char *key;
	struct json value;
	uint64_t id, largest = 0, limit;

	if (json_type(root) != JSON_OBJECT || !json_count(root))
		return error_set(e, CBTM_ERR_BAD_DATA, path, "not an object of tokens and their ids");
	limit = 2 * (uint64_t)json_count(root) + 1000;
	while (json_next(root, &cursor, &key, &n, &value)) {
		if (!json_u64(value, &id) || id >= limit || !n)
			return error_set(e, CBTM_ERR_BAD_DATA, path,
			                 "the id of \"%.*s\" is not a small integer", n < 64 ? (int)n : 64,
			                 key);
		largest = id > largest ? id : largest;
	}
	v->size = (uint32_t)largest + 1;
	while (slots < 2 * (size_t)v->size)
		slots *= 2;
	v->mask = slots - 1;
	v->slot = mem_zeroed(slots, sizeof *v->slot, "a vocabulary", e);
	v->name = mem_zeroed(v->size, sizeof *v->name, "a vocabulary", e);
	v->made = mem_zeroed(v->size, sizeof *v->made, "a vocabulary", e);
	if (!v->slot || !v->name || !v->made)
		return e->name;
	for (cursor = 0; json_next(root, &cursor, &key, &n, &value);) {
		json_u64(value, &id);
		if (v->name[id].bytes)
			return error_set(e, CBTM_ERR_BAD_DATA, path, "two tokens have the id %u", (unsigned)id);
		v->name[id] = (struct bpe_symbol){ key, (uint32_t)n, false, 0 };
		for (at = slot_of(v, key, n); v->slot[at]; at = (at + 1) & v->mask)
			;
		v->slot[at] = (uint32_t)id + 1;
	}
	return 0;
}

/* One line "left right" of merges.txt. */
static int read_merge(struct spelt *v, const char *line, size_t n, const char *where,
                      struct buffer *joined, struct cbtm_error *e)
{
	const char *space = memchr(line, ' ', n);
	size_t left = space ? (size_t)(space - line) : 0;
	uint32_t *pair = v->merge[v->merges], made;

	if (!left || left + 1 == n || memchr(space + 1, ' ', n - left - 1))
		return error_set(e, CBTM_ERR_BAD_DATA, where, "not two tokens with a space between");
	pair[0] = name_find(v, line, left);
	pair[1] = name_find(v, space + 1, n - left - 1);
	buffer_clear(joined);
	if (buffer_add(joined, line, left, e) || buffer_add(joined, space + 1, n - left - 1, e))
		return e->name;
	made = name_find(v, joined->data, joined->n);
	if (pair[0] == BPE_NONE || pair[1] == BPE_NONE || made == BPE_NONE)
		return error_set(e, CBTM_ERR_BAD_DATA, where,
		                 "the vocabulary has not both tokens and what they become");
	v->made[made] = true;
	v->merges++;
	return 0;
}

static int read_merges(struct spelt *v, const char *text, size_t n, const char *path,
                       struct cbtm_error *e)
{
	struct buffer joined = { 0 };
	size_t cap = 0;
	uint64_t number = 1;

	for (const char *line = text, *end = text + n; line < end && !e->name; number++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((newline ? newline : end) - line);
		char where[sizeof e->where];

		if (length && line[length - 1] == '\r')
			length--;
		snprintf(where, sizeof where, "%s:%llu", path, (unsigned long long)number);
		if (length && (number > 1 || strncmp(line, "#version", 8))) {
			if (!array_reserve(&v->merge, &cap, (size_t)v->merges + 1, sizeof *v->merge, e))
				read_merge(v, line, length, where, &joined, e);
		}
		line = newline ? newline + 1 : end;
	}
	buffer_free(&joined);
	return e->name;
}

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

/* Names -> symbols: bytes and what merges make are spelt out, all else is special. */
static int make(const struct spelt *v, const struct bpe_choice *choice, const char *path,
                struct bpe **bpe, struct cbtm_error *e)
{
	struct bpe_symbol *symbol = mem_zeroed(v->size, sizeof *symbol, "a vocabulary", e);
	struct buffer bytes = { 0 };
	size_t longest = 0;

	for (uint32_t i = 0; i < v->size; i++)
		longest += v->name[i].n;
	if (!symbol || buffer_reserve(&bytes, longest + 1, e)) /* so that it never moves */
		goto done;
	for (uint32_t i = 0; i < v->size; i++) {
		size_t start = bytes.n;
		bool spelt = v->name[i].bytes && spell_out(&v->name[i], &bytes, e);

		if (e->name)
			goto done;
		if (spelt && (v->made[i] || bytes.n - start == 1)) {
			symbol[i] =
				(struct bpe_symbol){ bytes.data + start, (uint32_t)(bytes.n - start), false, 0 };
			continue;
		}
		bytes.n = start;
		symbol[i] = v->name[i];
		symbol[i].special = true;
		symbol[i].added = symbol[i].n ? BPE_ADDED : 0;
	}
	bpe_make(symbol, v->size, (const uint32_t(*)[2])v->merge, v->merges, choice, path, bpe, e);
done:
	free(symbol);
	buffer_free(&bytes);
	return e->name;
}

int bpe_import(const char *vocab_path, const char *merges_path, const struct bpe_choice *choice,
               struct bpe **bpe, struct cbtm_error *e)
{
	struct json_parser *parser = json_parser_new(e);
	struct buffer vocab = { 0 }, merges = { 0 };
	struct spelt v = { 0 };
	struct json root;
	char first[DIGEST_HEX], second[DIGEST_HEX];

	*bpe = NULL;
	if (!parser || file_read(vocab_path, FILE_LIMIT, &vocab, e) ||
	    file_read(merges_path, FILE_LIMIT, &merges, e) ||
	    json_parse(parser, vocab.data ? vocab.data : "", vocab.n, vocab_path, &root, e) ||
	    read_vocabulary(&v, root, vocab_path, e) ||
	    read_merges(&v, merges.data ? merges.data : "", merges.n, merges_path, e) ||
	    make(&v, choice, vocab_path, bpe, e))
		goto done;
	digest_hex(digest_bytes(vocab.data, vocab.n), first);
	digest_hex(digest_bytes(merges.data ? merges.data : "", merges.n), second);
	if (buffer_printf(&(*bpe)->source_digest, e, "xxh3-128:%s xxh3-128:%s", first, second)) {
		bpe_free(*bpe);
		*bpe = NULL;
	}
done:
	free(v.name);
	free(v.slot);
	free(v.merge);
	free(v.made);
	buffer_free(&vocab);
	buffer_free(&merges);
	json_parser_free(parser);
	return e->name;
}
