/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"
#include "base/memory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_free(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){ 0 };
}

void buffer_clear(struct buffer *b)
{
	b->n = 0;
	if (b->data)
		b->data[0] = 0;
}

int buffer_reserve(struct buffer *b, size_t more, struct cbtm_error *e)
{
	size_t need;

	if (!size_add(b->n, more, &need) || !size_add(need, 1, &need))
		return error_set(e, CBTM_ERR_MEMORY, NULL, "cannot allocate %zu more bytes", more);
	if (!b->n && need > b->capacity)
		buffer_free(b); /* there is nothing to copy */
	return array_reserve(&b->data, &b->capacity, need, 1, e);
}

int buffer_add(struct buffer *b, const void *bytes, size_t n, struct cbtm_error *e)
{
	int r = buffer_reserve(b, n, e);

	if (r)
		return r;
	if (n)
		memcpy(b->data + b->n, bytes, n);
	b->n += n;
	b->data[b->n] = 0;
	return 0;
}

int buffer_text(struct buffer *b, const char *s, struct cbtm_error *e)
{
	return buffer_add(b, s, strlen(s), e);
}

int buffer_printf(struct buffer *b, struct cbtm_error *e, const char *fmt, ...)
{
	va_list args;
	int n, r;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0)
		return error_set(e, CBTM_ERR_INTERNAL, NULL, "cannot format \"%s\"", fmt);
	r = buffer_reserve(b, (size_t)n, e);
	if (r)
		return r;
	va_start(args, fmt);
	vsnprintf(b->data + b->n, (size_t)n + 1, fmt, args);
	va_end(args);
	b->n += (size_t)n;
	return 0;
}

int buffer_u32(struct buffer *b, uint32_t v, struct cbtm_error *e)
{
	unsigned char bytes[4];

	for (int i = 0; i < 4; i++)
		bytes[i] = (unsigned char)(v >> 8 * i);
	return buffer_add(b, bytes, sizeof bytes, e);
}

int buffer_u64(struct buffer *b, uint64_t v, struct cbtm_error *e)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(v >> 8 * i);
	return buffer_add(b, bytes, sizeof bytes, e);
}
