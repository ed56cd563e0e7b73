/* SPDX-License-Identifier: MIT */
/* Arenas: a chain of blocks, the newest first; only the newest one has room. */
#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

struct block {
	struct block *older;
	size_t used, size;
	_Alignas(16) unsigned char bytes[];
};
struct arena {
	struct block *newest;
	size_t next_size;
};

struct arena *arena_new(struct cbtm_error *e)
{
	struct arena *a = mem_zeroed(1, sizeof *a, "an arena", e);

	if (a)
		a->next_size = FIRST_BLOCK;
	return a;
}

void arena_free(struct arena *a)
{
	struct block *b, *older;

	if (!a)
		return;
	for (b = a->newest; b; b = older) {
		older = b->older;
		free(b);
	}
	free(a);
}

static struct block *add_block(struct arena *a, size_t n, struct cbtm_error *e)
{
	size_t size = n > a->next_size ? n : a->next_size, bytes;
	struct block *b = NULL;

	if (size_add(size, sizeof *b, &bytes))
		b = mem_zeroed(1, bytes, "an arena's block", e);
	else
		error_set(e, CBTM_ERR_MEMORY, NULL, "cannot allocate %zu bytes for an arena", n);
	if (!b)
		return NULL;
	b->size = size;
	b->older = a->newest;
	a->newest = b;
	if (a->next_size < LARGEST_BLOCK)
		a->next_size *= 2;
	return b;
}

void *arena_take(struct arena *a, size_t n, struct cbtm_error *e)
{
	struct block *b = a->newest;
	size_t room;
	void *p;

	if (!size_align(n ? n : 1, 16, &room)) {
		error_set(e, CBTM_ERR_MEMORY, NULL, "cannot allocate %zu bytes for an arena", n);
		return NULL;
	}
	if (!b || b->size - b->used < room)
		b = add_block(a, room, e);
	if (!b)
		return NULL;
	p = b->bytes + b->used;
	b->used += room;
	return p;
}

char *arena_string(struct arena *a, const char *s, size_t n, struct cbtm_error *e)
{
	char *p = n == SIZE_MAX ? NULL : arena_take(a, n + 1, e);

	if (p && n)
		memcpy(p, s, n);
	return p;
}

char *arena_printf(struct arena *a, struct cbtm_error *e, const char *fmt, ...)
{
	va_list args;
	char *p;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0) {
		error_set(e, CBTM_ERR_INTERNAL, NULL, "cannot format \"%s\"", fmt);
		return NULL;
	}
	p = arena_take(a, (size_t)n + 1, e);
	if (!p)
		return NULL;
	va_start(args, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, args);
	va_end(args);
	return p;
}
