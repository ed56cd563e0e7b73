/* SPDX-License-Identifier: MIT */
#include "text/ingest.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/signals.h"
#include "store/split.h"
#include "text/lines.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BATCH_BYTES = 8 << 20,
	BATCH_LINES = 2048,
	TASK_LINES = 32,
	COMMIT_BYTES = 32 << 20,
	KEPT_BYTES = 1 << 16, /* a document's buffers larger than this are given back */
	SHOWN = 10            /* places of bad lines that the log names */
};

/* The keys seen so far: open addressing, 0 is kept apart. */
struct key_set {
	uint64_t *slot;
	size_t n, slots;
	bool zero;
};

enum outcome { GOOD, BLANK, BAD };

struct ingest {
	const struct source *source;
	const struct ingest_rules *rules;
	struct pool *pool;
	struct store_writer *out;
	struct document_parser **parser; /* one a thread */
	struct lines_batch batch;
	struct document *document; /* BATCH_LINES */
	uint8_t *outcome;          /* BATCH_LINES, enum outcome */
	struct key_set keys;
	uint64_t committed; /* rows that `out` held at the start */
	uint64_t pending;   /* bytes of text behind the last commit */
	uint64_t documents, bytes, split[SPLIT_COUNT], bad, repaired, repeated;
};

static int key_set_grow(struct key_set *s, struct cbtm_error *e)
{
	struct key_set larger = { .slots = s->slots ? 2 * s->slots : 1024, .n = s->n, .zero = s->zero };

	larger.slot = mem_zeroed(larger.slots, sizeof *larger.slot, "the keys of a part", e);
	if (!larger.slot)
		return e->name;
	for (size_t i = 0; i < s->slots; i++) {
		size_t at = s->slot[i] & (larger.slots - 1);
		if (!s->slot[i])
			continue;
		while (larger.slot[at])
			at = (at + 1) & (larger.slots - 1);
		larger.slot[at] = s->slot[i];
	}
	free(s->slot);
	*s = larger;
	return 0;
}

/* *seen: the key was there already. */
static int key_set_add(struct key_set *s, uint64_t key, bool *seen, struct cbtm_error *e)
{
	size_t at;

	if (!key) {
		*seen = s->zero;
		s->zero = true;
		return 0;
	}
	if (2 * s->n >= s->slots && key_set_grow(s, e))
		return e->name;
	for (at = key & (s->slots - 1); s->slot[at]; at = (at + 1) & (s->slots - 1))
		if (s->slot[at] == key) {
			*seen = true;
			return 0;
		}
	*seen = false;
	s->slot[at] = key;
	s->n++;
	return 0;
}

static int read_some(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct ingest *in = arg;
	size_t end = (task + 1) * TASK_LINES;

	for (size_t i = task * TASK_LINES; i < end && i < in->batch.lines; i++) {
		const struct line *l = &in->batch.line[i];
		const char *text = in->batch.bytes.data ? in->batch.bytes.data + l->start : "";
		struct cbtm_error bad = { 0 };

		in->outcome[i] = BLANK;
		if (in->rules->document.format != DOCUMENT_TEXT && document_blank(text, l->n))
			continue;
		document_read(in->parser[thread], &in->rules->document, text, l->n, NULL, &in->document[i],
		              &bad);
		if (bad.name == CBTM_ERR_MEMORY)
			return error_copy(e, &bad);
		in->outcome[i] = bad.name ? BAD : GOOD;
	}
	return 0;
}

static void place(const struct ingest *in, const struct line *l, char *where, size_t n)
{
	struct cbtm_error ignored = { 0 };
	uint64_t number = 0;

	lines_number(in->source, l->file, l->offset, &number, &ignored);
	snprintf(where, n, "%s:%" PRIu64, in->source->file[l->file].path, number);
}

/* A bad line, left out or repaired: counted, shown, or one too many. */
static int count_bad(struct ingest *in, size_t i, struct cbtm_error *e)
{
	const struct line *l = &in->batch.line[i];
	bool left_out = in->outcome[i] == BAD;
	uint64_t before = in->bad + in->repaired;
	struct cbtm_error bad = { 0 };
	char where[sizeof bad.where];

	if (left_out)
		in->bad++;
	else
		in->repaired++;
	if (before >= SHOWN && before < in->rules->bad_lines)
		return 0;
	place(in, l, where, sizeof where);
	if (left_out)
		document_read(in->parser[0], &in->rules->document, in->batch.bytes.data + l->start, l->n,
		              where, &in->document[i], &bad);
	else
		error_set(&bad, CBTM_ERR_BAD_UTF8, where,
		          "%" PRIu64 " invalid UTF-8 sequences or lone surrogates",
		          in->document[i].repaired);
	if (before >= in->rules->bad_lines)
		return error_copy(e, &bad);
	log_message(LOG_WARNING, "%s: %s; %s", bad.where, bad.what,
	            left_out ? "the line is left out" : "they become U+FFFD");
	return 0;
}

