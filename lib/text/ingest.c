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

/* Appends rows [first, end), strings at `at`. */
static int append_run(struct ingesting *s, const struct reading_rows *r, size_t first, size_t end,
                      const char *id, const char *text, const char *meta, struct cbtm_error *e)
{
	struct store_writer *out = s->in->out;
	size_t n = end - first;

	if (store_append(out, "key", r->key + first, n, e) ||
	    store_append_rows(out, "id", id, r->id_n + first, n, e) ||
	    store_append_rows(out, "text", text, r->text_n + first, n, e) ||
	    store_append_rows(out, "meta", meta, r->meta_n + first, n, e) ||
	    store_append(out, "split", r->split + first, n, e))
		return e->name;
	return 0;
}

/* Counts a row; whether it is to be appended. */
static int count_row(struct ingesting *s, const struct reading_rows *r, size_t i, bool *append,
                     struct cbtm_error *e)
{
	bool seen = false;

	*append = false;
	if (is_dropped(s, s->rows++)) {
		s->duplicates++;
		return 0;
	}
	if (key_set_add(&s->keys, r->key[i], &seen, e))
		return e->name;
	s->repeated += seen;
	s->bytes += r->text_n[i];
	s->split[r->split[i]]++;
	*append = s->documents++ >= s->committed;
	return 0;
}

/* Runs of rows that stay are appended together. */
static int take(void *arg, const struct reading_rows *r, uint64_t *bytes, struct cbtm_error *e)
{
	struct ingesting *s = arg;
	const char *id = r->id, *text = r->text, *meta = r->meta;
	size_t first = 0;

	for (size_t i = 0; i <= r->n; i++) {
		bool append = false;

		if (i < r->n && count_row(s, r, i, &append, e))
			return e->name;
		if (append) {
			*bytes += r->text_n[i] + r->meta_n[i];
			continue;
		}
		if (first < i && append_run(s, r, first, i, id, text, meta, e))
			return e->name;
		for (; first <= i && first < r->n; first++) {
			id += r->id_n[first];
			text += r->text_n[first];
			meta += r->meta_n[first];
		}
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
	struct ingesting s = { .in = in, .committed = store_rows(in->out, "key") };
	struct reading reading = reading_of(in);
	struct reading_counts counts;
	struct buffer quarantine = { 0 };

	reading.arg = &s;
	reading.take = take;
	progress_start("documents", 0, "documents");
	if (in->rules->bad_input == BAD_INPUT_QUARANTINE) {
		buffer_printf(&quarantine, e, "%s/part-%05" PRIu32 ".quarantine.jsonl", in->folder,
		              in->part);
		reading.quarantine = quarantine.data;
	}
	if (!e->name && !open_dropped(&s, e) && !reading_run(&reading, &counts, e) &&
	    !set_facts(&s, &counts, e))
		store_commit(in->out, NULL, 0, e);
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
