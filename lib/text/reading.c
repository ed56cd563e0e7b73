/* SPDX-License-Identifier: MIT */
#include "text/reading.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "text/flow.h"
#include "text/lines.h"
#include "text/quarantine.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BATCH_BYTES = 2 << 20,
	TASK_BYTES = 96 << 10, /* a task ends behind the line that reaches them */
	TASK_LINES = 64,
	BATCH_LINES = 4096,
	BATCH_TASKS = BATCH_BYTES / TASK_BYTES + BATCH_LINES / TASK_LINES + 1,
	KEPT_BYTES = 1 << 20, /* a buffer larger than this is given back */
	KEPT_IDS = 1 << 18,   /* likewise a piece's ids */
	SHOWN = 10            /* places of bad lines that the log names */
};

enum outcome { GOOD, BLANK, BAD, REPAIRED };

/* The documents of a task's lines. */
struct piece {
	size_t rows;
	uint64_t key[TASK_LINES], id_n[TASK_LINES], text_n[TASK_LINES], meta_n[TASK_LINES];
	uint8_t split[TASK_LINES];
	struct digest text_digest[TASK_LINES];
	struct buffer id, text, meta;
	struct bpe_ids ids;
	uint64_t ids_n[TASK_LINES];
};

struct batch {
	struct lines_batch lines;
	size_t tasks, first[BATCH_TASKS + 1]; /* lines first[i] .. first[i + 1] are task i's */
	struct piece *piece;                  /* BATCH_TASKS */
	uint8_t *outcome;                     /* BATCH_LINES, enum outcome */
};

/* A thread's: where a line becomes a document. */
struct desk {
	struct document_parser *parser;
	struct document document;
};

struct state {
	const struct reading *reading;
	struct lines *lines;
	struct desk *desk; /* one a thread, and one for what complains of bad lines */
	struct batch batch[FLOW_SLOTS];
	struct quarantine *quarantine;
	struct reading_counts counts;
};

int reading_check(const struct reading_rules *r, struct cbtm_error *e)
{
	const struct document_rules *d = &r->document;

	if (d->valid + d->test >= 1)
		return error_set(e, CBTM_ERR_CONFIG, "tokenize.split",
		                 "valid and test are %g of the documents: nothing is left to train on",
		                 d->valid + d->test);
	if (!document_meta_is_clear(d->meta))
		return error_set(e, CBTM_ERR_CONFIG, "tokenize.meta",
		                 "two fields of '%s' have the same last name, or one has none", d->meta);
	return 0;
}

/* Tasks of few lines if those are long, so that they are done at about the same time. */
static void cut_tasks(struct batch *b)
{
	size_t bytes = 0;

	b->tasks = b->first[0] = 0;
	for (size_t i = 0; i < b->lines.lines; i++) {
		bytes += b->lines.line[i].n;
		if (bytes < TASK_BYTES && i + 1 - b->first[b->tasks] < TASK_LINES && i + 1 < b->lines.lines)
			continue;
		b->first[++b->tasks] = i + 1;
		bytes = 0;
	}
}

static int read_batch(void *arg, unsigned slot, size_t *tasks, struct cbtm_error *e)
{
	struct state *s = arg;
	struct batch *b = &s->batch[slot];
	double start = clock_seconds();
	double below = steps_seconds(STEP_READ) + steps_seconds(STEP_DECOMPRESS);

	if (lines_next(s->lines, BATCH_BYTES, BATCH_LINES, &b->lines, e))
		return e->name;
	cut_tasks(b);
	*tasks = b->tasks;
	below = steps_seconds(STEP_READ) + steps_seconds(STEP_DECOMPRESS) - below;
	steps_add(STEP_LINES, clock_seconds() - start - below);
	return 0;
}

static void clear(struct buffer *b)
{
	if (b->capacity > KEPT_BYTES)
		buffer_free(b);
	buffer_clear(b);
}

static int add_row(struct piece *p, const struct document *d, bool digests, struct cbtm_error *e)
{
	size_t i = p->rows;

	if (buffer_add(&p->id, d->id.data, d->id.n, e) ||
	    buffer_add(&p->text, d->text.data, d->text.n, e) ||
	    buffer_add(&p->meta, d->meta.data, d->meta.n, e))
		return e->name;
	p->key[i] = d->key;
	p->split[i] = d->split;
	p->id_n[i] = d->id.n;
	p->text_n[i] = d->text.n;
	p->meta_n[i] = d->meta.n;
	if (digests)
		p->text_digest[i] = digest_bytes(d->text.n ? d->text.data : "", d->text.n);
	p->rows++;
	return 0;
}

