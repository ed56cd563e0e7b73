/* SPDX-License-Identifier: MIT */
#include "tfidf.h"
#include <stdlib.h>
#include <string.h>

#define BATCH 1024   /* documents read at once */
#define TASK_SIZE 16 /* documents of one task */

int grow(void *array_pointer, size_t *room, size_t used, size_t need, size_t size,
         struct cbtm_error *e)
{
	void **array = array_pointer;
	if (need <= *room)
		return 0;
	size_t more = *room < 16 ? 16 : *room;
	more = need - *room > more ? need : *room + more;
	void *larger = host->take(more, size, e);
	if (!larger)
		return e->name;
	if (used)
		memcpy(larger, *array, used * size);
	host->release(*array);
	*array = larger;
	*room = more;
	return 0;
}

void vocabulary_free(struct vocabulary *v)
{
	host->release(v->slot);
	host->release(v->text);
	host->release(v->word);
	*v = (struct vocabulary){ 0 };
}

/* FNV-1a, then Murmur3's last mixing step for the low bits. */
static uint64_t hash_of(const char *s, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 0x100000001b3u;
	h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
	return h ^ (h >> 33);
}

/* The slot of the word, or the free one where it would go. */
static uint32_t *slot_of(const struct vocabulary *v, uint64_t hash, const char *s, size_t n)
{
	for (size_t i = hash & (v->slots - 1);; i = (i + 1) & (v->slots - 1)) {
		uint32_t number = v->slot[i];
		if (number == 0)
			return &v->slot[i];
		const struct word *w = &v->word[number - 1];
		if (w->hash == hash && w->size == n && !memcmp(v->text + w->offset, s, n))
			return &v->slot[i];
	}
}

uint32_t vocabulary_find(const struct vocabulary *v, const char *word, size_t n)
{
	if (v->slots == 0)
		return NO_WORD;
	return *slot_of(v, hash_of(word, n), word, n) - 1; /* a free slot: 0 - 1 = NO_WORD */
}

static int more_slots(struct vocabulary *v, struct cbtm_error *e)
{
	size_t slots = v->slots ? 2 * v->slots : 1024;
	uint32_t *larger = host->take(slots, sizeof *larger, e);
	if (!larger)
		return e->name;
	memset(larger, 0, slots * sizeof *larger);
	host->release(v->slot);
	v->slot = larger;
	v->slots = slots;
	for (size_t i = 0; i < v->words; i++) {
		const struct word *w = &v->word[i];
		*slot_of(v, w->hash, v->text + w->offset, w->size) = (uint32_t)i + 1;
	}
	return 0;
}

uint32_t vocabulary_add(struct vocabulary *v, const char *word, size_t n, struct cbtm_error *e)
{
	if (2 * (v->words + 1) > v->slots && more_slots(v, e))
		return NO_WORD;
	uint64_t hash = hash_of(word, n);
	uint32_t *slot = slot_of(v, hash, word, n);
	if (*slot)
		return *slot - 1;
	if (v->words + 2 >= NO_WORD) {
		host->error(e, CBTM_ERR_BAD_DATA, NULL, "there are more than 2^32 different words");
		return NO_WORD;
	}
	if (grow(&v->word, &v->room, v->words, v->words + 1, sizeof *v->word, e) ||
	    grow(&v->text, &v->text_room, v->bytes, v->bytes + n + 1, 1, e))
		return NO_WORD;
	v->word[v->words] = (struct word){ .hash = hash, .offset = v->bytes, .size = (uint32_t)n };
	memcpy(v->text + v->bytes, word, n);
	v->text[v->bytes + n] = 0;
	v->bytes += n + 1;
	*slot = (uint32_t)++v->words;
	return *slot - 1;
}

/* ---------------------------------------------------------------- counting */

struct counting {
	const struct cbtm_document *document;
	size_t n;
	struct vocabulary *part; /* a task each */
};
struct one_document {
	struct vocabulary *v;
	uint64_t number;
	struct cbtm_error *e;
};

static int count_word(void *arg, const char *word, size_t n)
{
	struct one_document *one = arg;
	uint32_t number = vocabulary_add(one->v, word, n, one->e);
	if (number == NO_WORD)
		return 1;
	struct word *w = &one->v->word[number];
	w->tf++;
	w->df += w->last != one->number;
	w->last = one->number;
	return 0;
}

static int count_task(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct counting *c = arg;
	size_t to = (task + 1) * TASK_SIZE < c->n ? (task + 1) * TASK_SIZE : c->n;
	(void)thread;
	for (size_t i = task * TASK_SIZE; i < to && !e->name; i++) {
		struct one_document one = { &c->part[task], i + 1, e };
		host->words(c->document[i].text, c->document[i].text_size, count_word, &one);
	}
	return e->name;
}

