/* SPDX-License-Identifier: MIT */
/*
 * Hugging Face's tokenizer.json, as far as it is a byte-level BPE with GPT-2's pre-tokenizer. Every
 * field is looked at: what would change ids and is not supported is refused by its name, with its
 * value and what is supported. One that is missing has its usual value, and merges may be spelt in both
 * ways: the library itself reads no such file. Truncation and padding say how batches are made, not what ids a
 * text has, and are passed over.
 */
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "text/bpe_spelt.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_LIMIT = 1 << 30, SHOWN = 80 };

/* What is known while a file is read. */
struct reading {
	const char *path;
	struct spelt v;
	struct buffer eod, bos; /* names that the post-processor puts at the ends; empty: none */
	bool prefix_space;
	bool ignore_merges; /* a piece that is a token is that token */
};

/* ---------------------------------------------------------------- fields */
struct field {
	const char *name;
	struct json value;
	bool there;
};

/* "FIELD is VALUE: only ... is supported" */
static int unsupported(const struct reading *r, const char *field, const struct json *value,
                       const char *supported, struct cbtm_error *e)
{
	struct buffer text = { 0 };

	if (!value)
		error_set(e, CBTM_ERR_BAD_DATA, r->path, "%s is missing: %s", field, supported);
	else if (!json_print(*value, &text, e))
		error_set(e, CBTM_ERR_BAD_DATA, r->path, "%s is %.*s%s, which is not supported: %s", field,
		          text.n < SHOWN ? (int)text.n : SHOWN, text.data, text.n < SHOWN ? "" : "...",
		          supported);
	buffer_free(&text);
	return e->name;
}

/* Sorts an object's fields into the table; those that it does not have and repeated ones are
 * refused. `inside`: what the object is in a message, with its dot. */
static int sort_fields(const struct reading *r, struct json object, const char *inside,
                       struct field *field, size_t n, struct cbtm_error *e)
{
	size_t cursor = 0, length;
	const char *key;
	struct json value;

	if (json_type(object) != JSON_OBJECT)
		return error_set(e, CBTM_ERR_BAD_DATA, r->path, "%s is no object",
		                 *inside ? inside : "the file");
	while (json_next(object, &cursor, &key, &length, &value)) {
		size_t i = 0;
		while (i < n && (strlen(field[i].name) != length || memcmp(field[i].name, key, length)))
			i++;
		if (i == n || field[i].there)
			return error_set(e, CBTM_ERR_BAD_DATA, r->path, "%s%.*s %s", inside,
			                 length < SHOWN ? (int)length : SHOWN, key,
			                 i == n ? "is no field that is supported" : "is there twice");
		field[i].value = value;
		field[i].there = true;
	}
	return 0;
}

static bool is_null(const struct field *f)
{
	return !f->there || json_type(f->value) == JSON_NULL;
}

static bool is_text(const struct field *f, const char *text)
{
	const char *s;
	size_t n;

	return f->there && json_string(f->value, &s, &n) && n == strlen(text) && !memcmp(s, text, n);
}

static bool is_false(const struct field *f)
{
	bool x;

	return is_null(f) || (json_bool(f->value, &x) && !x);
}

/* A flag, `otherwise` where it is not there. */
static int get_flag(const struct reading *r, const struct field *f, const char *inside,
                    bool otherwise, bool *x, struct cbtm_error *e)
{
	char name[128];

	*x = otherwise;
	if (!f->there || json_bool(f->value, x))
		return 0;
	snprintf(name, sizeof name, "%s%s", inside, f->name);
	return unsupported(r, name, &f->value, "it is true or false", e);
}

