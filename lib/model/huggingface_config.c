/* SPDX-License-Identifier: MIT */
/* config.json of transformers: the keys that say what a model computes, and what they may be. */
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "model/huggingface.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_LIMIT = 1 << 20 };
#define NORM_EPSILON 1e-5 /* of both, and the only one that lists are emitted with */

enum { SPELLINGS = 5 };
/* A key with the one value that this model can have; it may be missing when that is the default. */
struct fixed {
	const char *key, *value;     /* as JSON */
	const char *say;             /* the value in words; NULL: as it is */
	const char *also[SPELLINGS]; /* other names of the same */
};
/* A key that is a number of the configuration. */
struct sized {
	const char *key;
	size_t offset;
	const char *ours; /* where model_config_check finds it wrong */
};

static const struct fixed opt_fixed[] = {
	{ "activation_function", "\"relu\"", NULL, { NULL } },
	{ "do_layer_norm_before",
	  "true",
	  "true: OPT-350m, whose norms stand behind each layer, is not supported",
	  { NULL } },
	{ "_remove_final_layer_norm", "false", NULL, { NULL } },
	{ "enable_bias", "true", NULL, { NULL } },
	{ "layer_norm_elementwise_affine", "true", NULL, { NULL } },
	{ "tie_word_embeddings", "true", NULL, { NULL } },
	{ "quantization_config", "null", NULL, { NULL } },
	{ 0 }
};
static const struct sized opt_sized[] = {
	{ "vocab_size", offsetof(struct model_config, vocabulary), "vocabulary.size" },
	{ "max_position_embeddings", offsetof(struct model_config, length), "length" },
	{ "num_hidden_layers", offsetof(struct model_config, layers), "model.layers" },
	{ "hidden_size", offsetof(struct model_config, width), "model.width" },
	{ "num_attention_heads", offsetof(struct model_config, heads), "model.heads" },
	{ "ffn_dim", offsetof(struct model_config, ffn), "model.ffn" },
	{ 0 }
};
static const struct fixed gpt2_fixed[] = {
	{ "activation_function",
	  "\"gelu_new\"",
	  NULL,
	  { "\"gelu_pytorch_tanh\"", "\"gelu_fast\"", "\"gelu_accurate\"", "\"gelu_python_tanh\"" } },
	{ "scale_attn_weights", "true", NULL, { NULL } },
	{ "scale_attn_by_inverse_layer_idx", "false", NULL, { NULL } },
	{ "add_cross_attention", "false", NULL, { NULL } },
	{ "tie_word_embeddings", "true", NULL, { NULL } },
	{ "quantization_config", "null", NULL, { NULL } },
	{ 0 }
};
static const struct sized gpt2_sized[] = {
	{ "vocab_size", offsetof(struct model_config, vocabulary), "vocabulary.size" },
	{ "n_positions", offsetof(struct model_config, length), "length" },
	{ "n_layer", offsetof(struct model_config, layers), "model.layers" },
	{ "n_embd", offsetof(struct model_config, width), "model.width" },
	{ "n_head", offsetof(struct model_config, heads), "model.heads" },
	{ "n_inner", offsetof(struct model_config, ffn), "model.ffn" },
	{ 0 }
};
static const struct {
	const struct fixed *fixed;
	const struct sized *sized;
	const char *class;
} kinds[ARCHITECTURES] = {
	[ARCHITECTURE_OPT] = { opt_fixed, opt_sized, "OPTForCausalLM" },
	[ARCHITECTURE_GPT2] = { gpt2_fixed, gpt2_sized, "GPT2LMHeadModel" },
};

/* Of a key that is there twice the last, which is what Python reads. */
static bool member(struct json root, const char *key, struct json *v)
{
	size_t cursor = 0, n;
	const char *name;
	struct json value;
	bool found = false;
	while (json_next(root, &cursor, &name, &n, &value))
		if (n == strlen(key) && !memcmp(name, key, n)) {
			*v = value;
			found = true;
		}
	return found;
}

static uint64_t *number(struct model_config *c, const struct sized *s)
{
	return (uint64_t *)((char *)c + s->offset);
}

