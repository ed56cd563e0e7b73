/* SPDX-License-Identifier: MIT */
#include "text/sharding.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/signals.h"
#include "store/split.h"
#include "store/tokens.h"
#include "text/pack.h"
#include "text/shuffle.h"
#include "text/weights.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMMIT_BYTES = 32 << 20, LOOK_DOCUMENTS = 1 << 16 };

/* One pass: a split's documents into the `ids` columns, or the valid ones into `valid`. */
struct pass {
	const struct sharding *s;
	struct store_writer *out;
	struct random_key key;
	uint8_t split;
	bool valid;
	struct weights *weights; /* NULL: every document once */
	struct shuffle *documents, *sequences;
	struct buffer record;
	uint64_t n_documents, n_tokens, n_all; /* of the cluster; and tokens of all clusters */
	uint64_t n_sequences;                  /* packed */
	uint64_t committed;                    /* sequences that `out` held at the start */
	uint64_t pending;
};

/* The columns of a part, row by row. */
struct rows {
	struct store *tokens, *assignments, *documents;
	struct store_reader *key, *split, *cluster, *meta;
	struct tokens_reader *ids;
	uint64_t n;
};

static void rows_close(struct rows *r)
{
	store_reader_close(r->key);
	store_reader_close(r->split);
	store_reader_close(r->cluster);
	store_reader_close(r->meta);
	tokens_close(r->ids);
	store_close(r->tokens);
	store_close(r->assignments);
	store_close(r->documents);
}

static int open_meta(struct rows *r, const struct sharding *s, uint32_t part, struct cbtm_error *e)
{
	if (dataset_part(s->documents, part, &r->documents, e) ||
	    store_reader_open(r->documents, "meta", &r->meta, e))
		return e->name;
	if (store_row_count(r->documents, "meta") != r->n)
		return error_set(e, CBTM_ERR_BAD_DATA, store_path(r->documents),
		                 "has not as many rows as %s", store_path(r->tokens));
	return 0;
}

static int rows_open(struct rows *r, const struct sharding *s, uint32_t part, struct cbtm_error *e)
{
	char vocabulary[DIGEST_HEX];

	*r = (struct rows){ 0 };
	if (dataset_part(s->tokens, part, &r->tokens, e) ||
	    store_reader_open(r->tokens, "key", &r->key, e) ||
	    store_reader_open(r->tokens, "split", &r->split, e) || tokens_open(r->tokens, &r->ids, e))
		return e->name;
	r->n = store_row_count(r->tokens, "key");
	if (!store_get_text(r->tokens, "vocabulary", vocabulary, sizeof vocabulary) ||
	    strcmp(vocabulary, s->vocabulary)) {
		error_set(e, CBTM_ERR_BAD_DATA, store_path(r->tokens),
		          "these ids are of another vocabulary");
		return error_hint(e, "give the vocabulary that the tokens were made with");
	}
	if (s->weights.n && open_meta(r, s, part, e))
		return e->name;
	if (!s->assignments)
		return 0;
	if (dataset_part(s->assignments, part, &r->assignments, e) ||
	    store_reader_open(r->assignments, "cluster", &r->cluster, e))
		return e->name;
	if (store_row_count(r->assignments, "cluster") != r->n) {
		error_set(e, CBTM_ERR_BAD_DATA, store_path(r->assignments), "has not as many rows as %s",
		          store_path(r->tokens));
		return error_hint(e, "give assignments and tokens of the same documents");
	}
	return 0;
}

/* How often the pass takes the row: 0 if it is not its own. Counts the tokens of all clusters on the way. */
static int row_wanted(struct pass *p, struct rows *r, uint64_t row, uint64_t *copies,
                      const uint32_t **ids, uint64_t *n, struct cbtm_error *e)
{
	const void *meta;
	uint64_t meta_n;
	uint8_t split;
	uint32_t cluster = 0;

	*copies = 0;
	if (store_read_rows(r->split, row, 1, &split, e) || split != p->split)
		return e->name;
	if (r->cluster && store_read_rows(r->cluster, row, 1, &cluster, e))
		return e->name;
	if (cluster >= p->s->clusters)
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(r->assignments),
		                 "row %" PRIu64 " is in cluster %u of %u", row, cluster, p->s->clusters);
	if (p->valid && cluster != p->s->cluster)
		return 0;
	if (tokens_read(r->ids, row, ids, n, e))
		return e->name;
	*copies = 1;
	if (p->weights && (store_read_row(r->meta, row, &meta, &meta_n, e) ||
	                   weights_take(p->weights, meta, meta_n, *n + 1, cluster, copies, e)))
		return e->name;
	p->n_all += *copies * (*n + 1);
	if (cluster != p->s->cluster)
		*copies = 0;
	return 0;
}

