/* SPDX-License-Identifier: MIT */
/*
 * A lent model is kept in a plugin's state as it is in a checkpoint: "model-config" (JSON),
 * "model-facts" (length), "model-vocabulary" (digest), and each parameter as "model-NAME" with '_'
 * for '.'; its vocabulary (stage/lent_vocabulary.h) lies beside it.
 */
#include "stage/lent.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/param.h"
#include "model/hidden.h"
#include "plugin/compute.h"
#include "stage/lent_vocabulary.h"
#include "stage/state.h"
#include "text/bpe.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 256 }; /* documents whose ids are in memory at once */

static struct {
	const struct plugin_search *search;
	struct dataset *checkpoint, *vocabulary;
} offer;

struct cbtm_model {
	pthread_mutex_t mutex;
	struct arena *arena; /* the compute plugin's options */
	struct model_config config;
	uint64_t length; /* that it was trained on */
	char vocabulary[DIGEST_HEX];
	struct bpe *bpe;
	struct bpe_encoder *encoder;
	struct hidden *hidden;
};

void lent_search(const struct plugin_search *search)
{
	offer.search = search;
}

void lent_offer(struct dataset *checkpoint, struct dataset *vocabulary)
{
	offer.checkpoint = checkpoint;
	offer.vocabulary = vocabulary;
}

/* ---------------------------------------------------------------- making one */

static struct cbtm_model *new_model(struct cbtm_error *e)
{
	struct cbtm_model *m = mem_zeroed(1, sizeof *m, "a model", e);
	if (!m)
		return NULL;
	pthread_mutex_init(&m->mutex, NULL);
	m->arena = arena_new(e);
	return m;
}

void lent_close(struct cbtm_model *m)
{
	if (!m)
		return;
	hidden_free(m->hidden);
	bpe_encoder_free(m->encoder);
	bpe_free(m->bpe);
	arena_free(m->arena);
	pthread_mutex_destroy(&m->mutex);
	free(m);
}

/* The compute plugin's options: its defaults, and the precision that is asked for. */
static int compute_options(struct cbtm_model *m, const struct cbtm_compute *compute,
                           const char *precision, void **options, struct cbtm_error *e)
{
	const struct cbtm_plugin *p = &compute->plugin;
	const struct cbtm_param *row = p->params ? param_find(p->params, "precision") : NULL;
	*options = NULL;
	if (*precision && !row)
		return error_set(e, CBTM_ERR_CONFIG, "precision",
		                 "the compute plugin %s has no choice of it", p->name);
	if (!p->options_size)
		return 0;
	*options = arena_take(m->arena, p->options_size, e);
	if (!*options || param_defaults(p->params, *options, m->arena, e) || !*precision)
		return e->name;
	return param_parse(row, precision, *options, m->arena, CBTM_ERR_CONFIG, "precision", e);
}

/* The program and the encoder; parameters are still zero. */
static int prepare(struct cbtm_model *m, const struct cbtm_model_use *use, struct cbtm_error *e)
{
	const struct cbtm_compute *compute = NULL;
	void *options = NULL;
	uint64_t length = use->length ? use->length : m->length;
	if (length > m->config.length)
		return error_set(e, CBTM_ERR_CONFIG, "length",
		                 "%llu tokens at once are more than the model's %llu positions",
		                 (unsigned long long)length, (unsigned long long)m->config.length);
	if (m->bpe->size > m->config.vocabulary)
		return error_set(e, CBTM_ERR_BAD_DATA, NULL, "the vocabulary has %u tokens, the model %llu",
		                 m->bpe->size, (unsigned long long)m->config.vocabulary);
	if (!offer.search)
		return error_set(e, CBTM_ERR_INTERNAL, NULL, "no model can be lent here");
	if (compute_open(use->compute, offer.search, &compute, e) ||
	    compute_options(m, compute, use->precision, &options, e) ||
	    !(m->encoder = bpe_encoder_new(m->bpe, e)))
		return e->name;
	return hidden_new(&m->config, (uint32_t)use->batch, length, compute, options, &m->hidden, e);
}

/* Config, length and vocabulary of a checkpoint. */
static int read_facts(struct cbtm_model *m, const struct store *s, struct cbtm_error *e)
{
	char own[DIGEST_HEX] = "";
	const char *json = store_get_json(s, "model");
	if (!json)
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(s), "it has no fact \"model\"");
	if (model_config_parse(json, store_path(s), &m->config, e) ||
	    checkpoint_length(s, &m->config, &m->length, e) ||
	    bpe_open(offer.vocabulary, &m->bpe, m->vocabulary, e))
		return e->name;
	if (store_get_text(s, "vocabulary", own, sizeof own) && !strcmp(own, m->vocabulary))
		return 0;
	error_set(e, CBTM_ERR_BAD_DATA, store_path(s), "is of vocabulary %s, but %s is %s", own,
	          dataset_dir(offer.vocabulary), m->vocabulary);
	return error_hint(e, "give the vocabulary that the model was trained with");
}

struct cbtm_model *lent_open(const struct cbtm_model_use *use, struct cbtm_error *e)
{
	struct store *s = NULL;
	if (!offer.checkpoint || !offer.vocabulary) {
		error_set(e, CBTM_ERR_CONFIG, "embed.model", "this embedding needs a model, none is lent");
		error_hint(e, "set embed.model to seed");
		return NULL;
	}
	struct cbtm_model *m = new_model(e);
	if (m && !dataset_part(offer.checkpoint, 0, &s, e) && !read_facts(m, s, e) &&
	    !prepare(m, use, e))
		checkpoint_read(hidden_program(m->hidden), CBTM_ROLE_PARAMETER, s, e);
	store_close(s);
	if (!e->name)
		return m;
	lent_close(m);
	return NULL;
}