/* `allowed`: what may stand there instead. */
static int refuse(const char *path, const char *key, struct json v, const char *allowed,
                  struct cbtm_error *e)
{
	struct buffer text = { 0 };
	struct cbtm_error ignored = { 0 };
	json_print(v, &text, &ignored);
	error_set(e, CBTM_ERR_CONFIG, path, "\"%s\" is %.100s; this model can only have %s", key,
	          text.data ? text.data : "missing", allowed);
	buffer_free(&text);
	return e->name;
}

static bool is(struct json v, const char *value)
{
	struct buffer text = { 0 };
	struct cbtm_error ignored = { 0 };
	bool same = !json_print(v, &text, &ignored) && text.data && !strcmp(text.data, value);
	buffer_free(&text);
	return same;
}

/* Is it the value by one of its names? */
static bool allowed(struct json v, const struct fixed *f)
{
	bool same = is(v, f->value);
	for (size_t i = 0; !same && i < SPELLINGS && f->also[i]; i++)
		same = is(v, f->also[i]);
	return same;
}

static int check_fixed(const char *path, struct json root, enum architecture a,
                       struct cbtm_error *e)
{
	struct json v;
	for (const struct fixed *f = kinds[a].fixed; f->key; f++)
		if (member(root, f->key, &v) && !allowed(v, f))
			return refuse(path, f->key, v, f->say ? f->say : f->value, e);
	return 0;
}

static int read_sizes(const char *path, struct json root, struct model_config *c,
                      struct cbtm_error *e)
{
	struct json v;
	for (const struct sized *s = kinds[c->architecture].sized; s->key; s++) {
		bool there = member(root, s->key, &v) && json_type(v) != JSON_NULL;
		if (!there && !strcmp(s->key, "n_inner"))
			c->ffn = 0; /* four times the width */
		else if (!there)
			return error_set(e, CBTM_ERR_CONFIG, path, "there is no key \"%s\"", s->key);
		else if (!json_u64(v, number(c, s)) || !*number(c, s))
			return refuse(path, s->key, v, "a count", e);
	}
	return 0;
}

/* The special ids: their keys, and what OPTConfig and GPT2Config take where one is missing. */
static const struct special {
	const char *key, *name; /* in config.json; in our fact */
	size_t offset;
	uint64_t missing[ARCHITECTURES];
} specials[] = {
	{ "bos_token_id",
	  "bos",
	  offsetof(struct huggingface_ids, bos),
	  { [ARCHITECTURE_OPT] = 2, [ARCHITECTURE_GPT2] = 50256 } },
	{ "eos_token_id",
	  "eos",
	  offsetof(struct huggingface_ids, eos),
	  { [ARCHITECTURE_OPT] = 2, [ARCHITECTURE_GPT2] = 50256 } },
	{ "pad_token_id",
	  "pad",
	  offsetof(struct huggingface_ids, pad),
	  { [ARCHITECTURE_OPT] = 1, [ARCHITECTURE_GPT2] = HUGGINGFACE_NO_ID } },
};
enum { PAD = 2, SPECIALS = sizeof specials / sizeof specials[0] };

static uint64_t id_of(struct json root, const char *key, uint64_t missing, uint64_t vocabulary)
{
	struct json v, first;
	size_t cursor = 0;
	uint64_t id;
	if (!member(root, key, &v))
		return missing < vocabulary ? missing : HUGGINGFACE_NO_ID;
	if (json_type(v) == JSON_ARRAY && json_next(v, &cursor, NULL, NULL, &first))
		v = first;
	return json_u64(v, &id) && id < vocabulary ? id : HUGGINGFACE_NO_ID;
}

/* OPT's padding, as PyTorch's Embedding takes it: below zero it counts from the last. */
static void find_padding(struct json root, struct model_config *c)
{
	const struct special *pad = &specials[PAD];
	uint64_t id = id_of(root, pad->key, pad->missing[ARCHITECTURE_OPT], c->vocabulary);
	int64_t below;
	struct json v;
	if (member(root, pad->key, &v) && json_i64(v, &below) && below < 0 &&
	    -(uint64_t)below <= c->vocabulary)
		id = c->vocabulary - -(uint64_t)below;
	c->pads = id != HUGGINGFACE_NO_ID;
	c->padding = c->pads ? id : 0;
}

