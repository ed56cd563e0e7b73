/* SPDX-License-Identifier: MIT */
#include "text/tally.h"
#include "base/buffer.h"
#include "base/digest.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

enum { FEWEST = 256, MOST_STRINGS = 1 << 30 };

struct entry {
	uint64_t count, documents, last; /* last: the last document */
	uint64_t missed;                 /* at most so many before it came (again) */
	size_t offset;                   /* in bytes */
	uint32_t n, cells, hash;
};

/* Open addressing; count 0: empty. */
struct pair {
	uint32_t entry, group;
	uint64_t count;
};

struct tally {
	uint32_t groups;
	size_t most;
	uint64_t undercount;
	struct buffer bytes;
	struct entry *entry;
	size_t n, room;
	uint32_t *slot; /* entry + 1, 0: empty */
	size_t slots;
	struct pair *pair;
	size_t pairs, pair_slots;
	struct tally_cell *cell; /* of tally_rows */
};

struct tally *tally_new(uint32_t groups, size_t most, struct cbtm_error *e)
{
	struct tally *t = mem_zeroed(1, sizeof *t, "counts", e);
	if (!t)
		return NULL;
	*t = (struct tally){ .groups = groups, .most = most, .slots = FEWEST, .pair_slots = FEWEST };
	t->slot = mem_zeroed(t->slots, sizeof *t->slot, "counts", e);
	t->pair = mem_zeroed(t->pair_slots, sizeof *t->pair, "counts", e);
	if (t->slot && t->pair)
		return t;
	tally_free(t);
	return NULL;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	free(t->cell), free(t->pair), free(t->slot), free(t->entry);
	buffer_free(&t->bytes);
	free(t);
}

void tally_clear(struct tally *t)
{
	memset(t->slot, 0, t->slots * sizeof *t->slot);
	memset(t->pair, 0, t->pair_slots * sizeof *t->pair);
	buffer_clear(&t->bytes);
	t->n = t->pairs = 0;
	t->undercount = 0;
}

uint64_t tally_undercount(const struct tally *t)
{
	return t->undercount;
}

/* ---------------------------------------------------------------- two tables */
static uint32_t *find_slot(const struct tally *t, const char *s, size_t n, uint32_t hash)
{
	size_t at = hash & (t->slots - 1);
	for (; t->slot[at]; at = (at + 1) & (t->slots - 1)) {
		const struct entry *x = &t->entry[t->slot[at] - 1];
		if (x->hash == hash && x->n == n && !memcmp(t->bytes.data + x->offset, s, n))
			break;
	}
	return &t->slot[at];
}

static int fill_slots(struct tally *t, size_t slots, struct cbtm_error *e)
{
	uint32_t *slot = mem_zeroed(slots, sizeof *slot, "counts", e);
	if (!slot)
		return e->name;
	free(t->slot);
	t->slot = slot;
	t->slots = slots;
	for (size_t i = 0; i < t->n; i++) {
		size_t at = t->entry[i].hash & (slots - 1);
		while (slot[at])
			at = (at + 1) & (slots - 1);
		slot[at] = (uint32_t)i + 1;
	}
	return 0;
}

static struct pair *find_pair(struct pair *pair, size_t slots, uint32_t entry, uint32_t group)
{
	/* The 64-bit golden ratio spreads neighbours. */
	uint64_t hash = ((uint64_t)entry << 32 | group) * 0x9E3779B97F4A7C15u;
	size_t at = (hash >> 32 ^ hash) & (slots - 1);
	while (pair[at].count && (pair[at].entry != entry || pair[at].group != group))
		at = (at + 1) & (slots - 1);
	return &pair[at];
}

