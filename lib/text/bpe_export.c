/* SPDX-License-Identifier: MIT */
#include "text/bpe_export.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "text/utf8.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TOKENIZER, VOCAB, MERGES, CONFIG, FILES };
static const char *const file_name[FILES] = { "tokenizer.json", "vocab.json", "merges.txt",
	                                          "tokenizer_config.json" };

/* ---------------------------------------------------------------- names */
/* A token's name in the files: a piece in GPT-2's spelling of its bytes, any other as it is. */
static int add_name(const struct bpe *b, uint32_t id, struct buffer *name, struct cbtm_error *e)
{
	const struct bpe_symbol *s = &b->symbol[id];

	if (s->special || (s->added && !(s->added & BPE_PIECE)))
		return buffer_add(name, s->bytes, s->n, e);
	return bpe_spell(s->bytes, s->n, name, e);
}

/* Names of all tokens, one behind the other, as they are and as JSON strings; starts: size + 1. */
struct names {
	struct buffer plain, quoted;
	size_t *plain_start, *quoted_start;
};

static void names_free(struct names *names)
{
	buffer_free(&names->plain);
	buffer_free(&names->quoted);
	free(names->plain_start);
	free(names->quoted_start);
}

static int make_names(const struct bpe *b, struct names *names, struct cbtm_error *e)
{
	struct buffer one = { 0 }, json = { 0 };
	size_t n = (size_t)b->size + 1;

	names->plain_start = mem_zeroed(n, sizeof *names->plain_start, "names of tokens", e);
	names->quoted_start = mem_zeroed(n, sizeof *names->quoted_start, "names of tokens", e);
	for (uint32_t i = 0; i < b->size && !e->name; i++) {
		buffer_clear(&one);
		buffer_clear(&json);
		if (add_name(b, i, &one, e) || (one.n && json_put_string(&json, one.data, one.n, e)) ||
		    buffer_add(&names->plain, one.data, one.n, e) ||
		    buffer_add(&names->quoted, json.data, json.n, e))
			break;
		if (one.n && utf8_valid_prefix(one.data, one.n) < one.n)
			error_set(e, CBTM_ERR_BAD_DATA, NULL,
			          "the name of the token %u is no UTF-8: JSON cannot tell it", i);
		names->plain_start[i + 1] = names->plain.n;
		names->quoted_start[i + 1] = names->quoted.n;
	}
	buffer_free(&one);
	buffer_free(&json);
	return e->name;
}

static int put_name(const struct names *names, uint32_t id, struct buffer *out,
                    struct cbtm_error *e)
{
	const size_t *start = &names->quoted_start[id];

	return buffer_add(out, names->quoted.data + start[0], start[1] - start[0], e);
}

/* An id that no token has. */
static bool is_hole(const struct names *names, uint32_t id)
{
	return names->plain_start[id] == names->plain_start[id + 1];
}

/* ---------------------------------------------------------------- the files */
static const char *truth(bool x)
{
	return x ? "true" : "false";
}

static int put_added(const struct bpe *b, const struct names *names, struct buffer *out,
                     struct cbtm_error *e)
{
	bool any = false;

	for (uint32_t i = 0; i < b->size; i++) {
		uint8_t flags = b->symbol[i].added;
		if (!flags)
			continue;
		if (buffer_printf(out, e,
		                  "%s\n    {\n      \"id\": %u,\n      \"content\": ", any ? "," : "", i) ||
		    put_name(names, i, out, e) ||
		    buffer_printf(out, e,
		                  ",\n      \"single_word\": %s,\n      \"lstrip\": %s,\n"
		                  "      \"rstrip\": %s,\n      \"normalized\": %s,\n"
		                  "      \"special\": %s\n    }",
		                  truth(flags & BPE_SINGLE_WORD), truth(flags & BPE_LSTRIP),
		                  truth(flags & BPE_RSTRIP), truth(flags & BPE_NORMALIZED),
		                  truth(b->symbol[i].special)))
			return e->name;
		any = true;
	}
	return buffer_text(out, any ? "\n  " : "", e);
}

/* BOS before the text, as Hugging Face's library puts it; EOD is the caller's matter there. */
static int put_template(const struct bpe *b, const struct names *names, struct buffer *out,
                        struct cbtm_error *e)
{
	static const char text[] = "{\n        \"Sequence\": {\n          \"id\": \"A\",\n"
							   "          \"type_id\": 0\n        }\n      }";

