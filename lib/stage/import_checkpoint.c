/* SPDX-License-Identifier: MIT */
#include "stage/import_checkpoint.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "model/checkpoint.h"
#include "model/huggingface.h"
#include "stage/fingerprint.h"
#include "stage/import_vocabulary.h"
#include <stdlib.h>
#include <string.h>

/* Goes up when the same files give another dataset. */
enum { IMPORT_VERSION = 3 };

struct import {
	const struct checkpoint_import *in;
	struct checkpoint_imported *out;
	struct digest files; /* their content, and what was asked for */
	struct bpe *bpe;     /* NULL: none */
	struct huggingface_ids ids;
	char content[DIGEST_HEX];
};

/* Fills the dataset's one part. */
typedef int filler(struct import *m, struct store_writer *w, struct cbtm_error *e);

static int fingerprint(struct import *m, struct cbtm_error *e)
{
	struct digest_stream *s = digest_begin(e);
	struct digest d;
	if (s && !stage_folder_digest(m->in->folder, &d, e)) {
		digest_text(s, "import");
		digest_u64(s, IMPORT_VERSION);
		digest_u64(s, d.high);
		digest_u64(s, d.low);
		digest_text(s, m->in->eod);
		digest_text(s, m->in->bos);
		digest_u64(s, m->in->length);
		m->files = digest_now(s);
	}
	digest_end(s);
	return e->name;
}

/* One that is there is kept if it is of the same files, and removed if that is wanted. */
static int make_room(const struct import *m, const char *dir, bool *there, struct cbtm_error *e)
{
	char *manifest = path_join(dir, "DATASET.json", e);
	if (!manifest)
		return e->name;
	*there = dataset_is_complete(dir, dataset_fingerprint_of(&m->files, 1));
	if (!*there && file_exists(manifest)) {
		if (m->in->force)
			folder_remove(dir, e);
		else
			file_keep(manifest, false, e);
	}
	free(manifest);
	return e->name;
}

static int write_dataset(struct import *m, const char *kind_name, filler *fill, struct dataset **d,
                         struct cbtm_error *e)
{
	const struct store_kind *kind = store_kind_find(kind_name);
	char *dir = path_join(m->in->to, kind_name, e);
	struct store_writer *w = NULL;
	bool there = false;
	const void *cursor;
	size_t n = 0;
	*d = NULL;
	if (!dir || make_room(m, dir, &there, e))
		goto done;
	if (!there && !store_create(dir, 0, kind, m->files, &w, e) && w) {
		if (store_cursor(w, &cursor, &n, e) || (!n && fill(m, w, e)) ||
		    (!n && store_commit(w, "done", 4, e)))
			store_leave(w);
		else
			store_seal(w, e);
	}
	if (!e->name && !there)
		dataset_seal(dir, kind, &m->files, 1, e);
	if (!e->name)
		dataset_open(dir, kind, d, e);
done:
	free(dir);
	return e->name;
}

/* ---------------------------------------------------------------- the vocabulary */
static int fill_vocabulary(struct import *m, struct store_writer *w, struct cbtm_error *e)
{
	return bpe_save(m->bpe, w, e);
}

static int compare_vocabulary(const struct import *m, const struct bpe *back, struct cbtm_error *e)
{
	const struct bpe *b = m->bpe;
	bool same = b->size == back->size && b->merges == back->merges && b->eod == back->eod &&
	            b->bos == back->bos && b->prefix_space == back->prefix_space &&
	            (!b->merges || !memcmp(b->merge, back->merge, b->merges * sizeof *b->merge));
	for (uint32_t i = 0; same && i < b->size; i++) {
		const struct bpe_symbol *x = &b->symbol[i], *y = &back->symbol[i];
		same = x->n == y->n && x->special == y->special && x->added == y->added &&
		       (!x->n || !memcmp(x->bytes, y->bytes, x->n));
	}
	if (same)
		return 0;
	return error_set(e, CBTM_ERR_BAD_STORE, m->in->to,
	                 "its vocabulary reads back otherwise than it was written");
}