static int append(struct ingest *in, struct document *d, struct cbtm_error *e)
{
	bool seen = false;

	if (key_set_add(&in->keys, d->key, &seen, e))
		return e->name;
	in->repeated += seen;
	in->bytes += d->text.n;
	in->split[d->split]++;
	if (in->documents++ < in->committed)
		return 0;
	in->pending += d->text.n + d->meta.n;
	if (store_append(in->out, "key", &d->key, 1, e) ||
	    store_append_row(in->out, "id", d->id.data, d->id.n, e) ||
	    store_append_row(in->out, "text", d->text.data, d->text.n, e) ||
	    store_append_row(in->out, "meta", d->meta.data, d->meta.n, e) ||
	    store_append(in->out, "split", &d->split, 1, e))
		return e->name;
	return 0;
}

static int commit(struct ingest *in, struct cbtm_error *e)
{
	in->pending = 0;
	return store_commit(in->out, NULL, 0, e);
}

static int take_batch(struct ingest *in, struct cbtm_error *e)
{
	size_t tasks = (in->batch.lines + TASK_LINES - 1) / TASK_LINES;

	if (pool_run(in->pool, tasks, read_some, in, e))
		return e->name;
	for (size_t i = 0; i < in->batch.lines; i++) {
		struct document *d = &in->document[i];

		if ((in->outcome[i] == BAD || (in->outcome[i] == GOOD && d->repaired)) &&
		    count_bad(in, i, e))
			return e->name;
		if (in->outcome[i] == GOOD && append(in, d, e))
			return e->name;
		if (d->text.capacity > KEPT_BYTES || d->meta.capacity > KEPT_BYTES)
			document_free(d);
	}
	progress_set(in->documents, NULL);
	if (in->pending < COMMIT_BYTES && !signals_stop_requested())
		return 0;
	return commit(in, e) ? (int)e->name : signals_check(e);
}

static int set_facts(struct ingest *in, struct cbtm_error *e)
{
	store_set_u64(in->out, "documents", in->documents, e);
	store_set_u64(in->out, "bytes", in->bytes, e);
	store_set_u64(in->out, "bad_lines", in->bad, e);
	store_set_u64(in->out, "repaired", in->repaired, e);
	store_set_u64(in->out, "repeated_ids", in->repeated, e);
	for (int i = 0; i < SPLIT_COUNT; i++) {
		char name[32];
		snprintf(name, sizeof name, "documents.%s", split_names[i]);
		store_set_u64(in->out, name, in->split[i], e);
	}
	if (in->bad)
		log_message(LOG_WARNING, "%" PRIu64 " bad lines were left out", in->bad);
	if (in->repaired)
		log_message(LOG_WARNING, "%" PRIu64 " documents held invalid UTF-8", in->repaired);
	if (in->repeated)
		log_message(LOG_WARNING, "%" PRIu64 " documents have an id that was there before",
		            in->repeated);
	return e->name;
}

static int begin(struct ingest *in, struct cbtm_error *e)
{
	unsigned threads = pool_threads(in->pool);

	in->committed = store_rows(in->out, "key");
	in->parser = mem_zeroed(threads, sizeof *in->parser, "document parsers", e);
	in->document = mem_zeroed(BATCH_LINES, sizeof *in->document, "a batch of documents", e);
	in->outcome = mem_zeroed(BATCH_LINES, 1, "a batch of documents", e);
	for (unsigned i = 0; i < threads && !e->name; i++)
		in->parser[i] = document_parser_new(e);
	return e->name;
}

static void end(struct ingest *in)
{
	for (unsigned i = 0; in->parser && i < pool_threads(in->pool); i++)
		document_parser_free(in->parser[i]);
	for (size_t i = 0; in->document && i < BATCH_LINES; i++)
		document_free(&in->document[i]);
	free(in->parser);
	free(in->document);
	free(in->outcome);
	free(in->keys.slot);
	lines_batch_free(&in->batch);
}

int ingest_part(const struct source *source, uint32_t part, const struct ingest_rules *rules,
                struct pool *pool, struct store_writer *out, struct cbtm_error *e)
{
	struct ingest in = { .source = source, .rules = rules, .pool = pool, .out = out };
	struct lines *lines = NULL;

	if (begin(&in, e) || lines_open(source, part, rules->line_bytes,
	                                rules->document.format == DOCUMENT_TEXT, &lines, e))
		goto done;
	progress_start("documents", 0, "documents");
	do {
		if (lines_next(lines, BATCH_BYTES, BATCH_LINES, &in.batch, e) || take_batch(&in, e))
			goto done;
	} while (in.batch.lines);
	if (!set_facts(&in, e))
		commit(&in, e);
done:
	progress_finish();
	lines_close(lines);
	end(&in);
	return e->name;
}
