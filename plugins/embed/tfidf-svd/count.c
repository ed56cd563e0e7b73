/* SPDX-License-Identifier: MIT */
#include "tfidf.h"
#include <stdlib.h>
#include <string.h>

#define BATCH 1024   /* documents read at once */
#define TASK_SIZE 16 /* documents of one task */
#define LEAST 2      /* different words that a row has room for at first */

/* ---------------------------------------------------------------- documents of the fit */

struct counting {
	struct counted *all;
	const struct cbtm_document *document;
	size_t n;
	uint64_t before;      /* documents of earlier batches */
	struct counted *part; /* a task each */
};
struct one_document {
	struct vocabulary *own;
	struct group *group;
	struct counted *row;
	uint64_t number, start;
	struct cbtm_error *e;
};

static int count_one(struct one_document *d, uint32_t number)
{
	struct counted *c = d->row;
	struct word *w = &d->own->word[number];
	w->tf++;
	if (w->last == d->number) {
		c->count[d->start + w->at]++;
		return 0;
	}
	if (grow(&c->word, &c->word_room, c->entries, c->entries + 1, sizeof *c->word, d->e) ||
	    grow(&c->count, &c->count_room, c->entries, c->entries + 1, sizeof *c->count, d->e))
		return 1;
	w->last = d->number;
	w->df++;
	w->at = (uint32_t)(c->entries - d->start);
	c->word[c->entries] = number;
	c->count[c->entries++] = 1;
	return 0;
}

static int count_group(struct one_document *d)
{
	group_look(d->group, d->own);
	for (size_t i = 0; i < d->group->n; i++) {
		uint32_t number = group_add(d->group, d->own, i, d->e);
		if (number == NO_WORD || count_one(d, number))
			return 1;
	}
	d->group->n = 0;
	return 0;
}

static int count_word(void *arg, const char *text, size_t n)
{
	struct one_document *d = arg;
	if (group_put(d->group, d->own, text, n, d->e))
		return 1;
	return d->group->n == GROUP ? count_group(d) : 0;
}

static int reserve(struct counted *c, size_t rows, size_t entries, struct cbtm_error *e)
{
	if (grow(&c->start, &c->start_room, c->rows ? c->rows + 1 : 0, c->rows + rows + 1,
	         sizeof *c->start, e) ||
	    grow(&c->owner, &c->owner_room, c->rows, c->rows + rows, sizeof *c->owner, e) ||
	    grow(&c->word, &c->word_room, c->entries, c->entries + entries, sizeof *c->word, e))
		return e->name;
	return grow(&c->count, &c->count_room, c->entries, c->entries + entries, sizeof *c->count, e);
}

static int count_task(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct counting *k = arg;
	struct counted *part = &k->part[task];
	struct group group;
	group.n = group.room = 0;
	group.text = NULL;
	size_t from = task * TASK_SIZE, to = from + TASK_SIZE < k->n ? from + TASK_SIZE : k->n;
	if (reserve(part, to - from, LEAST * (to - from), e))
		return e->name;
	part->start[0] = 0;
	for (size_t i = from; i < to && !e->name; i++) {
		struct one_document one = { &k->all->own[thread], &group,        part,
			                        k->before + i + 1,    part->entries, e };
		if (!host->words(k->document[i].text, k->document[i].text_size, count_word, &one))
			count_group(&one);
		part->owner[part->rows++] = (uint16_t)thread;
		part->start[part->rows] = part->entries;
	}
	group_free(&group);
	return e->name;
}

static int append(struct counted *c, const struct counted *part, struct cbtm_error *e)
{
	if (reserve(c, part->rows, part->entries, e))
		return e->name;
	if (part->entries) {
		memcpy(c->word + c->entries, part->word, part->entries * sizeof *part->word);
		memcpy(c->count + c->entries, part->count, part->entries * sizeof *part->count);
	}
	memcpy(c->owner + c->rows, part->owner, part->rows * sizeof *part->owner);
	for (size_t i = 0; i < part->rows; i++)
		c->start[c->rows + i] = c->entries + part->start[i];
	c->rows += part->rows;
	c->entries += part->entries;
	c->start[c->rows] = c->entries;
	return 0;
}