/* What is particular to an architecture. */
static int check_more(const char *path, struct json root, struct model_config *c,
                      struct cbtm_error *e)
{
	struct json v;
	uint64_t projection;
	double epsilon;
	if (c->architecture == ARCHITECTURE_OPT) {
		if (member(root, "word_embed_proj_dim", &v) && json_type(v) != JSON_NULL &&
		    (!json_u64(v, &projection) || projection != c->width))
			return refuse(path, "word_embed_proj_dim", v,
			              "the hidden_size: OPT-350m's projections are not supported", e);
		find_padding(root, c);
		return 0;
	}
	if (member(root, "layer_norm_epsilon", &v) &&
	    (!json_f64(v, &epsilon) || fabs(epsilon - NORM_EPSILON) > 1e-12))
		return refuse(path, "layer_norm_epsilon", v, "1e-5", e);
	if (!c->ffn && c->width <= UINT64_MAX / 4)
		c->ffn = 4 * c->width;
	return 0;
}

static int find_architecture(const char *path, struct json root, struct model_config *c,
                             struct cbtm_error *e)
{
	struct json v;
	const char *name;
	size_t n;
	if (!member(root, "model_type", &v))
		return error_set(e, CBTM_ERR_CONFIG, path, "there is no key \"model_type\"");
	for (int a = 0; json_string(v, &name, &n) && a < ARCHITECTURES; a++)
		if (strlen(architecture_names[a]) == n && !memcmp(architecture_names[a], name, n)) {
			c->architecture = (enum architecture)a;
			return 0;
		}
	return refuse(path, "model_type", v, "opt or gpt2", e);
}

/* config.json while it is looked at. */
struct file {
	struct json_parser *parser;
	char *path;
	struct buffer text;
	struct json root; /* an object */
};

static int file_open(struct file *f, const char *folder, struct cbtm_error *e)
{
	*f = (struct file){ .parser = json_parser_new(e), .path = path_join(folder, "config.json", e) };
	if (!f->parser || !f->path || file_read(f->path, CONFIG_LIMIT, &f->text, e))
		return e->name;
	if (json_parse(f->parser, f->text.data ? f->text.data : "", f->text.n, f->path, &f->root, e))
		return error_hint(e, "the file is damaged: get it again");
	if (json_type(f->root) != JSON_OBJECT)
		error_set(e, CBTM_ERR_CONFIG, f->path, "it is not an object");
	return e->name;
}

static void file_close(struct file *f)
{
	free(f->path);
	buffer_free(&f->text);
	json_parser_free(f->parser);
}

/* The error of a size that no model of ours has, under the key that it has here. */
static int refuse_size(const char *path, const struct model_config *c,
                       const struct cbtm_error *wrong, struct cbtm_error *e)
{
	const struct sized *s = kinds[c->architecture].sized;
	while (s->key && strcmp(s->ours, wrong->where) != 0)
		s++;
	return error_set(e, CBTM_ERR_CONFIG, path, "\"%s\": %s", s->key ? s->key : wrong->where,
	                 wrong->what);
}

int huggingface_config(const char *folder, struct model_config *c, struct cbtm_error *e)
{
	struct cbtm_error wrong = { 0 };
	struct file f;
	*c = (struct model_config){ 0 };
	if (!file_open(&f, folder, e) && !find_architecture(f.path, f.root, c, e) &&
	    !check_fixed(f.path, f.root, c->architecture, e) && !read_sizes(f.path, f.root, c, e) &&
	    !check_more(f.path, f.root, c, e) && model_config_check(c, &wrong))
		refuse_size(f.path, c, &wrong, e);
	if (e->name == CBTM_ERR_CONFIG)
		error_hint(e, "models of transformers' OPTForCausalLM and GPT2LMHeadModel can be imported");
	file_close(&f);
	return e->name;
}

static uint64_t *id_at(struct huggingface_ids *ids, const struct special *s)
{
	return (uint64_t *)((char *)ids + s->offset);
}

int huggingface_ids(const char *folder, const struct model_config *c, struct huggingface_ids *ids,
                    struct cbtm_error *e)
{
	struct file f;
	if (!file_open(&f, folder, e))
		for (size_t i = 0; i < SPECIALS; i++)
			*id_at(ids, &specials[i]) =
				id_of(f.root, specials[i].key, specials[i].missing[c->architecture], c->vocabulary);
	file_close(&f);
	return e->name;
}

/* "key": and a value that is JSON already. */
static int put(struct buffer *out, const char *key, const char *json, struct cbtm_error *e)
{
	return json_put_key(out, key, e) ? (int)e->name : buffer_text(out, json, e);
}

