/* SPDX-License-Identifier: MIT */
/* A set of byte strings, numbered 0, 1, 2, ... in the order in which they came. */
#pragma once
#include "base/buffer.h"
#include <stddef.h>
#include <stdint.h>

#define STRINGS_NONE UINT32_MAX

struct strings {
	struct buffer bytes; /* all of them, one behind the other */
	uint64_t *start;     /* n + 1, once n > 0 */
	size_t cap;
	uint32_t n;
	uint32_t *slot; /* open addressing: number + 1, 0 = empty */
	uint32_t slots; /* a power of two; 0 at first */
};
/* {0} is an empty set. */
void strings_free(struct strings *s); /* leaves {0} */

/* The number of a string, or STRINGS_NONE. */
uint32_t strings_find(const struct strings *s, const char *bytes, size_t n);
/* Its number, a new one if it was not there (*number = s->n - 1 then). At most 2^31 strings. */
int strings_add(struct strings *s, const char *bytes, size_t n, uint32_t *number,
                struct cbtm_error *e);
static inline const char *strings_get(const struct strings *s, uint32_t number, size_t *n)
{
	*n = (size_t)(s->start[number + 1] - s->start[number]);
	return s->bytes.data ? s->bytes.data + s->start[number] : "";
}
