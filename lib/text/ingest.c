/* SPDX-License-Identifier: MIT */
#include "text/ingest.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/progress.h"
#include "store/split.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The keys seen so far: open addressing, 0 is kept apart. */
struct key_set {
	uint64_t *slot;
	size_t n, slots;
	bool zero;
};

struct ingesting {
	const struct ingest *in;
	/* Bit i (of byte i / 8, the lowest first): row i of the source is left out. */
	struct store *found;
	struct store_reader *dropping;
	const unsigned char *dropped;
	uint64_t dropped_n;
	struct key_set keys;
	uint64_t committed; /* rows that `out` held at the start */
	uint64_t encoded;   /* that the tokens held */
	uint64_t rows;      /* of the source so far */
	uint64_t documents, bytes, split[SPLIT_COUNT], repeated, duplicates;
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

static bool is_dropped(const struct ingesting *s, uint64_t row)
{
	return row / 8 < s->dropped_n && (s->dropped[row / 8] >> row % 8 & 1);
}

static int open_dropped(struct ingesting *s, struct cbtm_error *e)
{
	const struct ingest *in = s->in;
	const void *bits;

	if (!in->duplicates)
		return 0;
	if (!dataset_part(in->duplicates, 0, &s->found, e) &&
	    !store_reader_open(s->found, "dropped", &s->dropping, e) &&
	    !store_read_row(s->dropping, in->part, &bits, &s->dropped_n, e))
		s->dropped = bits;
	return e->name;
}

/* Where rows from `row` on begin. */
struct place {
	size_t row;
	const char *id, *text, *meta, *ids;
};

static void go_to(struct place *p, const struct ingesting *s, const struct reading_rows *r,
                  size_t row)
{
	size_t id_bytes = r->ids && s->in->tokens ? encoding_id_bytes(s->in->tokens) : 0;

	for (; p->row < row; p->row++) {
		p->id += r->id_n[p->row];
		p->text += r->text_n[p->row];
		p->meta += r->meta_n[p->row];
		if (id_bytes)
			p->ids += id_bytes * r->ids_n[p->row];
	}
}

static int append_documents(const struct ingesting *s, const struct reading_rows *r,
                            const struct place *p, size_t n, struct cbtm_error *e)
{
	struct store_writer *out = s->in->out;

	if (store_append(out, "key", r->key + p->row, n, e) ||
	    store_append_rows(out, "id", p->id, r->id_n + p->row, n, e) ||
	    store_append_rows(out, "text", p->text, r->text_n + p->row, n, e) ||
	    store_append_rows(out, "meta", p->meta, r->meta_n + p->row, n, e) ||
	    store_append(out, "split", r->split + p->row, n, e))
		return e->name;
	return 0;
}

/* Of n rows, the last of which is number `end` (from 1), those that are held already. */
static size_t count_held(uint64_t held, uint64_t end, size_t n)
{
	uint64_t before = end - n;

	return held <= before ? 0 : held < end ? (size_t)(held - before) : n;
}

/* Appends rows [p->row, end), which are the last documents that were counted. */
static int append_run(const struct ingesting *s, const struct reading_rows *r,
                      const struct place *p, size_t end, uint64_t *bytes, struct cbtm_error *e)
{
	size_t n = end - p->row;
	size_t skip = count_held(s->committed, s->documents, n);
	size_t skip_ids = s->in->tokens ? count_held(s->encoded, s->documents, n) : n;
	struct place at = *p, ids = *p;

	go_to(&at, s, r, p->row + skip);
	go_to(&ids, s, r, p->row + skip_ids);
	if (skip < n && append_documents(s, r, &at, n - skip, e))
		return e->name;
	if (skip_ids < n && encoding_append(s->in->tokens, r->key + ids.row, r->split + ids.row,
	                                    ids.ids, r->ids_n + ids.row, n - skip_ids, e))
		return e->name;
	for (size_t i = p->row + (skip < skip_ids ? skip : skip_ids); i < end; i++)
		*bytes += r->text_n[i] + r->meta_n[i];
	return 0;
}

/* Counts a row; whether it stays. */
static int count_row(struct ingesting *s, const struct reading_rows *r, size_t i, bool *stays,
                     struct cbtm_error *e)
{
	bool seen = false;