/* ---------------------------------------------------------------- the model */
static int read_merge(struct reading *r, struct json merge, const char *where, struct cbtm_error *e)
{
	const char *s[2];
	size_t n[2], cursor = 0;
	struct json part[2];

	if (json_string(merge, &s[0], &n[0]))
		return n[0] >= 8 && !memcmp(s[0], "#version", 8)
		           ? 0
		           : spelt_merge_line(&r->v, s[0], n[0], where, e);
	if (json_type(merge) != JSON_ARRAY || json_count(merge) != 2 ||
	    !json_next(merge, &cursor, NULL, NULL, &part[0]) ||
	    !json_next(merge, &cursor, NULL, NULL, &part[1]) || !json_string(part[0], &s[0], &n[0]) ||
	    !json_string(part[1], &s[1], &n[1]))
		return error_set(e, CBTM_ERR_BAD_DATA, where,
		                 "neither \"a b\" nor [\"a\", \"b\"]: a merge is of two tokens");
	return spelt_merge(&r->v, s[0], n[0], s[1], n[1], where, e);
}

static int read_merges(struct reading *r, struct json merges, struct cbtm_error *e)
{
	size_t cursor = 0;
	struct json merge;
	char where[sizeof e->where];

	if (json_type(merges) != JSON_ARRAY)
		return unsupported(r, "model.merges", &merges, "it is an array of pairs of tokens", e);
	for (size_t i = 0; json_next(merges, &cursor, NULL, NULL, &merge); i++) {
		snprintf(where, sizeof where, "%s: model.merges[%zu]", r->path, i);
		if (read_merge(r, merge, where, e))
			return e->name;
	}
	return 0;
}

static int read_model(struct reading *r, const struct field *model, struct cbtm_error *e)
{
	enum { TYPE, DROPOUT, UNK, PREFIX, SUFFIX, FUSE, FALLBACK, IGNORE, VOCAB, MERGES, FIELDS };
	struct field f[FIELDS] = { { .name = "type" },
		                       { .name = "dropout" },
		                       { .name = "unk_token" },
		                       { .name = "continuing_subword_prefix" },
		                       { .name = "end_of_word_suffix" },
		                       { .name = "fuse_unk" },
		                       { .name = "byte_fallback" },
		                       { .name = "ignore_merges" },
		                       { .name = "vocab" },
		                       { .name = "merges" } };
	struct field type = { .name = "type" };
	const char *unk;
	double dropout;
	char where[sizeof e->where];
	bool ignored;
	size_t n;

	/* The type first: the fields of another one are not to be blamed. */
	if (!model->there || json_type(model->value) != JSON_OBJECT)
		return unsupported(r, "model", model->there ? &model->value : NULL,
		                   "a model of type BPE is read", e);
	type.there = json_member(model->value, "type", &type.value);
	if (type.there && !is_text(&type, "BPE"))
		return unsupported(r, "model.type", &type.value, "only BPE is", e);
	if (sort_fields(r, model->value, "model.", f, FIELDS, e))
		return e->name;
	if (!is_null(&f[DROPOUT]) && !(json_f64(f[DROPOUT].value, &dropout) && dropout == 0))
		return unsupported(r, "model.dropout", &f[DROPOUT].value, "only null is", e);
	for (int i = PREFIX; i <= SUFFIX; i++) {
		char name[64];
		snprintf(name, sizeof name, "model.%s", f[i].name);
		if (!is_null(&f[i]) && !is_text(&f[i], ""))
			return unsupported(r, name, &f[i].value, "only null is", e);
	}
	r->ignore_merges = !is_null(&f[IGNORE]) && !is_false(&f[IGNORE]);
	if (!is_null(&f[IGNORE]) && get_flag(r, &f[IGNORE], "model.", false, &ignored, e))
		return e->name;
	/* Every byte has a token (bpe_make): nothing is unknown, and what it would become says nothing. */
	if (!is_null(&f[UNK]) && !json_string(f[UNK].value, &unk, &n))
		return unsupported(r, "model.unk_token", &f[UNK].value, "it is a token's name or null", e);
	for (int i = FUSE; i <= FALLBACK; i++)
		if (!is_null(&f[i]) && get_flag(r, &f[i], "model.", false, &ignored, e))
			return e->name;
	if (!f[VOCAB].there || !f[MERGES].there)
		return unsupported(r, f[VOCAB].there ? "model.merges" : "model.vocab", NULL,
		                   "a BPE has both", e);
	snprintf(where, sizeof where, "%s: model.vocab", r->path);
	if (!spelt_vocabulary(&r->v, f[VOCAB].value, where, e))
		read_merges(r, f[MERGES].value, e);
	return e->name;
}

