/* SPDX-License-Identifier: MIT */
/*
 * The bad lines of a part, kept beside it for a person to mend: a JSON object a line, with where
 * ("file:line:byte"), error, and line: the bytes as they came, {"base64": ...} if they are not
 * UTF-8. The file is whole or not there.
 */
#pragma once
#include "base/error.h"
#include <stddef.h>

struct quarantine;
/* Begins a new file at `path`, which must live on; what a killed run left of it is overwritten. */
int quarantine_open(const char *path, struct quarantine **q, struct cbtm_error *e);
int quarantine_add(struct quarantine *q, const struct cbtm_error *why, const char *line, size_t n,
                   struct cbtm_error *e);
/* Publishes the file; without a bad line there is none, nor an older one. */
int quarantine_publish(struct quarantine *q, struct cbtm_error *e);
void quarantine_close(struct quarantine *q); /* NULL is fine; what is not published is removed */
