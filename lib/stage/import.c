/* SPDX-License-Identifier: MIT */
#include "stage/import.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "model/checkpoint.h"
#include "model/huggingface.h"
#include "stage/import_vocabulary.h"
#include "text/bpe.h"
#include <stdlib.h>
#include <string.h>

/* The first symbol or merge in which two vocabularies differ. */
static int compare(const struct bpe *a, const struct bpe *b, const char *folder,
                   struct cbtm_error *e)
{
	for (uint32_t i = 0; i < a->size && i < b->size; i++)
		if (a->symbol[i].n != b->symbol[i].n ||
		    memcmp(a->symbol[i].bytes, b->symbol[i].bytes, a->symbol[i].n))
			return error_set(e, CBTM_ERR_BAD_DATA, folder,
			                 "its vocabulary is not that of the corpus' tokens: the id %u is "
			                 "\"%.40s\" there, \"%.40s\" here",
			                 i, b->symbol[i].bytes, a->symbol[i].bytes);
	if (a->size == b->size && a->merges == b->merges &&
	    (!a->merges || !memcmp(a->merge, b->merge, a->merges * sizeof *a->merge)))
		return 0;
	return error_set(e, CBTM_ERR_BAD_DATA, folder,
	                 "its vocabulary is not that of the corpus' tokens: %u tokens and %u merges "
	                 "there, %u and %u here",
	                 b->size, b->merges, a->size, a->merges);
}

/* Ids come only from the checkpoint's own vocabulary: where the folder has it, it is compared. */
static int check_vocabulary(const struct bpe *bpe, const char *folder, struct cbtm_error *e)
{
	char *eod = mem_copy(bpe->symbol[bpe->eod].bytes, bpe->symbol[bpe->eod].n, e);
	struct bpe_choice choice = { .eod = eod, .bos = "" };
	struct bpe *own = NULL;
	if (eod && !import_vocabulary(folder, &choice, true, &own, e) && !own)
		log_message(LOG_WARNING,
		            "%s: there is neither vocab.json with merges.txt nor tokenizer.json: nobody "
		            "checks that the corpus' tokens are this model's",
		            folder);
	if (own)
		compare(bpe, own, folder, e);
	if (e->name)
		error_hint(e, "name its vocabulary in tokenize.vocabulary");
	bpe_free(own);
	free(eod);
	return e->name;
}

static int check_sizes(const struct model_config *c, const struct bpe *bpe, const char *folder,
                       uint64_t length, struct cbtm_error *e)
{
	if (bpe->size > c->vocabulary)
		return error_set(e, CBTM_ERR_BAD_DATA, folder,
		                 "the corpus' tokens are of a vocabulary of %u, the model's has %llu",
		                 bpe->size, (unsigned long long)c->vocabulary);
	if (length > c->length)
		return error_set(e, CBTM_ERR_CONFIG, "train.seed.length",
		                 "%llu tokens at once are more than the checkpoint's %llu positions",
		                 (unsigned long long)length, (unsigned long long)c->length);
	return 0;
}

/* `bos`: what stands before a document that is scored. */
static int set_facts(struct store_writer *w, const struct model_config *c, const struct bpe *bpe,
                     const char *vocabulary, uint64_t bos, uint64_t length, struct cbtm_error *e)
{
	struct buffer model = { 0 };
	if (!model_config_print(c, &model, e) && !store_set_json(w, "model", model.data, e)) {
		store_set_text(w, "vocabulary", vocabulary, e);
		store_set_u64(w, "vocabulary_size", bpe->size, e);
		store_set_u64(w, "eod", bpe->eod, e);
		if (bos != HUGGINGFACE_NO_ID)
			store_set_u64(w, "bos", bos, e);
		store_set_u64(w, "length", length ? length : c->length, e);
		store_set_u64(w, "step", 0, e);
		store_set_u64(w, "tokens", 0, e);
		store_set_u64(w, "batch", 0, e);
		store_set_f64(w, "passes", 0, e);
	}
	buffer_free(&model);
	return e->name;
}