	if (b->bos == BPE_NONE)
		return buffer_text(out, "null", e);
	if (buffer_text(out,
	                "{\n    \"type\": \"TemplateProcessing\",\n    \"single\": [\n      {\n"
	                "        \"SpecialToken\": {\n          \"id\": ",
	                e) ||
	    put_name(names, b->bos, out, e) ||
	    buffer_printf(out, e,
	                  ",\n          \"type_id\": 0\n        }\n      },\n      %s\n    ],\n"
	                  "    \"pair\": [\n      %s,\n      {\n        \"Sequence\": {\n"
	                  "          \"id\": \"B\",\n          \"type_id\": 1\n        }\n      }\n"
	                  "    ],\n    \"special_tokens\": {\n      ",
	                  text, text) ||
	    put_name(names, b->bos, out, e) || buffer_text(out, ": {\n        \"id\": ", e) ||
	    put_name(names, b->bos, out, e) ||
	    buffer_printf(out, e,
	                  ",\n        \"ids\": [\n          %u\n        ],\n        \"tokens\": [\n"
	                  "          ",
	                  b->bos) ||
	    put_name(names, b->bos, out, e))
		return e->name;
	return buffer_text(out, "\n        ]\n      }\n    }\n  }", e);
}

static int put_model(const struct bpe *b, const struct names *names, struct buffer *out,
                     struct cbtm_error *e)
{
	bool any = false;

	if (buffer_text(out,
	                "{\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": null,\n"
	                "    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n"
	                "    \"fuse_unk\": false,\n    \"byte_fallback\": false,\n"
	                "    \"ignore_merges\": false,\n    \"vocab\": {",
	                e))
		return e->name;
	for (uint32_t i = 0; i < b->size; i++) {
		if (is_hole(names, i))
			continue;
		if (buffer_text(out, any ? ",\n      " : "\n      ", e) || put_name(names, i, out, e) ||
		    buffer_printf(out, e, ": %u", i))
			return e->name;
		any = true;
	}
	if (buffer_printf(out, e, "\n    },\n    \"merges\": ["))
		return e->name;
	for (uint32_t i = 0; i < b->merges; i++)
		if (buffer_text(out, i ? ",\n      [\n        " : "\n      [\n        ", e) ||
		    put_name(names, b->merge[i][0], out, e) || buffer_text(out, ",\n        ", e) ||
		    put_name(names, b->merge[i][1], out, e) || buffer_text(out, "\n      ]", e))
			return e->name;
	return buffer_text(out, b->merges ? "\n    ]\n  }" : "]\n  }", e);
}

static int make_tokenizer(const struct bpe *b, const struct names *names, struct buffer *out,
                          struct cbtm_error *e)
{
	if (buffer_text(out,
	                "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n"
	                "  \"added_tokens\": [",
	                e) ||
	    put_added(b, names, out, e) ||
	    buffer_printf(out, e,
	                  "],\n  \"normalizer\": null,\n  \"pre_tokenizer\": {\n"
	                  "    \"type\": \"ByteLevel\",\n    \"add_prefix_space\": %s,\n"
	                  "    \"trim_offsets\": true,\n    \"use_regex\": true\n  },\n"
	                  "  \"post_processor\": ",
	                  truth(b->prefix_space)) ||
	    put_template(b, names, out, e) ||
	    buffer_text(out,
	                ",\n  \"decoder\": {\n    \"type\": \"ByteLevel\",\n"
	                "    \"add_prefix_space\": true,\n    \"trim_offsets\": true,\n"
	                "    \"use_regex\": true\n  },\n  \"model\": ",
	                e) ||
	    put_model(b, names, out, e))
		return e->name;
	return buffer_text(out, "\n}", e);
}

static int make_vocab(const struct bpe *b, const struct names *names, struct buffer *out,
                      struct cbtm_error *e)
{
	buffer_text(out, "{", e);
	for (uint32_t i = 0; i < b->size && !e->name; i++)
		if (!is_hole(names, i) && !buffer_text(out, out->n > 1 ? "," : "", e) &&
		    !put_name(names, i, out, e))
			buffer_printf(out, e, ":%u", i);
	return buffer_text(out, "}", e);
}

static int make_merges(const struct bpe *b, const struct names *names, struct buffer *out,
                       struct cbtm_error *e)
{
	buffer_text(out, "#version: 0.2\n", e);
	for (uint32_t i = 0; i < b->merges && !e->name; i++)
		for (int side = 0; side < 2; side++) {
			const size_t *start = &names->plain_start[b->merge[i][side]];
			if (buffer_add(out, names->plain.data + start[0], start[1] - start[0], e) ||
			    buffer_text(out, side ? "\n" : " ", e))
				break;
		}
	return e->name;
}

static int make_config(const struct bpe *b, const struct names *names, struct buffer *out,
                       struct cbtm_error *e)
{
	if (buffer_printf(out, e, "{\n  \"add_prefix_space\": %s,\n", truth(b->prefix_space)) ||
	    (b->bos != BPE_NONE && (buffer_text(out, "  \"bos_token\": ", e) ||
	                            put_name(names, b->bos, out, e) || buffer_text(out, ",\n", e))) ||
	    buffer_text(out, "  \"clean_up_tokenization_spaces\": false,\n  \"eos_token\": ", e) ||
	    put_name(names, b->eod, out, e))
		return e->name;
	return buffer_text(out, ",\n  \"tokenizer_class\": \"PreTrainedTokenizerFast\"\n}\n", e);
}

