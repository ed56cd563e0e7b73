/* SPDX-License-Identifier: MIT */
#include "text/strings.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

enum { FEWEST = 1024, MOST = 1 << 30 };

void strings_free(struct strings *s)
{
	buffer_free(&s->bytes);
	free(s->start);
	free(s->slot);
	*s = (struct strings){ 0 };
}

static uint32_t slot_of(const char *bytes, size_t n, uint32_t slots)
{
	return (uint32_t)digest_bytes(bytes, n).low & (slots - 1);
}

/* The slot of a string, or the empty one where it would go. */
static uint32_t look(const struct strings *s, const char *bytes, size_t n)
{
	uint32_t at = slot_of(bytes, n, s->slots);

	for (; s->slot[at]; at = (at + 1) & (s->slots - 1)) {
		size_t length;
		const char *other = strings_get(s, s->slot[at] - 1, &length);
		if (length == n && !memcmp(other, bytes, n))
			break;
	}
	return at;
}

uint32_t strings_find(const struct strings *s, const char *bytes, size_t n)
{
	uint32_t at = s->slots ? look(s, bytes, n) : 0;

	return s->slots && s->slot[at] ? s->slot[at] - 1 : STRINGS_NONE;
}

static int grow(struct strings *s, struct cbtm_error *e)
{
	uint32_t slots = s->slots ? 2 * s->slots : FEWEST;
	uint32_t *slot =
		s->slots < MOST ? mem_zeroed(slots, sizeof *slot, "a set of strings", e) : NULL;

	if (s->slots >= MOST)
		return error_set(e, CBTM_ERR_MEMORY, NULL, "more than 2^29 different strings");
	if (!slot)
		return e->name;
	for (uint32_t i = 0; i < s->n; i++) {
		size_t n;
		const char *bytes = strings_get(s, i, &n);
		uint32_t at = slot_of(bytes, n, slots);

		while (slot[at])
			at = (at + 1) & (slots - 1);
		slot[at] = i + 1;
	}
	free(s->slot);
	s->slot = slot;
	s->slots = slots;
	return 0;
}

int strings_add(struct strings *s, const char *bytes, size_t n, uint32_t *number,
                struct cbtm_error *e)
{
	uint32_t at;

	if (s->n >= s->slots / 2 && grow(s, e))
		return e->name;
	at = look(s, bytes, n);
	if (s->slot[at]) {
		*number = s->slot[at] - 1;
		return 0;
	}
	if (array_reserve(&s->start, &s->cap, (size_t)s->n + 2, sizeof *s->start, e) ||
	    buffer_add(&s->bytes, bytes, n, e))
		return e->name;
	if (!s->n)
		s->start[0] = 0;
	*number = s->n++;
	s->start[s->n] = s->bytes.n;
	s->slot[at] = s->n;
	return 0;
}
