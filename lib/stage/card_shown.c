/* SPDX-License-Identifier: MIT */
#include "stage/card_shown.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "text/utf8.h"
#include <stdlib.h>
#include <string.h>

int card_shown_make(struct card_shown *s, uint32_t k, size_t most, struct cbtm_error *e)
{
	size_t n = 0;
	*s = (struct card_shown){ .k = k, .most = most };
	if (!size_mul(k, most, &n))
		return error_set(e, CBTM_ERR_MEMORY, NULL, "%zu documents a cluster are too many", most);
	s->nearest = mem_zeroed(n, sizeof *s->nearest, "documents to show", e);
	s->farthest = mem_zeroed(n, sizeof *s->farthest, "documents to show", e);
	s->n = mem_zeroed(k, sizeof *s->n, "documents to show", e);
	s->arena = arena_new(e);
	return e->name;
}

void card_shown_free(struct card_shown *s)
{
	arena_free(s->arena);
	free(s->n), free(s->farthest), free(s->nearest);
	*s = (struct card_shown){ 0 };
}

/* sign: 1 for the nearest first, -1 for the farthest. */
static bool goes_before(const struct card_document *a, const struct card_document *b, float sign)
{
	if (a->distance != b->distance)
		return sign * a->distance < sign * b->distance;
	if (a->key != b->key)
		return a->key < b->key;
	return a->part != b->part ? a->part < b->part : a->row < b->row;
}

static void insert(struct card_document *list, size_t n, size_t most, const struct card_document *d,
                   float sign)
{
	size_t at = n;
	while (at > 0 && goes_before(d, &list[at - 1], sign))
		at--;
	if (at == most)
		return;
	size_t after = (n < most ? n : most - 1) - at;
	memmove(list + at + 1, list + at, after * sizeof *list);
	list[at] = *d;
}

void card_shown_offer(struct card_shown *s, uint32_t cluster, const struct card_document *d)
{
	size_t *n = &s->n[cluster], first = cluster * s->most;
	insert(s->nearest + first, *n, s->most, d, 1);
	insert(s->farthest + first, *n, s->most, d, -1);
	*n += *n < s->most;
}

/* ---------------------------------------------------------------- their texts */
static int by_place(const void *left, const void *right)
{
	const struct card_document *a = *(struct card_document *const *)left;
	const struct card_document *b = *(struct card_document *const *)right;
	if (a->part != b->part)
		return a->part < b->part ? -1 : 1;
	return (a->row > b->row) - (a->row < b->row);
}

/* The first CARD_TEXT characters, a blank for each run of blanks and control characters. */
static char *beginning(struct arena *a, const char *s, size_t n, struct cbtm_error *e)
{
	char text[4 * CARD_TEXT + 4];
	size_t used = 0, characters = 0;
	for (size_t i = 0; i < n && characters < CARD_TEXT;) {
		unsigned length = 1;
		bool blank = (unsigned char)s[i] <= ' ' || s[i] == 0x7f;
		if (!blank)
			utf8_get(s + i, n - i, &length);
		if (!blank || (used && text[used - 1] != ' ')) {
			memcpy(text + used, blank ? " " : s + i, length);
			used += length;
			characters++;
		}
		i += length;
	}
	return arena_string(a, text, used && text[used - 1] == ' ' ? used - 1 : used, e);
}

static char *read_text(struct arena *a, struct store_reader *r, uint64_t row, bool whole,
                       struct cbtm_error *e)
{
	const void *data;
	uint64_t n;
	if (store_read_row(r, row, &data, &n, e))
		return NULL;
	return whole ? arena_string(a, data, (size_t)n, e) : beginning(a, data, (size_t)n, e);
}

static int read_part(struct arena *a, struct card_document **list, size_t n, const struct store *s,
                     struct cbtm_error *e)
{
	struct store_reader *id = NULL, *text = NULL;
	if (!store_reader_open(s, "id", &id, e))
		store_reader_open(s, "text", &text, e);
	for (size_t i = 0; !e->name && i < n; i++) {
		list[i]->id = read_text(a, id, list[i]->row, true, e);
		if (!e->name)
			list[i]->text = read_text(a, text, list[i]->row, false, e);
	}
	store_reader_close(text);
	store_reader_close(id);
	return e->name;
}

int card_shown_read(struct card_shown *s, const struct dataset *documents, struct cbtm_error *e)
{
	size_t n = 0;
	struct card_document **list =
		mem_zeroed(2 * s->k * s->most, sizeof *list, "documents to show", e);
	if (!list)
		return e->name;
	for (uint32_t j = 0; j < s->k; j++)
		for (size_t i = 0; i < s->n[j]; i++) {
			list[n++] = &s->nearest[j * s->most + i];
			list[n++] = &s->farthest[j * s->most + i];
		}
	if (n)
		qsort(list, n, sizeof(struct card_document *), by_place);
	for (size_t i = 0, to; !e->name && i < n; i = to) {
		struct store *part = NULL;
		for (to = i; to < n && list[to]->part == list[i]->part;)
			to++;
		if (!dataset_part(documents, list[i]->part, &part, e))
			read_part(s->arena, list + i, to - i, part, e);
		store_close(part);
	}
	free(list);
	return e->name;
}