/* ---------------------------------------------------------------- in a state */

/* What a parameter is called in a state; its rows and their width. */
static void state_name(const struct cbtm_tensor *t, char name[80], size_t *rows, size_t *width)
{
	snprintf(name, 80, "model-%s", t->name);
	for (char *c = name; *c; c++)
		*c = *c == '.' ? '_' : *c;
	*width = t->rank > 1 ? t->shape[t->rank - 1] : 1;
	*rows = tensor_elements(t) / *width;
}

static int save_parameters(const struct program *p, struct cbtm_state_writer *w,
                           struct cbtm_error *e)
{
	for (uint32_t i = 0; i < p->list->tensors && !e->name; i++) {
		const struct cbtm_tensor *t = &p->list->tensor[i];
		char name[80];
		size_t rows, width;
		if (t->role != CBTM_ROLE_PARAMETER)
			continue;
		state_name(t, name, &rows, &width);
		float *v = mem_aligned(rows, width * sizeof *v, name, e);
		if (v && !p->compute->read(p->state, i, v, e))
			state_put(w, name, v, rows, width, "f32", e);
		free(v);
	}
	return e->name;
}

int lent_save(struct cbtm_model *m, struct cbtm_state_writer *w, struct cbtm_error *e)
{
	struct buffer json = { 0 };
	if (!model_config_print(&m->config, &json, e) &&
	    !state_put(w, "model-config", json.data, json.n, 1, "u8", e) &&
	    !state_put(w, "model-facts", &m->length, 1, 1, "u64", e) &&
	    !state_put(w, "model-vocabulary", m->vocabulary, strlen(m->vocabulary), 1, "u8", e) &&
	    !lent_vocabulary_save(m->bpe, w, e))
		save_parameters(hidden_program(m->hidden), w, e);
	buffer_free(&json);
	return e->name;
}

static int load_parameters(const struct program *p, struct cbtm_state_reader *r,
                           struct cbtm_error *e)
{
	for (uint32_t i = 0; i < p->list->tensors; i++) {
		const struct cbtm_tensor *t = &p->list->tensor[i];
		const void *data;
		char name[80];
		size_t rows, width, n, columns;
		if (t->role != CBTM_ROLE_PARAMETER)
			continue;
		state_name(t, name, &rows, &width);
		if (state_get(r, name, "f32", &data, &n, &columns, e))
			return e->name;
		if (n != rows || columns != width)
			return error_set(e, CBTM_ERR_BAD_STORE, name, "this tensor does not fit the model");
		if (p->compute->write(p->state, i, data, e))
			return e->name;
	}
	return 0;
}

static int load_facts(struct cbtm_model *m, struct cbtm_state_reader *r, struct cbtm_error *e)
{
	const void *json, *length, *vocabulary;
	size_t n, columns, facts, digits;
	if (state_get(r, "model-config", "u8", &json, &n, &columns, e) ||
	    state_get(r, "model-facts", "u64", &length, &facts, &columns, e) ||
	    state_get(r, "model-vocabulary", "u8", &vocabulary, &digits, &columns, e))
		return e->name;
	if (facts != 1 || digits >= sizeof m->vocabulary)
		return error_set(e, CBTM_ERR_BAD_STORE, "model-facts", "not those of a model");
	memcpy(&m->length, length, sizeof m->length);
	memcpy(m->vocabulary, vocabulary, digits);
	char *text = arena_string(m->arena, json, n, e);
	if (!text || model_config_parse(text, "model-config", &m->config, e))
		return e->name;
	if (!m->length || m->length > m->config.length)
		return error_set(e, CBTM_ERR_BAD_STORE, "model-facts", "the length is not the model's");
	return lent_vocabulary_load(r, &m->bpe, e);
}

struct cbtm_model *lent_load(const struct cbtm_model_use *use, struct cbtm_state_reader *r,
                             struct cbtm_error *e)
{
	struct cbtm_model *m = new_model(e);
	if (m && !load_facts(m, r, e) && !prepare(m, use, e))
		load_parameters(hidden_program(m->hidden), r, e);
	if (!e->name)
		return m;
	lent_close(m);
	return NULL;
}

/* ---------------------------------------------------------------- using it */

size_t lent_width(const struct cbtm_model *m)
{
	return m->config.width;
}

/* At most TEXTS documents. */
static int means_of(struct cbtm_model *m, const struct cbtm_document *documents, size_t n,
                    double *mean, struct cbtm_error *e)
{
	struct hidden_text text[TEXTS];
	size_t width = m->config.width, end[TEXTS];
	struct bpe_ids ids = { 0 };
	memset(mean, 0, n * width * sizeof *mean);
	for (size_t i = 0; i < n; i++) {
		if (bpe_encode(m->encoder, documents[i].text, documents[i].text_size, &ids, e))
			goto done;
		end[i] = ids.n;
	}
	for (size_t i = 0; i < n; i++) {
		size_t start = i ? end[i - 1] : 0;
		text[i] = (struct hidden_text){ ids.v + start, end[i] - start, mean + i * width };
	}
	if (hidden_sums(m->hidden, text, n, e))
		goto done;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; text[i].n && j < width; j++)
			mean[i * width + j] /= (double)text[i].n;
done:
	bpe_ids_free(&ids);
	return e->name;
}

int lent_means(struct cbtm_model *m, const struct cbtm_document *documents, size_t n, double *mean,
               struct cbtm_error *e)
{
	pthread_mutex_lock(&m->mutex);
	for (size_t i = 0; i < n; i += TEXTS)
		if (means_of(m, documents + i, n - i < TEXTS ? n - i : TEXTS, mean + i * m->config.width,
		             e))
			break;
	pthread_mutex_unlock(&m->mutex);
	return e->name;
}