/* ---------------------------------------------------------------- added tokens */
static int read_added_token(struct reading *r, struct json token, size_t number, uint64_t *next,
                            struct cbtm_error *e)
{
	enum { ID, CONTENT, SINGLE, LSTRIP, RSTRIP, NORMALIZED, SPECIAL, FIELDS };
	static const uint8_t bit[FIELDS] = { [SINGLE] = BPE_SINGLE_WORD,
		                                 [LSTRIP] = BPE_LSTRIP,
		                                 [RSTRIP] = BPE_RSTRIP,
		                                 [NORMALIZED] = BPE_NORMALIZED };
	struct field f[FIELDS] = { { .name = "id" },          { .name = "content" },
		                       { .name = "single_word" }, { .name = "lstrip" },
		                       { .name = "rstrip" },      { .name = "normalized" },
		                       { .name = "special" } };
	struct spelt_added a = { .flags = BPE_ADDED };
	uint64_t id = 0, due;
	char inside[64];
	size_t n;

	snprintf(inside, sizeof inside, "added_tokens[%zu].", number);
	if (sort_fields(r, token, inside, f, FIELDS, e))
		return e->name;
	if (!f[ID].there || !json_u64(f[ID].value, &id) || !f[CONTENT].there ||
	    !json_string(f[CONTENT].value, &a.name, &n) || !n)
		return error_set(e, CBTM_ERR_BAD_DATA, r->path,
		                 "added_tokens[%zu] has not both an id and a content", number);
	for (int i = SINGLE; i <= SPECIAL; i++) {
		bool x;
		if (get_flag(r, &f[i], inside, i == NORMALIZED, &x, e))
			return e->name;
		a.flags |= x ? bit[i] : 0;
		a.special = i == SPECIAL && x;
	}
	/* The library passes over the file's id: a name of the model has that one, others go on. */
	due = spelt_find(&r->v, a.name, n);
	due = due == BPE_NONE ? (*next)++ : due;
	if (id != due)
		return error_set(e, CBTM_ERR_BAD_DATA, r->path,
		                 "added_tokens[%zu].id is %" PRIu64 ", but Hugging Face's library gives "
		                 "\"%.*s\" the id %" PRIu64,
		                 number, id, n < SHOWN ? (int)n : SHOWN, a.name, due);
	a.n = (uint32_t)n;
	a.id = (uint32_t)id;
	return spelt_add(&r->v, a, e);
}

static int read_added(struct reading *r, const struct field *added, struct cbtm_error *e)
{
	uint64_t next = r->v.tokens;
	struct json token;
	size_t cursor = 0;

	if (is_null(added))
		return 0;
	if (json_type(added->value) != JSON_ARRAY)
		return unsupported(r, "added_tokens", &added->value, "it is an array", e);
	for (size_t i = 0; json_next(added->value, &cursor, NULL, NULL, &token); i++)
		if (read_added_token(r, token, i, &next, e))
			return e->name;
	return 0;
}

/* ---------------------------------------------------------------- what is around the model */
/* The fields that ByteLevel has as a pre-tokenizer, post-processor and decoder. */
static int read_byte_level(struct reading *r, struct json value, const char *inside,
                           bool *prefix_space, bool *use_regex, struct cbtm_error *e)
{
	bool ignored;
	struct field in[] = { { .name = "type" },
		                  { .name = "add_prefix_space" },
		                  { .name = "trim_offsets" },
		                  { .name = "use_regex" } };

	if (sort_fields(r, value, inside, in, sizeof in / sizeof *in, e))
		return e->name;
	if (get_flag(r, &in[1], inside, true, prefix_space, e) ||
	    get_flag(r, &in[2], inside, true, &ignored, e) ||
	    get_flag(r, &in[3], inside, true, use_regex, e))
		return e->name;
	return 0;
}