/* ---------------------------------------------------------------- reading back */
static int differs(const char *path, uint32_t id, struct cbtm_error *e)
{
	return error_set(e, CBTM_ERR_BAD_DATA, path,
	                 "read back, the token or merge %u is another: these files cannot tell this "
	                 "vocabulary",
	                 id);
}

/* vocab.json and merges.txt do not know which tokens are added: then only pieces are compared. */
static int compare(const struct bpe *b, const struct bpe *back, bool added, const char *path,
                   struct cbtm_error *e)
{
	for (uint32_t i = 0; i < b->size && i < back->size; i++) {
		const struct bpe_symbol *x = &b->symbol[i], *y = &back->symbol[i];
		if (x->n != y->n || (x->n && memcmp(x->bytes, y->bytes, x->n) != 0) ||
		    (added && (x->special != y->special || x->added != y->added)))
			return differs(path, i, e);
	}
	for (uint32_t i = 0; i < b->merges && i < back->merges; i++)
		if (memcmp(b->merge[i], back->merge[i], sizeof b->merge[i]) != 0)
			return differs(path, i, e);
	if (back->size > b->size || back->merges != b->merges)
		return differs(path, back->size > b->size ? b->size : back->merges, e);
	for (uint32_t i = back->size; i < b->size; i++) /* holes at the end have no name in a file */
		if (b->symbol[i].n)
			return differs(path, i, e);
	return added && (b->eod != back->eod || b->bos != back->bos ||
	                 b->prefix_space != back->prefix_space)
	           ? (int)error_set(e, CBTM_ERR_BAD_DATA, path,
	                            "read back, EOD, BOS or the space in front is another")
	           : 0;
}

static int read_back(const struct bpe *b, char *const path[FILES], struct cbtm_error *e)
{
	const struct bpe_symbol *eod = &b->symbol[b->eod],
							*bos = b->bos == BPE_NONE ? NULL : &b->symbol[b->bos];
	char *eod_name = mem_copy(eod->bytes, eod->n, e);
	char *bos_name = bos ? mem_copy(bos->bytes, bos->n, e) : mem_copy("", 0, e);
	struct bpe_choice choice = { .eod = eod_name,
		                         .bos = bos_name,
		                         .match_special = b->match_special };
	struct bpe *back = NULL;

	if (eod_name && bos_name && !bpe_import_tokenizer(path[TOKENIZER], &choice, &back, e))
		compare(b, back, true, path[TOKENIZER], e);
	bpe_free(back);
	back = NULL;
	if (!e->name && !bpe_import(path[VOCAB], path[MERGES], &choice, &back, e))
		compare(b, back, false, path[VOCAB], e);
	bpe_free(back);
	free(eod_name);
	free(bos_name);
	return e->name;
}

/* ---------------------------------------------------------------- writing */
static int write_beside(const char *path, const struct buffer *text, struct cbtm_error *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		return error_errno(e, CBTM_ERR_CREATE, path, "cannot create the file");
	file_write_all(fd, text->data, text->n, path, e);
	if (close(fd))
		error_errno(e, CBTM_ERR_IO, path, "cannot write");
	return e->name;
}

static int write_files(const struct bpe *b, const struct names *names, char *const partial[FILES],
                       struct cbtm_error *e)
{
	static int (*const make[FILES])(const struct bpe *, const struct names *, struct buffer *,
	                                struct cbtm_error *) = { make_tokenizer, make_vocab,
		                                                     make_merges, make_config };

	for (int i = 0; i < FILES && !e->name; i++) {
		struct buffer text = { 0 };
		if (!make[i](b, names, &text, e))
			write_beside(partial[i], &text, e);
		buffer_free(&text);
	}
	return e->name;
}

int bpe_export(const struct bpe *b, const char *folder, bool force, struct cbtm_error *e)
{
	char *path[FILES] = { NULL }, *partial[FILES] = { NULL };
	struct names names = { 0 };

	for (int i = 0; i < FILES && !e->name; i++) {
		path[i] = path_join(folder, file_name[i], e);
		partial[i] = path_printf(e, "%s/%s.partial", folder, file_name[i]);
		if (path[i] && partial[i])
			file_keep(path[i], force, e);
	}
	if (e->name || make_names(b, &names, e) || folder_make(folder, e))
		goto done;
	if (!write_files(b, &names, partial, e) && !read_back(b, partial, e))
		for (int i = 0; i < FILES && !e->name; i++)
			file_publish(partial[i], path[i], e);
	for (int i = 0; e->name && i < FILES; i++)
		unlink(partial[i]);
done:
	for (int i = 0; i < FILES; i++) {
		free(path[i]);
		free(partial[i]);
	}
	names_free(&names);
	return e->name;
}