/* Throws the part's documents into the first shuffle: key, ids. */
static int throw_part(struct pass *p, struct rows *r, struct cbtm_error *e)
{
	for (uint64_t row = 0; row < r->n; row++) {
		const uint32_t *ids;
		uint64_t n, key, copies;

		if (row % LOOK_DOCUMENTS == 0 && signals_check(e))
			return e->name;
		if (row_wanted(p, r, row, &copies, &ids, &n, e))
			return e->name;
		if (!copies)
			continue;
		buffer_clear(&p->record);
		if (store_read_rows(r->key, row, 1, &key, e) ||
		    buffer_add(&p->record, &key, sizeof key, e) ||
		    buffer_add(&p->record, ids, n * sizeof *ids, e))
			return e->name;
		for (uint64_t i = 0; i < copies; i++) /* 1 is for sequences */
			if (shuffle_add(p->documents, random_u64(p->key, key, i + (i > 0)), p->record.data,
			                p->record.n, e))
				return e->name;
		p->n_documents += copies;
		p->n_tokens += copies * (n + 1);
	}
	return 0;
}

/* Throws a packed sequence into the second shuffle: two counts, ids, boundaries, keys. */
static int throw_sequence(void *arg, const struct sequence *s, struct cbtm_error *e)
{
	struct pass *p = arg;
	uint32_t counts[2] = { (uint32_t)s->boundaries, (uint32_t)s->documents };
	size_t length = p->s->length + 1;

	buffer_clear(&p->record);
	if (buffer_add(&p->record, counts, sizeof counts, e) ||
	    buffer_add(&p->record, s->ids, length * sizeof *s->ids, e) ||
	    buffer_add(&p->record, s->boundary, s->boundaries * sizeof *s->boundary, e) ||
	    buffer_add(&p->record, s->document, s->documents * sizeof *s->document, e))
		return e->name;
	return shuffle_add(p->sequences, random_u64(p->key, p->n_sequences++, 1), p->record.data,
	                   p->record.n, e);
}

static int pack_all(struct pass *p, struct cbtm_error *e)
{
	struct packer *packer = NULL;
	const void *record = NULL;
	size_t n;

	if (packer_new(p->s->length, p->s->eod, throw_sequence, p, &packer, e))
		return e->name;
	while (!shuffle_next(p->documents, &record, &n, e) && record) {
		uint64_t key;

		memcpy(&key, record, sizeof key);
		if (pack_document(packer, key, (const uint32_t *)((const char *)record + sizeof key),
		                  (n - sizeof key) / sizeof(uint32_t), e) ||
		    signals_check(e))
			break;
	}
	packer_free(packer);
	return e->name;
}

static int append_sequence(struct pass *p, const char *record, struct cbtm_error *e)
{
	uint64_t length = p->s->length + 1;
	uint32_t counts[2];
	const char *ids = record + sizeof counts, *boundary = ids + length * sizeof(uint32_t);

	memcpy(counts, record, sizeof counts);
	if (p->valid)
		return store_append(p->out, "valid", ids, 1, e);
	if (store_append(p->out, "ids", ids, 1, e) ||
	    store_append_row(p->out, "boundary", boundary, counts[0], e) ||
	    store_append_row(p->out, "document", boundary + counts[0] * sizeof(uint32_t), counts[1], e))
		return e->name;
	return 0;
}

static int append_all(struct pass *p, struct cbtm_error *e)
{
	const void *record = NULL;
	uint64_t row = 0;
	size_t n;

	progress_start(p->valid ? "valid sequences" : "sequences", p->n_sequences, "sequences");
	while (!shuffle_next(p->sequences, &record, &n, e) && record) {
		progress_set(row, NULL);
		if (row++ < p->committed)
			continue;
		if (append_sequence(p, record, e))
			break;
		p->pending += n;
		if (p->pending < COMMIT_BYTES && !signals_stop_requested())
			continue;
		p->pending = 0;
		if (store_commit(p->out, NULL, 0, e) || signals_check(e))
			break;
	}
	progress_finish();
	return e->name;
}