static bool is_type(struct json object, const char *type)
{
	struct field f = { .name = "type" };

	f.there = json_member(object, "type", &f.value);
	return is_text(&f, type);
}

/* Items of a Sequence's list: *n of them, at most `most`; false if it is none. */
static bool get_sequence(struct json value, const char *list, struct json *item, size_t most,
                         size_t *n)
{
	struct json all;
	size_t cursor = 0;

	*n = 0;
	if (!is_type(value, "Sequence") || !json_member(value, list, &all) ||
	    json_type(all) != JSON_ARRAY || json_count(all) > most)
		return false;
	while (json_next(all, &cursor, NULL, NULL, &item[*n]))
		++*n;
	return true;
}

/* Whether it cuts a text as ByteLevel's own regular expression does: GPT-2's, in the two ways in
 * which it is written. */
static bool is_gpt2_split(struct json value)
{
	static const char rest[] = "| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
	static const char *const begin[] = { "'s|'t|'re|'ve|'m|'ll|'d", "'(?:[sdmt]|ll|ve|re)" };
	struct field behavior = { .name = "behavior" }, invert = { .name = "invert" };
	struct json pattern, regex;
	const char *s;
	size_t n;

	behavior.there = json_member(value, behavior.name, &behavior.value);
	invert.there = json_member(value, invert.name, &invert.value);
	/* What it matches is kept, and there is nothing else. */
	if (!is_type(value, "Split") || !invert.there ||
	    !is_text(&behavior, is_false(&invert) ? "Isolated" : "Removed") || json_count(value) != 4 ||
	    !json_member(value, "pattern", &pattern) || json_count(pattern) != 1 ||
	    !json_member(pattern, "Regex", &regex) || !json_string(regex, &s, &n))
		return false;
	for (int i = 0; i < 2; i++) {
		size_t m = strlen(begin[i]);
		if (n == m + sizeof rest - 1 && !memcmp(s, begin[i], m) && !memcmp(s + m, rest, n - m))
			return true;
	}
	return false;
}

/* ByteLevel, alone or in a Sequence, or behind a Split that has cut the text already. */
static int read_pre_tokenizer(struct reading *r, const struct field *f, struct cbtm_error *e)
{
	struct json item[2] = { f->value };
	bool use_regex, split = false;
	size_t n = 1;

	if (!is_null(f) && !get_sequence(f->value, "pretokenizers", item, 2, &n))
		n = 1;
	else if (n == 2)
		split = is_gpt2_split(item[0]);
	if (is_null(f) || n != 1 + (size_t)split || !is_type(item[n - 1], "ByteLevel"))
		return unsupported(r, "pre_tokenizer", f->there ? &f->value : NULL,
		                   "only ByteLevel is, alone or behind a Split by GPT-2's regular "
		                   "expression",
		                   e);
	if (read_byte_level(r, item[n - 1], "pre_tokenizer.", &r->prefix_space, &use_regex, e))
		return e->name;
	if (!use_regex && !split)
		return unsupported(r, "pre_tokenizer", &f->value, "only ByteLevel with use_regex true is",
		                   e);
	if (split && r->prefix_space)
		return unsupported(r, "pre_tokenizer", &f->value,
		                   "behind a Split only ByteLevel with add_prefix_space false is", e);
	return 0;
}

static int read_decoder(struct reading *r, const struct field *f, struct cbtm_error *e)
{
	struct json item = f->value;
	bool ignored;
	size_t n;

	if (is_null(f))
		return 0;
	get_sequence(f->value, "decoders", &item, 1, &n);
	if (!is_type(item, "ByteLevel"))
		return unsupported(r, "decoder", &f->value, "only ByteLevel is", e);
	return read_byte_level(r, item, "decoder.", &ignored, &ignored, e);
}

