/* SPDX-License-Identifier: MIT */
/* A growing byte buffer. {0} is an empty one. Data stay NUL-terminated once anything was added. */
#pragma once
#include "base/error.h"
#include <stddef.h>
#include <stdint.h>

struct buffer {
	char *data;
	size_t n, capacity;
};

void buffer_free(struct buffer *b);  /* leaves {0} */
void buffer_clear(struct buffer *b); /* n = 0, keeps the memory */
int buffer_reserve(struct buffer *b, size_t more, struct cbtm_error *e);
int buffer_add(struct buffer *b, const void *bytes, size_t n, struct cbtm_error *e);
int buffer_text(struct buffer *b, const char *s, struct cbtm_error *e);
int buffer_printf(struct buffer *b, struct cbtm_error *e, const char *fmt, ...) CBTM_PRINTF(3, 4);
/* Little-endian numbers, whatever the machine. */
int buffer_u32(struct buffer *b, uint32_t v, struct cbtm_error *e);
int buffer_u64(struct buffer *b, uint64_t v, struct cbtm_error *e);