/* The vocabulary's, if it has one, else what config.json says, else tokenizer_config.json. */
static int find_bos(const char *folder, const struct bpe *bpe, const struct huggingface_ids *ids,
                    uint64_t *bos, struct cbtm_error *e)
{
	uint32_t named = BPE_NONE;
	*bos = ids->bos;
	if (bpe->bos != BPE_NONE)
		*bos = bpe->bos;
	else if (*bos == HUGGINGFACE_NO_ID && !import_named_bos(folder, bpe, &named, e) &&
	         named != BPE_NONE)
		*bos = named;
	return e->name;
}

static int import_folder(struct stage_run *run, const char *folder, uint64_t length,
                         const struct bpe *bpe, const char *vocabulary, struct cbtm_error *e)
{
	struct model_config c;
	struct huggingface_ids ids;
	uint64_t bos;
	if (!huggingface_config(folder, &c, e) && !check_sizes(&c, bpe, folder, length, e) &&
	    !check_vocabulary(bpe, folder, e) && !huggingface_ids(folder, &c, &ids, e) &&
	    !find_bos(folder, bpe, &ids, &bos, e) && !huggingface_import(folder, &c, run->out, e) &&
	    !huggingface_ids_keep(&ids, run->out, e))
		set_facts(run->out, &c, bpe, vocabulary, bos, length, e);
	return e->name;
}

/* A checkpoint of ours that knows its vocabulary's content is compared by that. */
static int check_content(const struct store *s, const char *folder, const char *vocabulary,
                         struct cbtm_error *e)
{
	char text[64];
	if (!store_get_text(s, "vocabulary", text, sizeof text)) {
		log_message(LOG_WARNING,
		            "%s: it was imported without a vocabulary: nobody checks that the corpus' "
		            "tokens are this model's",
		            folder);
		return 0;
	}
	if (!strcmp(text, vocabulary))
		return 0;
	error_set(e, CBTM_ERR_BAD_DATA, folder,
	          "its vocabulary is not that of the corpus' tokens: %s there, %s here", text,
	          vocabulary);
	return error_hint(e, "name the vocabulary that was imported with it in "
	                     "tokenize.vocabulary.tokenizer");
}

static int import_dataset(struct stage_run *run, const char *folder, uint64_t length,
                          const struct bpe *bpe, const char *vocabulary, struct cbtm_error *e)
{
	struct dataset *d = NULL;
	struct store *s = NULL;
	struct model_config c;
	uint64_t bos = bpe->bos == BPE_NONE ? HUGGINGFACE_NO_ID : bpe->bos;
	const char *ids;
	if (dataset_open(folder, store_kind_find("checkpoint"), &d, e) || dataset_part(d, 0, &s, e) ||
	    checkpoint_config(s, &c, e) || check_sizes(&c, bpe, folder, length, e) ||
	    check_content(s, folder, vocabulary, e) || checkpoint_copy(s, &c, run->out, e))
		goto done;
	store_get_u64(s, "bos", &bos);
	ids = store_get_json(s, HUGGINGFACE_IDS_FACT);
	if (!set_facts(run->out, &c, bpe, vocabulary, bos, length, e) && ids)
		store_set_json(run->out, HUGGINGFACE_IDS_FACT, ids, e);
done:
	store_close(s);
	dataset_close(d);
	return e->name;
}

int stage_import_seed(struct stage_run *run, const char *folder, uint64_t length,
                      struct cbtm_error *e)
{
	char vocabulary[DIGEST_HEX];
	struct bpe *bpe = NULL;
	char *ours = path_join(folder, "DATASET.json", e);
	const void *cursor;
	size_t done;
	if (!ours || store_cursor(run->out, &cursor, &done, e) || done)
		goto done; /* committed whole */
	if (!bpe_open(stage_input(run, "vocabulary"), &bpe, vocabulary, e) &&
	    !(file_exists(ours) ? import_dataset : import_folder)(run, folder, length, bpe, vocabulary,
	                                                          e))
		store_commit(run->out, "done", 4, e);
done:
	bpe_free(bpe);
	free(ours);
	return e->name;
}