/* A post-processor puts one token at most before a text, and one behind it. */
static int set_end(struct reading *r, struct buffer *end, const char *name, size_t n,
                   const struct json *value, struct cbtm_error *e)
{
	if (end->n)
		return unsupported(r, "post_processor", value,
		                   "one token before the text and one behind it are", e);
	if (memchr(name, 0, n))
		return error_set(e, CBTM_ERR_BAD_DATA, r->path,
		                 "post_processor names a token with a NUL in it");
	return buffer_add(end, name, n, e);
}

/* RobertaProcessing and BertProcessing: "cls": [NAME, ID] before, "sep": [NAME, ID] behind. */
static int read_cls_sep(struct reading *r, struct json value, struct cbtm_error *e)
{
	static const char *const member[] = { "cls", "sep" };
	struct json pair, name;

	for (int i = 0; i < 2; i++) {
		size_t cursor = 0, n;
		const char *s;
		if (!json_member(value, member[i], &pair) || json_type(pair) != JSON_ARRAY ||
		    !json_next(pair, &cursor, NULL, NULL, &name) || !json_string(name, &s, &n))
			return unsupported(r, "post_processor", &value, "cls and sep are a name and an id", e);
		if (set_end(r, i ? &r->eod : &r->bos, s, n, &value, e))
			return e->name;
	}
	return 0;
}

/* A TemplateProcessing's token `id`: the one name that special_tokens has for it. */
static int template_name(struct json value, struct json piece, const char **s, size_t *n)
{
	struct json id, specials, token, tokens, key_value;
	size_t cursor = 0, length, key_n;
	const char *name, *key;

	if (!json_member(piece, "id", &id) || !json_string(id, &name, &length) ||
	    !json_member(value, "special_tokens", &specials) || json_type(specials) != JSON_OBJECT)
		return -1;
	while (json_next(specials, &cursor, &key, &key_n, &token))
		if (key_n == length && !memcmp(key, name, length)) {
			cursor = 0;
			return json_type(token) == JSON_OBJECT && json_member(token, "tokens", &tokens) &&
			               json_type(tokens) == JSON_ARRAY && json_count(tokens) == 1 &&
			               json_next(tokens, &cursor, NULL, NULL, &key_value) &&
			               json_string(key_value, s, n)
			           ? 0
			           : -1;
		}
	return -1;
}

static int read_template(struct reading *r, struct json value, struct cbtm_error *e)
{
	struct json single, piece, inside;
	bool text_seen = false;
	size_t cursor = 0;

	if (!json_member(value, "single", &single) || json_type(single) != JSON_ARRAY)
		return unsupported(r, "post_processor.single", NULL, "it is an array", e);
	while (json_next(single, &cursor, NULL, NULL, &piece)) {
		const char *s;
		size_t n;
		if (json_type(piece) == JSON_OBJECT && json_member(piece, "Sequence", &inside) &&
		    !text_seen) {
			text_seen = true;
			continue;
		}
		if (json_type(piece) != JSON_OBJECT || !json_member(piece, "SpecialToken", &inside) ||
		    json_type(inside) != JSON_OBJECT || template_name(value, inside, &s, &n))
			return unsupported(r, "post_processor.single", &single,
			                   "one text and special tokens of one id each are", e);
		if (set_end(r, text_seen ? &r->eod : &r->bos, s, n, &single, e))
			return e->name;
	}
	return 0;
}