/* Into a table of so many slots; entries are renamed, and dropped where new_name says so. */
static int fill_pairs(struct tally *t, size_t slots, const uint32_t *new_name, struct cbtm_error *e)
{
	struct pair *pair = mem_zeroed(slots, sizeof *pair, "counts", e);
	if (!pair)
		return e->name;
	t->pairs = 0;
	for (size_t i = 0; i < t->pair_slots; i++) {
		const struct pair *from = &t->pair[i];
		uint32_t name = !from->count ? UINT32_MAX : new_name ? new_name[from->entry] : from->entry;
		if (name == UINT32_MAX)
			continue;
		*find_pair(pair, slots, name, from->group) =
			(struct pair){ name, from->group, from->count };
		t->pairs++;
	}
	free(t->pair);
	t->pair = pair;
	t->pair_slots = slots;
	return 0;
}

static int add_count(struct tally *t, uint32_t entry, uint32_t group, uint64_t count,
                     struct cbtm_error *e)
{
	if (t->pairs >= t->pair_slots / 2 && fill_pairs(t, 2 * t->pair_slots, NULL, e))
		return e->name;
	struct pair *p = find_pair(t->pair, t->pair_slots, entry, group);
	if (!p->count) {
		*p = (struct pair){ entry, group, 0 };
		t->pairs++;
		t->entry[entry].cells++;
	}
	p->count += count;
	t->entry[entry].count += count;
	return 0;
}

/* The string's number; a new one is too small by what was dropped so far. */
static int find_entry(struct tally *t, const char *s, size_t n, uint32_t hash, uint32_t *entry,
                      struct cbtm_error *e)
{
	if (t->n >= t->slots / 2 && fill_slots(t, 2 * t->slots, e))
		return e->name;
	uint32_t *slot = find_slot(t, s, n, hash);
	if (!*slot) {
		if (t->n >= MOST_STRINGS || n > UINT32_MAX)
			return error_set(e, CBTM_ERR_MEMORY, NULL, "too many different strings");
		if (array_reserve(&t->entry, &t->room, t->n + 1, sizeof *t->entry, e))
			return e->name;
		t->entry[t->n] = (struct entry){ .last = UINT64_MAX,
			                             .missed = t->undercount,
			                             .offset = t->bytes.n,
			                             .n = (uint32_t)n,
			                             .hash = hash };
		if (buffer_add(&t->bytes, s, n, e))
			return e->name;
		*slot = (uint32_t)++t->n;
	}
	*entry = *slot - 1;
	return 0;
}

/* ---------------------------------------------------------------- adding */
int tally_add(struct tally *t, const char *s, size_t n, uint32_t group, uint64_t document,
              struct cbtm_error *e)
{
	uint32_t i;
	if (find_entry(t, s, n, (uint32_t)digest_bytes(s, n).low, &i, e) ||
	    add_count(t, i, group, 1, e))
		return e->name;
	t->entry[i].documents += t->entry[i].last != document;
	t->entry[i].last = document;
	return 0;
}

int tally_merge(struct tally *t, const struct tally *from, struct cbtm_error *e)
{
	uint32_t *name = mem_aligned(from->n, sizeof *name, "counts", e);
	for (size_t i = 0; name && i < from->n && !e->name; i++) {
		const struct entry *x = &from->entry[i];
		if (!find_entry(t, from->bytes.data + x->offset, x->n, x->hash, &name[i], e)) {
			t->entry[name[i]].documents += x->documents;
			t->entry[name[i]].last = UINT64_MAX;
		}
	}
	for (size_t i = 0; !e->name && i < from->pair_slots; i++) {
		const struct pair *p = &from->pair[i];
		if (p->count && add_count(t, name[p->entry], p->group, p->count, e))
			break;
	}
	free(name);
	return e->name;
}

/* ---------------------------------------------------------------- bounding */
struct bound {
	uint64_t count; /* a string's, at most */
	size_t cells;
};

static int by_bound(const void *left, const void *right)
{
	const struct bound *a = left, *b = right;
	return a->count < b->count ? 1 : -(a->count > b->count);
}