static int put_id(struct buffer *out, const char *key, uint64_t id, struct cbtm_error *e)
{
	if (json_put_key(out, key, e))
		return e->name;
	return id == HUGGINGFACE_NO_ID ? json_put_null(out, e) : json_put_u64(out, id, e);
}

int huggingface_ids_keep(const struct huggingface_ids *ids, struct store_writer *w,
                         struct cbtm_error *e)
{
	struct huggingface_ids copy = *ids;
	struct buffer b = { 0 };
	json_put_open(&b, '{', e);
	for (size_t i = 0; i < SPECIALS && !e->name; i++)
		put_id(&b, specials[i].name, *id_at(&copy, &specials[i]), e);
	if (!e->name && !json_put_close(&b, '}', e))
		store_set_json(w, HUGGINGFACE_IDS_FACT, b.data, e);
	buffer_free(&b);
	return e->name;
}

int huggingface_ids_of(const struct store *checkpoint, const struct model_config *c,
                       struct huggingface_ids *ids, struct cbtm_error *e)
{
	const char *json = store_get_json(checkpoint, HUGGINGFACE_IDS_FACT);
	struct json_parser *p = json_parser_new(e);
	struct json root;
	uint64_t eod, bos;
	if (!store_get_u64(checkpoint, "eod", &eod))
		eod = HUGGINGFACE_NO_ID; /* imported without a tokenizer */
	*ids = (struct huggingface_ids){ eod, eod, HUGGINGFACE_NO_ID };
	if (p && json && !json_parse(p, json, strlen(json), store_path(checkpoint), &root, e)) {
		if (json_type(root) != JSON_OBJECT)
			error_set(e, CBTM_ERR_BAD_STORE, store_path(checkpoint),
			          "its fact \"" HUGGINGFACE_IDS_FACT "\" is no object");
		else
			for (size_t i = 0; i < SPECIALS; i++)
				*id_at(ids, &specials[i]) =
					id_of(root, specials[i].name, HUGGINGFACE_NO_ID, c->vocabulary);
		if (ids->eos == HUGGINGFACE_NO_ID)
			ids->eos = eod;
	}
	if (store_get_u64(checkpoint, "bos", &bos))
		ids->bos = bos;
	if (c->architecture == ARCHITECTURE_OPT) /* transformers trains by it */
		ids->pad = c->pads ? c->padding : HUGGINGFACE_NO_ID;
	json_parser_free(p);
	return e->name;
}

int huggingface_config_print(const struct model_config *c, const struct huggingface_ids *ids,
                             struct buffer *out, struct cbtm_error *e)
{
	const char *name = architecture_names[c->architecture], *class = kinds[c->architecture].class;
	bool opt = c->architecture == ARCHITECTURE_OPT;
	if (json_put_open(out, '{', e) || json_put_key(out, "architectures", e) ||
	    json_put_open(out, '[', e) || json_put_string(out, class, strlen(class), e) ||
	    json_put_close(out, ']', e) || json_put_key(out, "model_type", e) ||
	    json_put_string(out, name, strlen(name), e))
		return e->name;
	for (const struct fixed *f = kinds[c->architecture].fixed; f->key; f++)
		if (strcmp(f->value, "null") && put(out, f->key, f->value, e))
			return e->name;
	for (const struct sized *s = kinds[c->architecture].sized; s->key; s++)
		if (put_id(out, s->key, *number((struct model_config *)c, s), e))
			return e->name;
	if (opt ? put_id(out, "word_embed_proj_dim", c->width, e) || put(out, "dropout", "0.0", e) ||
	              put_id(out, "pad_token_id", ids->pad, e)
	        : (ids->pad != HUGGINGFACE_NO_ID && put_id(out, "pad_token_id", ids->pad, e)) ||
	              put(out, "layer_norm_epsilon", "1e-05", e) || put(out, "resid_pdrop", "0.0", e) ||
	              put(out, "embd_pdrop", "0.0", e) || put(out, "attn_pdrop", "0.0", e))
		return e->name;
	if (put_id(out, "bos_token_id", ids->bos, e) || put_id(out, "eos_token_id", ids->eos, e) ||
	    put(out, "torch_dtype", "\"float32\"", e) || json_put_close(out, '}', e))
		return e->name;
	return buffer_text(out, "\n", e);
}