static int read_post_processor(struct reading *r, struct json value, struct cbtm_error *e)
{
	struct json list, item;
	size_t cursor = 0;

	if (json_type(value) == JSON_NULL)
		return 0;
	if (json_type(value) == JSON_OBJECT) {
		if (is_type(value, "ByteLevel"))
			return 0;
		if (is_type(value, "RobertaProcessing") || is_type(value, "BertProcessing"))
			return read_cls_sep(r, value, e);
		if (is_type(value, "TemplateProcessing"))
			return read_template(r, value, e);
		if (is_type(value, "Sequence") && json_member(value, "processors", &list) &&
		    json_type(list) == JSON_ARRAY) {
			while (json_next(list, &cursor, NULL, NULL, &item))
				if (read_post_processor(r, item, e))
					return e->name;
			return 0;
		}
	}
	return unsupported(r, "post_processor", &value,
	                   "ByteLevel, TemplateProcessing, RobertaProcessing, BertProcessing and a "
	                   "Sequence of them are",
	                   e);
}

/* ---------------------------------------------------------------- the file */
static int read_file(struct reading *r, struct json root, struct cbtm_error *e)
{
	enum { FORMAT, TRUNCATION, PADDING, ADDED, NORMALIZER, PRE, POST, DECODER, MODEL, FIELDS };
	struct field f[FIELDS] = { { .name = "version" },        { .name = "truncation" },
		                       { .name = "padding" },        { .name = "added_tokens" },
		                       { .name = "normalizer" },     { .name = "pre_tokenizer" },
		                       { .name = "post_processor" }, { .name = "decoder" },
		                       { .name = "model" } };
	struct json nothing;
	size_t n;

	if (sort_fields(r, root, "", f, FIELDS, e))
		return e->name;
	if (f[FORMAT].there && !is_text(&f[FORMAT], "1.0"))
		return unsupported(r, "version", &f[FORMAT].value, "only \"1.0\" is", e);
	if (!is_null(&f[NORMALIZER]) &&
	    !get_sequence(f[NORMALIZER].value, "normalizers", &nothing, 0, &n))
		return unsupported(r, "normalizer", &f[NORMALIZER].value, "only null is", e);
	if (!is_null(&f[TRUNCATION]) || !is_null(&f[PADDING]))
		log_message(LOG_WARNING, "%s: %s is passed over: whole documents are encoded", r->path,
		            is_null(&f[TRUNCATION]) ? "padding" : "truncation");
	if (read_pre_tokenizer(r, &f[PRE], e) || read_decoder(r, &f[DECODER], e) ||
	    (f[POST].there && read_post_processor(r, f[POST].value, e)) ||
	    read_model(r, &f[MODEL], e) || read_added(r, &f[ADDED], e))
		return e->name;
	return 0;
}

int bpe_import_tokenizer(const char *path, const struct bpe_choice *choice, struct bpe **bpe,
                         struct cbtm_error *e)
{
	struct reading r = { .path = path };
	struct json_parser *parser = json_parser_new(e);
	struct bpe_choice chosen = *choice;
	struct buffer text = { 0 };
	struct json root;
	char hex[DIGEST_HEX];

	*bpe = NULL;
	if (!parser || file_read(path, FILE_LIMIT, &text, e) ||
	    spelt_parse(parser, &text, path, &root, e) || read_file(&r, root, e))
		goto done;
	chosen.eod = *choice->eod || !r.eod.n ? choice->eod : r.eod.data;
	chosen.bos = *choice->bos || !r.bos.n ? choice->bos : r.bos.data;
	chosen.prefix_space = r.prefix_space;
	if (spelt_make(&r.v, &chosen, path, bpe, e))
		goto done;
	if (r.ignore_merges && spelt_whole_pieces(&r.v, *bpe, path, e))
		goto failed;
	digest_hex(digest_bytes(text.data, text.n), hex);
	if (!buffer_printf(&(*bpe)->source_digest, e, "xxh3-128:%s", hex))
		goto done;
failed:
	bpe_free(*bpe);
	*bpe = NULL;
done:
	spelt_free(&r.v);
	buffer_free(&r.eod);
	buffer_free(&r.bos);
	buffer_free(&text);
	json_parser_free(parser);
	return e->name;
}