	*stays = !is_dropped(s, s->rows++);
	if (!*stays) {
		s->duplicates++;
		return 0;
	}
	if (key_set_add(&s->keys, r->key[i], &seen, e))
		return e->name;
	s->repeated += seen;
	s->bytes += r->text_n[i];
	s->split[r->split[i]]++;
	s->documents++;
	return 0;
}

/* Runs of rows that stay are appended together. */
static int take(void *arg, const struct reading_rows *r, uint64_t *bytes, struct cbtm_error *e)
{
	struct ingesting *s = arg;
	struct place at = { 0, r->id, r->text, r->meta, r->ids };

	for (size_t i = 0; i <= r->n; i++) {
		bool stays = false;

		if (i < r->n && count_row(s, r, i, &stays, e))
			return e->name;
		if (stays)
			continue;
		if (at.row < i && append_run(s, r, &at, i, bytes, e))
			return e->name;
		if (i < r->n)
			go_to(&at, s, r, i + 1);
	}
	progress_set(s->documents, NULL);
	return 0;
}

static void tell(uint64_t n, const char *what)
{
	if (n)
		log_message(LOG_WARNING, "%" PRIu64 " %s", n, what);
}

static int set_facts(const struct ingesting *s, const struct reading_counts *counts,
                     struct cbtm_error *e)
{
	struct store_writer *out = s->in->out;

	store_set_u64(out, "documents", s->documents, e);
	store_set_u64(out, "bytes", s->bytes, e);
	store_set_u64(out, "bad_lines", counts->bad, e);
	store_set_u64(out, "repaired", counts->repaired, e);
	store_set_u64(out, "repeated_ids", s->repeated, e);
	if (s->in->duplicates)
		store_set_u64(out, "duplicates", s->duplicates, e);
	for (int i = 0; i < SPLIT_COUNT; i++) {
		char name[32];
		snprintf(name, sizeof name, "documents.%s", split_names[i]);
		store_set_u64(out, name, s->split[i], e);
	}
	tell(counts->bad, "bad lines were left out");
	tell(counts->repaired, "documents held invalid UTF-8");
	tell(s->repeated, "documents have an id that was there before");
	tell(s->duplicates, "documents were left out: their text was there before");
	return e->name;
}

static struct reading reading_of(const struct ingest *in)
{
	return (struct reading){
		.source = in->source, .part = in->part, .rules = in->rules, .pool = in->pool, .out = in->out
	};
}

int ingest_part(const struct ingest *in, struct cbtm_error *e)
{
	struct ingesting s = { .in = in,
		                   .committed = store_rows(in->out, "key"),
		                   .encoded = in->tokens ? encoding_rows(in->tokens) : 0 };
	struct reading reading = reading_of(in);
	struct reading_counts counts;
	struct buffer quarantine = { 0 };

	reading.arg = &s;
	reading.take = take;
	reading.encoding = in->tokens;
	progress_start("documents", 0, "documents");
	if (in->rules->bad_input == BAD_INPUT_QUARANTINE) {
		buffer_printf(&quarantine, e, "%s/part-%05" PRIu32 ".quarantine.jsonl", in->folder,
		              in->part);
		reading.quarantine = quarantine.data;
	}
	if (!e->name && !open_dropped(&s, e) && !reading_run(&reading, &counts, e) &&
	    !set_facts(&s, &counts, e) && !store_commit(in->out, NULL, 0, e) && in->tokens)
		encoding_finish(in->tokens, e);
	progress_finish();
	buffer_free(&quarantine);
	free(s.keys.slot);
	store_reader_close(s.dropping);
	store_close(s.found);
	return e->name;
}

static int take_digests(void *arg, const struct reading_rows *r, uint64_t *bytes,
                        struct cbtm_error *e)
{
	struct ingesting *s = arg;

	for (size_t i = 0; i < r->n; i++) {
		uint64_t both[2] = { r->text_digest[i].high, r->text_digest[i].low };

		*bytes += r->text_n[i];
		if (s->documents++ >= s->committed && store_append(s->in->out, "digest", both, 1, e))
			return e->name;
	}
	progress_set(s->documents, NULL);
	return 0;
}

int ingest_digests(const struct ingest *in, struct cbtm_error *e)
{
	struct ingesting s = { .in = in, .committed = store_rows(in->out, "digest") };
	struct reading reading = reading_of(in);
	struct reading_counts counts;

	reading.arg = &s;
	reading.take = take_digests;
	reading.digests = reading.silent = true;
	progress_start("digests", 0, "documents");
	if (!reading_run(&reading, &counts, e) && !store_set_u64(in->out, "documents", s.documents, e))
		store_commit(in->out, NULL, 0, e);
	progress_finish();
	return e->name;
}
