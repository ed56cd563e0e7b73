/* SPDX-License-Identifier: MIT */
#include "tfidf.h"
#include <string.h>

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

static uint64_t load(const char *s, size_t n)
{
	uint64_t v = 0;
	memcpy(&v, s, n);
	return v;
}

/* What is known of a word before it is looked up. */
struct key {
	uint64_t head, tail;
	uint32_t hash;
};

static struct key key_of(const char *s, size_t n)
{
	/* Overlapping reads, so that the usual short word takes two. */
	uint64_t a, b = 0, h;
	if (n >= 8) {
		a = load(s, 8);
		b = load(s + n - 8, 8);
	} else if (n >= 4) {
		a = load(s, 4) | load(s + n - 4, 4) << (8 * (n - 4));
	} else {
		a = (uint64_t)(unsigned char)s[0] | (uint64_t)(unsigned char)s[n / 2] << 8 * (n / 2) |
		    (uint64_t)(unsigned char)s[n - 1] << 8 * (n - 1);
	}
	h = (a ^ n) * 0x9e3779b97f4a7c15u;
	h = (h ^ h >> 29 ^ b) * 0xd6e8feb86659fd93u;
	for (size_t i = 8; i + 8 < n; i += 8)
		h = (h ^ h >> 31 ^ load(s + i, 8)) * 0xbf58476d1ce4e5b9u;
	return (struct key){ a, b, (uint32_t)(h >> 32) };
}

/* The slot of the word, or the free one where it would go. */
static struct slot *slot_of(const struct vocabulary *v, struct key k, const char *s, size_t n)
{
	for (size_t i = k.hash & (v->slots - 1);; i = (i + 1) & (v->slots - 1)) {
		struct slot *slot = &v->slot[i];
		if (slot->number == 0)
			return slot;
		if (slot->hash != k.hash || slot->head != k.head)
			continue;
		const struct word *w = &v->word[slot->number - 1];
		/* No word holds a NUL: equal heads of up to 8 bytes are equal words. */
		if (n < 8 || (w->size == n && w->tail == k.tail &&
		              (n <= 16 || !memcmp(v->text + w->offset + 8, s + 8, n - 16))))
			return slot;
	}
}

uint32_t vocabulary_find(const struct vocabulary *v, const char *word, size_t n)
{
	if (v->slots == 0)
		return NO_WORD;
	return slot_of(v, key_of(word, n), word, n)->number - 1; /* a free slot: 0 - 1 = NO_WORD */
}

/* So many slots (a power of two), a free one for each word: no two are the same. */
static int more_slots(struct vocabulary *v, size_t slots, struct cbtm_error *e)
{
	struct slot *larger = host->take(slots, sizeof *larger, e);
	if (!larger)
		return e->name;
	memset(larger, 0, slots * sizeof *larger);
	host->release(v->slot);
	v->slot = larger;
	v->slots = slots;
	for (size_t i = 0; i < v->words; i++) {
		const struct word *w = &v->word[i];
		size_t at = w->hash & (slots - 1);
		while (larger[at].number)
			at = (at + 1) & (slots - 1);
		larger[at] = (struct slot){ w->head, w->hash, (uint32_t)i + 1 };
	}
	return 0;
}

int vocabulary_reserve(struct vocabulary *v, size_t words, struct cbtm_error *e)
{
	size_t slots = 1024;
	while (slots < 2 * words)
		slots *= 2;
	if (slots > v->slots && more_slots(v, slots, e))
		return e->name;
	return grow(&v->word, &v->room, v->words, words, sizeof *v->word, e);
}

static uint32_t add(struct vocabulary *v, struct key k, const char *word, size_t n,
                    struct cbtm_error *e)
{
	if (2 * (v->words + 1) > v->slots && more_slots(v, v->slots ? 2 * v->slots : 1024, e))
		return NO_WORD;
	struct slot *slot = slot_of(v, k, word, n);
	if (slot->number)
		return slot->number - 1;
	if (v->words + 2 >= NO_WORD) {
		host->error(e, CBTM_ERR_BAD_DATA, NULL, "there are more than 2^32 different words");
		return NO_WORD;
	}
	if (grow(&v->word, &v->room, v->words, v->words + 1, sizeof *v->word, e) ||
	    grow(&v->text, &v->text_room, v->bytes, v->bytes + n + 1, 1, e))
		return NO_WORD;
	v->word[v->words] = (struct word){
		.head = k.head, .tail = k.tail, .hash = k.hash, .offset = v->bytes, .size = (uint32_t)n
	};
	memcpy(v->text + v->bytes, word, n);
	v->text[v->bytes + n] = 0;
	v->bytes += n + 1;
	*slot = (struct slot){ k.head, k.hash, (uint32_t)++v->words };
	return slot->number - 1;
}

uint32_t vocabulary_add(struct vocabulary *v, const char *word, size_t n, struct cbtm_error *e)
{
	return add(v, key_of(word, n), word, n, e);
}

static void fetch_slot(const struct vocabulary *v, uint32_t hash)
{
	if (v->slots)
		__builtin_prefetch(&v->slot[hash & (v->slots - 1)]);
}

int vocabulary_add_all(struct vocabulary *v, const struct vocabulary *other, uint32_t *number,
                       struct cbtm_error *e)
{
	enum { AHEAD = 16 }; /* words: slots lie anywhere */
	for (size_t i = 0; i < other->words; i++) {
		const struct word *w = &other->word[i];
		if (i + AHEAD < other->words)
			fetch_slot(v, other->word[i + AHEAD].hash);
		struct key k = { w->head, w->tail, w->hash };
		number[i] = add(v, k, other->text + w->offset, w->size, e);
		if (number[i] == NO_WORD)
			return e->name;
	}
	return 0;
}

int group_put(struct group *g, const struct vocabulary *v, const char *word, size_t n,
              struct cbtm_error *e)
{
	struct key k = key_of(word, n);
	fetch_slot(v, k.hash);
	if (g->n == 0)
		g->bytes = 0;
	if (n > 8) {
		if (grow(&g->text, &g->room, g->bytes, g->bytes + n, 1, e))
			return e->name;
		memcpy(g->text + g->bytes, word, n);
	}
	g->word[g->n++] = (struct pending){ k.head, k.tail, g->bytes, n, k.hash };
	g->bytes += n > 8 ? n : 0;
	return 0;
}

void group_look(const struct group *g, const struct vocabulary *v)
{
	for (size_t i = 0; v->slots && i < g->n; i++) {
		uint32_t number = v->slot[g->word[i].hash & (v->slots - 1)].number;
		if (number)
			__builtin_prefetch(&v->word[number - 1], 1);
	}
}

/* A word of at most 8 bytes is its head, whose bytes lie in the order of the text. */
static const char *pending_text(const struct group *g, const struct pending *p)
{
	return p->size > 8 ? g->text + p->offset : (const char *)&p->head;
}

uint32_t group_find(const struct group *g, const struct vocabulary *v, size_t i)
{
	const struct pending *p = &g->word[i];
	struct key k = { p->head, p->tail, p->hash };
	if (v->slots == 0)
		return NO_WORD;
	return slot_of(v, k, pending_text(g, p), p->size)->number - 1;
}

uint32_t group_add(const struct group *g, struct vocabulary *v, size_t i, struct cbtm_error *e)
{
	const struct pending *p = &g->word[i];
	struct key k = { p->head, p->tail, p->hash };
	return add(v, k, pending_text(g, p), p->size, e);
}

void group_free(struct group *g)
{
	host->release(g->text);
	*g = (struct group){ 0 };
}