int count_documents(struct counted *c, struct cbtm_documents *sample, struct cbtm_error *e)
{
	struct counted part[BATCH / TASK_SIZE];
	struct cbtm_document *batch = host->take(BATCH, sizeof *batch, e);
	c->owners = host->pool_threads(host->pool());
	c->own = host->take(c->owners, sizeof *c->own, e);
	if (c->own)
		memset(c->own, 0, c->owners * sizeof *c->own);
	for (size_t n = 1; !e->name && n;) {
		if (host->stop_requested() || sample->next(sample->arg, batch, BATCH, &n, e)) {
			host->error(e, CBTM_ERR_STOPPED, NULL, "stopped while counting words");
			break;
		}
		size_t tasks = (n + TASK_SIZE - 1) / TASK_SIZE;
		struct counting k = { c, batch, n, c->rows, part };
		memset(part, 0, sizeof part);
		host->pool_run(host->pool(), tasks, count_task, &k, e);
		for (size_t i = 0; i < tasks; i++) {
			if (!e->name)
				append(c, &part[i], e);
			counted_free(&part[i]);
		}
		host->progress(c->rows, sample->count, "documents");
	}
	host->release(batch);
	return e->name;
}

void counted_free(struct counted *c)
{
	for (size_t i = 0; c->own && i < c->owners; i++)
		vocabulary_free(&c->own[i]);
	host->release(c->own);
	host->release(c->count);
	host->release(c->word);
	host->release(c->owner);
	host->release(c->start);
	*c = (struct counted){ 0 };
}

/* ---------------------------------------------------------------- one text */

/* By digits of a byte, the lowest first; few keys by insertion. */
void sort_keys(uint64_t *key, uint64_t *scratch, size_t n, uint64_t limit)
{
	if (n < 24) {
		for (size_t i = 1; i < n; i++) {
			uint64_t x = key[i];
			size_t j = i;
			for (; j && key[j - 1] >> 32 > x >> 32; j--)
				key[j] = key[j - 1];
			key[j] = x;
		}
		return;
	}
	uint64_t *from = key, *to = scratch;
	for (unsigned shift = 32; shift < 64 && (limit - 1) >> (shift - 32); shift += 8) {
		uint32_t place[256] = { 0 }, sum = 0;
		for (size_t i = 0; i < n; i++)
			place[from[i] >> shift & 255]++;
		for (size_t i = 0; i < 256; i++) {
			uint32_t size = place[i];
			place[i] = sum;
			sum += size;
		}
		for (size_t i = 0; i < n; i++)
			to[place[from[i] >> shift & 255]++] = from[i];
		uint64_t *other = from;
		from = to;
		to = other;
	}
	if (from != key)
		memcpy(key, from, n * sizeof *key);
}

struct occurrences {
	struct counts *c;
	const struct vocabulary *v;
	struct cbtm_error *e;
};

static int see_group(struct occurrences *o)
{
	struct counts *c = o->c;
	struct group *g = &c->group;
	if (grow(&c->key, &c->room, c->n, c->n + g->n, sizeof *c->key, o->e))
		return 1;
	group_look(g, o->v);
	for (size_t i = 0; i < g->n; i++) {
		uint32_t number = group_find(g, o->v, i);
		if (number != NO_WORD)
			c->key[c->n++] = (uint64_t)number << 32 | 1;
	}
	g->n = 0;
	return 0;
}

static int see_word(void *arg, const char *word, size_t n)
{
	struct occurrences *o = arg;
	if (group_put(&o->c->group, o->v, word, n, o->e))
		return 1;
	return o->c->group.n == GROUP ? see_group(o) : 0;
}

int counts_make(struct counts *c, const struct vocabulary *v, const char *text, size_t n,
                struct cbtm_error *e)
{
	struct occurrences o = { c, v, e };
	size_t used = 0;
	c->n = 0;
	c->group.n = 0;
	if (!host->words(text, n, see_word, &o))
		see_group(&o);
	if (e->name || grow(&c->scratch, &c->scratch_room, 0, c->n, sizeof *c->scratch, e))
		return e->name;
	sort_keys(c->key, c->scratch, c->n, v->words);
	for (size_t i = 0; i < c->n; i++) {
		if (used && c->key[used - 1] >> 32 == c->key[i] >> 32)
			c->key[used - 1]++;
		else
			c->key[used++] = c->key[i];
	}
	c->n = used;
	return 0;
}

void counts_free(struct counts *c)
{
	group_free(&c->group);
	host->release(c->scratch);
	host->release(c->key);
	*c = (struct counts){ 0 };
}
