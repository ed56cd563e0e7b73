/* SPDX-License-Identifier: MIT */
/* All that is wrong with a pipeline, one line each, so that it can be mended at once. */
#pragma once
#include "base/buffer.h"
#include "base/error.h"

struct problems {
	struct buffer text; /* lines "file:line:column: key: what" */
	size_t n;
	enum cbtm_error_name name; /* what they are: of one kind all, else CONFIG */
};
void problems_free(struct problems *p);
/* Adds a line unless it stands there already; `where` is what stands before the first ": ". */
int problems_add(struct problems *p, struct cbtm_error *e, enum cbtm_error_name name,
                 const char *where, const char *fmt, ...) CBTM_PRINTF(5, 6);
/* Sorts lines that begin with "FILE:line:column" by their places; others come last, in order. */
int problems_sort(struct problems *p, const char *file, struct cbtm_error *e);
/* Adds what an error says and clears the error, unless it is about memory or a bug of ours. */
int problems_take(struct problems *p, struct cbtm_error *found, struct cbtm_error *e);