static int parse_line(struct state *s, struct batch *b, size_t line, struct piece *p,
                      struct desk *desk, struct cbtm_error *e)
{
	const struct document_rules *rules = &s->reading->rules->document;
	const struct line *l = &b->lines.line[line];
	const char *text = b->lines.bytes.data ? b->lines.bytes.data + l->start : "";
	struct document *d = &desk->document;
	struct cbtm_error bad = { 0 };

	b->outcome[line] = l->cut ? BAD : BLANK;
	if (l->cut)
		return 0;
	if (rules->format != DOCUMENT_TEXT && document_blank(text, l->n))
		return 0;
	document_read(desk->parser, rules, text, l->n, NULL, d, &bad);
	if (bad.name == CBTM_ERR_MEMORY)
		return error_copy(e, &bad);
	b->outcome[line] = bad.name ? BAD : d->repaired ? REPAIRED : GOOD;
	if (!bad.name && add_row(p, d, s->reading->digests, e))
		return e->name;
	if (d->text.capacity > KEPT_BYTES || d->meta.capacity > KEPT_BYTES)
		document_free(d);
	return 0;
}

static int parse(struct state *s, struct batch *b, size_t task, unsigned thread,
                 struct cbtm_error *e)
{
	struct piece *p = &b->piece[task];
	size_t first = b->first[task], end = b->first[task + 1], bytes = 0;

	p->rows = 0;
	clear(&p->id);
	clear(&p->text);
	clear(&p->meta);
	for (size_t i = first; i < end; i++)
		bytes += b->lines.line[i].n;
	if (buffer_reserve(&p->text, bytes, e)) /* once: growing would copy */
		return e->name;
	for (size_t i = first; i < end; i++)
		if (parse_line(s, b, i, p, &s->desk[thread], e))
			return e->name;
	return 0;
}

/* While the texts are in the processor's cache. */
static int encode(struct state *s, struct piece *p, unsigned thread, struct cbtm_error *e)
{
	size_t start[TASK_LINES + 1] = { 0 };

	for (size_t i = 0; i < p->rows; i++)
		start[i + 1] = start[i] + p->text_n[i];
	return encoding_ids(s->reading->encoding, thread, p->text.data ? p->text.data : "", start,
	                    p->rows, &p->ids, p->ids_n, e);
}

static int parse_some(void *arg, unsigned slot, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct state *s = arg;
	struct batch *b = &s->batch[slot];
	double start = clock_seconds(), parsed;

	parse(s, b, task, thread, e);
	steps_add(STEP_PARSE, (parsed = clock_seconds()) - start);
	if (e->name || !s->reading->encoding)
		return e->name;
	encode(s, &b->piece[task], thread, e);
	steps_add(STEP_ENCODE, clock_seconds() - parsed);
	return e->name;
}

static void too_long(const struct reading_rules *r, const char *where, struct cbtm_error *bad)
{
	error_set(bad, CBTM_ERR_BAD_DATA, where, "the %s is longer than %" PRIu64 " bytes",
	          r->document.format == DOCUMENT_TEXT ? "file" : "line", r->line_bytes);
	error_hint(bad, "choose a larger line_bytes, or leave bad lines out: bad_input: skip");
}

/* What is wrong with a line, named by its place. */
static void complain(struct state *s, const struct lines_batch *b, const struct line *l,
                     bool left_out, struct cbtm_error *bad)
{
	struct desk *desk = &s->desk[pool_threads(s->reading->pool)];
	char where[sizeof bad->where];

	lines_place(s->lines, l, where, sizeof where);
	if (l->cut) {
		too_long(s->reading->rules, where, bad);
		return;
	}
	document_read(desk->parser, &s->reading->rules->document,
	              b->bytes.data ? b->bytes.data + l->start : "", l->n, where, &desk->document, bad);
	if (!left_out)
		error_set(bad, CBTM_ERR_BAD_UTF8, where,
		          "%" PRIu64 " invalid UTF-8 sequences or lone surrogates",
		          desk->document.repaired);
}

static int too_many(const struct reading_rules *r, const struct cbtm_error *bad,
                    struct cbtm_error *e)
{
	error_copy(e, bad);
	if (r->bad_input == BAD_INPUT_ABORT)
		return e->name;
	return error_hint(e, "mend the input, or raise bad_lines: this part has more than %" PRIu64,
	                  r->bad_lines);
}