/* Expected bytes of the pass: what the whole split has, divided by the clusters. */
static int expect(struct pass *p, uint64_t *bytes, struct cbtm_error *e)
{
	char fact[32] = "tokens.";
	uint64_t tokens = 0, rows = 0;

	memcpy(fact + 7, split_names[p->split], strlen(split_names[p->split]) + 1);
	if (dataset_sum(p->s->tokens, fact, &tokens, e) || dataset_rows(p->s->tokens, "key", &rows, e))
		return e->name;
	*bytes = (tokens * sizeof(uint32_t) + rows * 32) / p->s->clusters;
	return 0;
}

static int pass_run(struct pass *p, struct cbtm_error *e)
{
	uint64_t bytes = 0;

	if (expect(p, &bytes, e) ||
	    shuffle_new(p->s->folder, bytes, p->s->memory / 2, &p->documents, e) ||
	    shuffle_new(p->s->folder, bytes, p->s->memory / 2, &p->sequences, e))
		goto done;
	for (uint32_t part = 0; part < dataset_parts(p->s->tokens) && !e->name; part++) {
		struct rows r;
		if (!rows_open(&r, p->s, part, e))
			throw_part(p, &r, e);
		rows_close(&r);
	}
	if (!e->name && !pack_all(p, e))
		append_all(p, e);
done:
	shuffle_free(p->documents);
	shuffle_free(p->sequences);
	buffer_free(&p->record);
	return e->name;
}

/* No sequence: nobody could train on it. A seed part may be empty (split.seed 0). */
static int check_enough(const struct pass *p, struct cbtm_error *e)
{
	char where[32];

	if (p->n_sequences)
		return 0;
	if (p->split == SPLIT_SEED) {
		log_message(LOG_WARNING, "the seed part has no sequence of %" PRIu64 " tokens",
		            p->s->length + 1);
		return 0;
	}
	snprintf(where, sizeof where, "cluster %u", p->s->cluster);
	error_set(e, p->s->clusters > 1 ? CBTM_ERR_TOO_MANY_CLUSTERS : CBTM_ERR_EMPTY_CORPUS, where,
	          "its %" PRIu64 " train tokens do not fill a sequence of %" PRIu64, p->n_tokens,
	          p->s->length + 1);
	return error_hint(e, "choose a smaller shard.length%s, or a larger corpus",
	                  p->s->clusters > 1 ? " or cluster.k" : "");
}

static int set_facts(const struct pass *p, struct cbtm_error *e)
{
	const struct sharding *s = p->s;

	store_set_u64(p->out, "length", s->length, e);
	store_set_u64(p->out, "clusters", s->clusters, e);
	store_set_u64(p->out, "cluster", s->cluster, e);
	store_set_u64(p->out, "documents", p->n_documents, e);
	store_set_u64(p->out, "tokens", p->n_tokens, e);
	store_set_u64(p->out, "tokens_all", p->n_all, e);
	store_set_text(p->out, "vocabulary", s->vocabulary, e);
	store_set_u64(p->out, "vocabulary_size", s->vocabulary_size, e);
	store_set_u64(p->out, "eod", s->eod, e);
	if (p->weights) {
		struct buffer text = { 0 };
		if (!weights_report(p->weights, s->cluster, &text, e) && !buffer_text(&text, "", e))
			store_set_json(p->out, "sources", text.data, e);
		buffer_free(&text);
	}
	return e->name;
}

int sharding_run(const struct sharding *s, struct store_writer *out, struct cbtm_error *e)
{
	struct pass train = {
		.s = s, .out = out, .key = random_key(s->random_seed, RANDOM_SHUFFLE), .split = s->split
	};
	struct pass valid = train;

	valid.split = SPLIT_VALID;
	valid.valid = true;
	if (store_add_column(out, "ids", STORE_U32, STORE_FIXED, s->length + 1, e) ||
	    store_add_column(out, "valid", STORE_U32, STORE_FIXED, s->length + 1, e) ||
	    (s->weights.n && weights_new(s->weight_field, &s->weights, s->clusters, &train.weights, e)))
		return e->name;
	train.committed = store_rows(out, "ids");
	valid.committed = store_rows(out, "valid");
	if (!pass_run(&train, e) && !check_enough(&train, e) && !pass_run(&valid, e))
		set_facts(&train, e);
	weights_free(train.weights);
	if (e->name)
		return e->name;
	if (!valid.n_sequences)
		log_message(LOG_WARNING, "the valid documents do not fill a sequence of %" PRIu64 " tokens",
		            s->length + 1);
	return store_commit(out, NULL, 0, e);
}
