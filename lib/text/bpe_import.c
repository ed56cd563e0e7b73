/* SPDX-License-Identifier: MIT */
/* Hugging Face's vocab.json and merges.txt. */
#include "base/error.h"
#include "base/file.h"
#include "text/bpe_spelt.h"
#include <stdio.h>
#include <string.h>

enum { FILE_LIMIT = 1 << 30 };

/* Lines "left right", rank = number; those that begin with "#version" are none. */
static int read_merges(struct spelt *v, const char *text, size_t n, const char *path,
                       struct cbtm_error *e)
{
	uint64_t number = 1;

	for (const char *line = text, *end = text + n; line < end && !e->name; number++) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((newline ? newline : end) - line);

		if (length && line[length - 1] == '\r')
			length--;
		if (length && (length < 8 || memcmp(line, "#version", 8) != 0) &&
		    spelt_merge_line(v, line, length, path, e) == CBTM_ERR_BAD_DATA)
			snprintf(e->where, sizeof e->where, "%s:%llu", path, (unsigned long long)number);
		line = newline ? newline + 1 : end;
	}
	return e->name;
}

/* Names that the models of this layout have for special tokens: these files do not say which are. */
static int add_specials(struct spelt *v, const struct bpe_choice *choice, struct cbtm_error *e)
{
	const char *const names[] = { "<|endoftext|>", "<s>",    "<pad>",     "</s>",
		                          "<unk>",         "<mask>", choice->eod, choice->bos };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t n = strlen(names[i]);
		uint32_t id = n ? spelt_find(v, names[i], n) : BPE_NONE;
		bool there = id == BPE_NONE || v->piece[id];

		for (size_t j = 0; j < v->n_added; j++)
			there |= v->added[j].id == id;
		if (!there &&
		    spelt_add(v, (struct spelt_added){ names[i], (uint32_t)n, id, true, BPE_ADDED }, e))
			break;
	}
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
	    spelt_parse(parser, &vocab, vocab_path, &root, e) ||
	    spelt_vocabulary(&v, root, vocab_path, e) ||
	    read_merges(&v, merges.data ? merges.data : "", merges.n, merges_path, e) ||
	    add_specials(&v, choice, e) || spelt_make(&v, choice, vocab_path, bpe, e))
		goto done;
	digest_hex(digest_bytes(vocab.data, vocab.n), first);
	digest_hex(digest_bytes(merges.data ? merges.data : "", merges.n), second);
	if (buffer_printf(&(*bpe)->source_digest, e, "xxh3-128:%s xxh3-128:%s", first, second)) {
		bpe_free(*bpe);
		*bpe = NULL;
	}
done:
	spelt_free(&v);
	buffer_free(&vocab);
	buffer_free(&merges);
	json_parser_free(parser);
	return e->name;
}