/* Strings of at most so many go, so that at most half of `most` pairs stay. */
static int choose_undercount(const struct tally *t, uint64_t *undercount, struct cbtm_error *e)
{
	struct bound *bound = mem_aligned(t->n, sizeof *bound, "counts", e);
	size_t pairs = 0, i = 0;
	if (!bound)
		return e->name;
	for (size_t j = 0; j < t->n; j++)
		bound[j] = (struct bound){ t->entry[j].count + t->entry[j].missed, t->entry[j].cells };
	qsort(bound, t->n, sizeof *bound, by_bound);
	while (i + 1 < t->n && pairs + bound[i].cells <= t->most / 2)
		pairs += bound[i++].cells;
	*undercount = bound[i].count;
	free(bound);
	return 0;
}

static int drop_rare(struct tally *t, struct cbtm_error *e)
{
	uint32_t *name = mem_aligned(t->n, sizeof *name, "counts", e);
	struct buffer bytes = { 0 };
	size_t kept = 0;
	if (!name || buffer_reserve(&bytes, 1, e))
		goto done;
	for (size_t i = 0; i < t->n; i++) {
		bool stays = t->entry[i].count + t->entry[i].missed > t->undercount;
		name[i] = stays ? (uint32_t)kept++ : UINT32_MAX;
	}
	if (fill_pairs(t, t->pair_slots, name, e))
		goto done;
	for (size_t i = 0; i < t->n; i++) {
		struct entry x = t->entry[i];
		if (name[i] == UINT32_MAX)
			continue;
		if (buffer_add(&bytes, t->bytes.data + x.offset, x.n, e))
			goto done;
		x.offset = bytes.n - x.n;
		t->entry[name[i]] = x;
	}
	t->n = kept;
	buffer_free(&t->bytes);
	t->bytes = bytes;
	bytes = (struct buffer){ 0 };
	fill_slots(t, t->slots, e);
done:
	buffer_free(&bytes);
	free(name);
	return e->name;
}

int tally_prune(struct tally *t, struct cbtm_error *e)
{
	if (t->pairs <= t->most || choose_undercount(t, &t->undercount, e))
		return e->name;
	return drop_rare(t, e);
}

/* ---------------------------------------------------------------- the result */
static int by_group(const void *left, const void *right)
{
	const struct tally_cell *a = left, *b = right;
	return (a->group > b->group) - (a->group < b->group);
}

static int by_count(const void *left, const void *right)
{
	const struct tally_row *a = left, *b = right;
	size_t n = a->n < b->n ? a->n : b->n;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	int order = n ? memcmp(a->s, b->s, n) : 0;
	return order ? order : (a->n > b->n) - (a->n < b->n);
}

int tally_rows(struct tally *t, struct tally_row **rows, size_t *n, struct cbtm_error *e)
{
	struct tally_row *row = mem_zeroed(t->n, sizeof *row, "counts", e);
	struct tally_cell *cell = mem_zeroed(t->pairs, sizeof *cell, "counts", e);
	size_t at = 0;
	*rows = row;
	*n = t->n;
	free(t->cell);
	t->cell = cell;
	if (!row || !cell)
		return e->name;
	for (size_t i = 0; i < t->n; i++) {
		const struct entry *x = &t->entry[i];
		row[i] = (struct tally_row){
			t->bytes.data + x->offset, x->n, x->count, x->documents, cell + at, 0
		};
		at += x->cells;
	}
	for (size_t i = 0; i < t->pair_slots; i++) {
		const struct pair *p = &t->pair[i];
		if (!p->count)
			continue;
		struct tally_row *r = &row[p->entry];
		cell[(size_t)(r->cell - cell) + r->cells++] = (struct tally_cell){ p->group, p->count };
	}
	for (size_t i = 0; i < t->n; i++)
		qsort(cell + (row[i].cell - cell), row[i].cells, sizeof *cell, by_group);
	qsort(row, t->n, sizeof *row, by_count);
	return 0;
}