static int import_its_vocabulary(struct import *m, struct cbtm_error *e)
{
	struct bpe_choice choice = { .eod = m->in->eod, .bos = m->in->bos };
	struct dataset *d = NULL;
	struct bpe *back = NULL;
	uint32_t named;
	if (huggingface_ids(m->in->folder, &m->out->config, &m->ids, e))
		return e->name;
	m->out->eod = m->ids.eos;
	m->out->bos = m->ids.bos;
	if (import_tokenizer(m->in->folder, &choice, &m->bpe, &named, e) || !m->bpe)
		return e->name;
	if (m->bpe->size > m->out->config.vocabulary)
		return error_set(e, CBTM_ERR_BAD_DATA, m->in->folder,
		                 "its tokenizer has %u tokens, its model %llu", m->bpe->size,
		                 (unsigned long long)m->out->config.vocabulary);
	if (!write_dataset(m, "vocabulary", fill_vocabulary, &d, e) &&
	    !bpe_open(d, &back, m->content, e))
		compare_vocabulary(m, back, e);
	m->out->vocabulary = m->bpe->size;
	m->out->eod = m->bpe->eod;
	if (m->bpe->bos != BPE_NONE)
		m->out->bos = m->bpe->bos;
	else if (m->out->bos == HUGGINGFACE_NO_ID && named != BPE_NONE)
		m->out->bos = named;
	bpe_free(back);
	dataset_close(d);
	return e->name;
}

/* ---------------------------------------------------------------- the checkpoint */
static int set_facts(const struct import *m, struct store_writer *w, struct cbtm_error *e)
{
	const struct model_config *c = &m->out->config;
	struct buffer model = { 0 };
	if (!model_config_print(c, &model, e) && !store_set_json(w, "model", model.data, e) &&
	    (!m->bpe || !store_set_text(w, "vocabulary", m->content, e)) &&
	    !store_set_u64(w, "vocabulary_size", m->bpe ? m->bpe->size : c->vocabulary, e) &&
	    (m->out->eod == HUGGINGFACE_NO_ID || !store_set_u64(w, "eod", m->out->eod, e)) &&
	    (m->out->bos == HUGGINGFACE_NO_ID || !store_set_u64(w, "bos", m->out->bos, e)) &&
	    !huggingface_ids_keep(&m->ids, w, e) &&
	    !store_set_u64(w, "length", m->in->length ? m->in->length : c->length, e) &&
	    !store_set_u64(w, "step", 0, e) && !store_set_u64(w, "tokens", 0, e) &&
	    !store_set_u64(w, "batch", 0, e))
		store_set_f64(w, "passes", 0, e);
	buffer_free(&model);
	return e->name;
}

static int fill_checkpoint(struct import *m, struct store_writer *w, struct cbtm_error *e)
{
	if (!huggingface_import(m->in->folder, &m->out->config, w, e) &&
	    !huggingface_import_unused(m->in->folder, &m->out->config, w, e))
		set_facts(m, w, e);
	return e->name;
}

static int import_its_model(struct import *m, struct cbtm_error *e)
{
	struct dataset *d = NULL;
	struct store *s = NULL;
	if (!write_dataset(m, "checkpoint", fill_checkpoint, &d, e) && !dataset_part(d, 0, &s, e))
		huggingface_compare(m->in->folder, &m->out->config, s, e);
	store_close(s);
	dataset_close(d);
	return e->name;
}

int checkpoint_import(const struct checkpoint_import *in, struct checkpoint_imported *out,
                      struct cbtm_error *e)
{
	struct import m = { .in = in, .out = out };
	*out = (struct checkpoint_imported){ 0 };
	if (huggingface_config(in->folder, &out->config, e))
		return e->name;
	if (in->length > out->config.length)
		return error_set(e, CBTM_ERR_CONFIG, "--length",
		                 "%llu tokens at once are more than the checkpoint's %llu positions",
		                 (unsigned long long)in->length, (unsigned long long)out->config.length);
	if (!huggingface_check(in->folder, &out->config, e) && !fingerprint(&m, e) &&
	    !folder_make(in->to, e) && !import_its_vocabulary(&m, e))
		import_its_model(&m, e);
	bpe_free(m.bpe);
	return e->name;
}