/* A bad line, left out or repaired: counted, shown, kept, or one too many. */
static int count_bad(struct state *s, const struct lines_batch *b, const struct line *l,
                     bool left_out, struct cbtm_error *e)
{
	const struct reading_rules *r = s->reading->rules;
	uint64_t before = s->counts.bad + s->counts.repaired;
	uint64_t allowed = r->bad_input == BAD_INPUT_ABORT ? 0 : r->bad_lines;
	struct cbtm_error bad = { 0 };

	if (left_out)
		s->counts.bad++;
	else
		s->counts.repaired++;
	if (before >= SHOWN && before < allowed && !s->quarantine)
		return 0;
	complain(s, b, l, left_out, &bad);
	if (before >= allowed)
		return too_many(r, &bad, e);
	if (before < SHOWN && !s->reading->silent)
		log_message(LOG_WARNING, "%s: %s; %s", bad.where, bad.what,
		            left_out ? "the line is left out" : "they become U+FFFD");
	if (s->quarantine && left_out)
		return quarantine_add(s->quarantine, &bad, b->bytes.data + l->start, l->n, e);
	return 0;
}

static int append_batch(void *arg, unsigned slot, uint64_t *bytes, struct cbtm_error *e)
{
	struct state *s = arg;
	struct batch *b = &s->batch[slot];

	for (size_t i = 0; i < b->lines.lines; i++)
		if ((b->outcome[i] == BAD || b->outcome[i] == REPAIRED) &&
		    count_bad(s, &b->lines, &b->lines.line[i], b->outcome[i] == BAD, e))
			return e->name;
	for (size_t i = 0; i < b->tasks; i++) {
		struct piece *p = &b->piece[i];
		struct reading_rows rows = { p->rows,    p->key,       p->split,         p->text_digest,
			                         p->id.data, p->text.data, p->meta.data,     p->id_n,
			                         p->text_n,  p->meta_n,    (char *)p->ids.v, p->ids_n };
		if (p->rows && s->reading->take(s->reading->arg, &rows, bytes, e))
			return e->name;
		if (p->ids.cap > KEPT_IDS)
			bpe_ids_free(&p->ids);
	}
	return 0;
}

static int commit(void *arg, struct cbtm_error *e)
{
	const struct reading *r = ((struct state *)arg)->reading;

	if (store_commit(r->out, NULL, 0, e))
		return e->name;
	return r->encoding ? encoding_commit(r->encoding, e) : 0;
}

static int begin(struct state *s, struct cbtm_error *e)
{
	const struct reading *r = s->reading;
	unsigned desks = pool_threads(r->pool) + 1;

	s->desk = mem_zeroed(desks, sizeof *s->desk, "document parsers", e);
	for (unsigned i = 0; s->desk && i < desks && !e->name; i++)
		if ((s->desk[i].parser = document_parser_new(e)))
			document_parser_padded(s->desk[i].parser);
	for (unsigned i = 0; i < FLOW_SLOTS && !e->name; i++) {
		s->batch[i].piece =
			mem_zeroed(BATCH_TASKS, sizeof(struct piece), "a batch of documents", e);
		s->batch[i].outcome = mem_zeroed(BATCH_LINES, 1, "a batch of documents", e);
	}
	if (e->name || (r->quarantine && quarantine_open(r->quarantine, &s->quarantine, e)))
		return e->name;
	return lines_open(r->source, r->part, r->rules->line_bytes,
	                  r->rules->document.format == DOCUMENT_TEXT, &s->lines, e);
}

static void end(struct state *s)
{
	for (unsigned i = 0; s->desk && i <= pool_threads(s->reading->pool); i++) {
		document_parser_free(s->desk[i].parser);
		document_free(&s->desk[i].document);
	}
	for (unsigned i = 0; i < FLOW_SLOTS; i++) {
		struct batch *b = &s->batch[i];
		for (size_t j = 0; b->piece && j < BATCH_TASKS; j++) {
			buffer_free(&b->piece[j].id);
			buffer_free(&b->piece[j].text);
			buffer_free(&b->piece[j].meta);
			bpe_ids_free(&b->piece[j].ids);
		}
		free(b->piece);
		free(b->outcome);
		lines_batch_free(&b->lines);
	}
	free(s->desk);
	lines_close(s->lines);
	quarantine_close(s->quarantine);
}

int reading_run(const struct reading *reading, struct reading_counts *counts, struct cbtm_error *e)
{
	struct state s = { .reading = reading };
	struct flow flow = { .pool = reading->pool,
		                 .out = { reading->out,
		                          reading->encoding ? encoding_out(reading->encoding) : NULL },
		                 .step = STEP_COUNT,
		                 .arg = &s,
		                 .read = read_batch,
		                 .work = parse_some,
		                 .append = append_batch,
		                 .commit = commit };

	if (!begin(&s, e) && !flow_run(&flow, e) && s.quarantine)
		quarantine_publish(s.quarantine, e);
	*counts = s.counts;
	end(&s);
	return e->name;
}
