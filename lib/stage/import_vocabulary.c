/* SPDX-License-Identifier: MIT */
#include "stage/import_vocabulary.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

enum { CONFIG_LIMIT = 64 << 20 };

int import_vocabulary(const char *folder, const struct bpe_choice *choice, bool pair_first,
                      struct bpe **bpe, struct cbtm_error *e)
{
	char *vocab = path_join(folder, "vocab.json", e);
	char *merges = path_join(folder, "merges.txt", e);
	char *tokenizer = path_join(folder, "tokenizer.json", e);
	*bpe = NULL;
	if (vocab && merges && tokenizer) {
		bool pair = file_exists(vocab) && file_exists(merges), whole = file_exists(tokenizer);
		if (pair && (pair_first || !whole))
			bpe_import(vocab, merges, choice, bpe, e);
		else if (whole)
			bpe_import_tokenizer(tokenizer, choice, bpe, e);
	}
	free(vocab);
	free(merges);
	free(tokenizer);
	return e->name;
}

/* What tokenizer_config.json says; names are "" where it says nothing. */
struct said {
	char *eod, *bos;
	bool adds_bos;
};

/* A token's name: a string, or an object with its "content". */
static char *token_name(struct json root, const char *key, struct cbtm_error *e)
{
	struct json v, content;
	const char *name = "";
	size_t n = 0;
	if (json_member(root, key, &v)) {
		if (json_type(v) == JSON_OBJECT && json_member(v, "content", &content))
			v = content;
		if (!json_string(v, &name, &n) || memchr(name, 0, n))
			n = 0;
	}
	return mem_copy(name, n, e);
}

static int read_said(const char *folder, struct said *said, struct cbtm_error *e)
{
	struct json_parser *p = json_parser_new(e);
	char *path = path_join(folder, "tokenizer_config.json", e);
	struct buffer text = { 0 };
	struct json root, v;
	*said = (struct said){ 0 };
	if (!p || !path)
		goto done;
	if (!file_exists(path)) {
		said->eod = mem_copy("", 0, e);
		said->bos = mem_copy("", 0, e);
		goto done;
	}
	if (file_read(path, CONFIG_LIMIT, &text, e) ||
	    json_parse(p, text.data ? text.data : "", text.n, path, &root, e))
		goto done;
	said->eod = token_name(root, "eos_token", e);
	said->bos = token_name(root, "bos_token", e);
	if (json_member(root, "add_bos_token", &v))
		json_bool(v, &said->adds_bos);
done:
	buffer_free(&text);
	free(path);
	json_parser_free(p);
	return e->name;
}

static uint32_t special_id(const struct bpe *b, const char *name)
{
	for (uint32_t i = 0; i < b->size; i++)
		if (b->symbol[i].special && b->symbol[i].n == strlen(name) &&
		    !memcmp(b->symbol[i].bytes, name, b->symbol[i].n))
			return i;
	return BPE_NONE;
}

int import_named_bos(const char *folder, const struct bpe *bpe, uint32_t *named,
                     struct cbtm_error *e)
{
	struct said said;
	*named = BPE_NONE;
	if (!read_said(folder, &said, e) && *said.bos)
		*named = special_id(bpe, said.bos);
	free(said.eod);
	free(said.bos);
	return e->name;
}

int import_tokenizer(const char *folder, const struct bpe_choice *choice, struct bpe **bpe,
                     uint32_t *named, struct cbtm_error *e)
{
	struct bpe_choice chosen = *choice;
	struct said said;
	*bpe = NULL;
	*named = BPE_NONE;
	if (read_said(folder, &said, e))
		goto done;
	if (!*chosen.eod)
		chosen.eod = said.eod;
	if (!*chosen.bos && said.adds_bos)
		chosen.bos = said.bos;
	if (import_vocabulary(folder, &chosen, false, bpe, e))
		error_hint(e, "name the token that ends a document with --eod, if need be");
	else if (*bpe && (*bpe)->bos == BPE_NONE && *said.bos)
		*named = special_id(*bpe, said.bos);
done:
	free(said.eod);
	free(said.bos);
	return e->name;
}