static int add_counts(struct vocabulary *v, const struct vocabulary *part, struct cbtm_error *e)
{
	for (size_t i = 0; i < part->words; i++) {
		const struct word *w = &part->word[i];
		uint32_t number = vocabulary_add(v, part->text + w->offset, w->size, e);
		if (number == NO_WORD)
			return e->name;
		v->word[number].df += w->df;
		v->word[number].tf += w->tf;
	}
	return 0;
}

int vocabulary_count(struct vocabulary *v, struct cbtm_documents *sample, uint64_t *documents,
                     struct cbtm_error *e)
{
	struct vocabulary part[BATCH / TASK_SIZE];
	struct cbtm_document *batch = host->take(BATCH, sizeof *batch, e);
	*documents = 0;
	for (size_t n = 1; batch && n && !e->name;) {
		if (host->stop_requested() || sample->next(sample->arg, batch, BATCH, &n, e)) {
			host->error(e, CBTM_ERR_STOPPED, NULL, "stopped while counting words");
			break;
		}
		size_t tasks = (n + TASK_SIZE - 1) / TASK_SIZE;
		struct counting c = { batch, n, part };
		memset(part, 0, sizeof part);
		host->pool_run(host->pool(), tasks, count_task, &c, e);
		for (size_t i = 0; i < tasks; i++) {
			if (!e->name)
				add_counts(v, &part[i], e);
			vocabulary_free(&part[i]);
		}
		*documents += n;
		host->progress(*documents, 2 * sample->count, "documents");
	}
	host->release(batch);
	return e->name;
}

/* ---------------------------------------------------------------- selection */

/* A candidate beside its text: qsort has no argument. */
struct choice {
	const struct word *word;
	const char *text;
};

static int compare_text(const void *left, const void *right)
{
	return strcmp(((const struct choice *)left)->text, ((const struct choice *)right)->text);
}

static int compare_frequency(const void *left, const void *right)
{
	const struct choice *a = left, *b = right;
	if (a->word->tf != b->word->tf)
		return a->word->tf > b->word->tf ? -1 : 1;
	return compare_text(left, right);
}

int vocabulary_select(const struct vocabulary *all, const struct options *o, uint64_t documents,
                      struct vocabulary *kept, struct cbtm_error *e)
{
	struct choice *choice = host->take(all->words + 1, sizeof *choice, e);
	size_t n = 0;
	if (!choice)
		return e->name;
	for (size_t i = 0; i < all->words; i++) {
		const struct word *w = &all->word[i];
		if (w->df >= o->min_df && (double)w->df <= o->max_df * (double)documents)
			choice[n++] = (struct choice){ w, all->text + w->offset };
	}
	if (o->max_features && n > o->max_features) {
		qsort(choice, n, sizeof *choice, compare_frequency);
		n = o->max_features;
	}
	qsort(choice, n, sizeof *choice, compare_text);
	for (size_t i = 0; i < n; i++) {
		uint32_t number = vocabulary_add(kept, choice[i].text, choice[i].word->size, e);
		if (number == NO_WORD)
			break;
		kept->word[number].df = choice[i].word->df;
	}
	host->release(choice);
	return e->name;
}

/* ---------------------------------------------------------------- one text */

struct occurrences {
	struct counts *c;
	const struct vocabulary *v;
	struct cbtm_error *e;
};

static int see_word(void *arg, const char *word, size_t n)
{
	struct occurrences *o = arg;
	struct counts *c = o->c;
	uint32_t number = vocabulary_find(o->v, word, n);
	if (number == NO_WORD)
		return 0;
	if (grow(&c->all, &c->all_room, c->all_n, c->all_n + 1, sizeof *c->all, o->e))
		return 1;
	c->all[c->all_n++] = number;
	return 0;
}

static int compare_numbers(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	return a < b ? -1 : a > b;
}

int counts_make(struct counts *c, const struct vocabulary *v, const char *text, size_t n,
                struct cbtm_error *e)
{
	struct occurrences o = { c, v, e };
	size_t room = c->room;
	c->n = c->all_n = 0;
	host->words(text, n, see_word, &o);
	if (e->name || grow(&c->word, &room, 0, c->all_n, sizeof *c->word, e) ||
	    grow(&c->count, &c->room, 0, c->all_n, sizeof *c->count, e))
		return e->name;
	if (c->all_n)
		qsort(c->all, c->all_n, sizeof *c->all, compare_numbers);
	for (size_t i = 0; i < c->all_n; i++) {
		if (i == 0 || c->all[i] != c->all[i - 1]) {
			c->word[c->n] = c->all[i];
			c->count[c->n++] = 0;
		}
		c->count[c->n - 1]++;
	}
	return 0;
}

void counts_free(struct counts *c)
{
	host->release(c->all);
	host->release(c->count);
	host->release(c->word);
	*c = (struct counts){ 0 };
}
