/* SPDX-License-Identifier: MIT */
/* Filling and printing struct cbtm_error (include/cbtm/error.h has the table of names). */
#pragma once
#include <cbtm/error.h>

/*
 * Fills *e unless it holds an error already, and returns its name (so: `return error_set(...)`).
 * `where` may be NULL; it is cut to the field's size. errno is not read. Thread: the caller's own *e.
 */
enum cbtm_error_name error_set(struct cbtm_error *e, enum cbtm_error_name name, const char *where,
                               const char *fmt, ...) CBTM_PRINTF(4, 5);

/* The same for a failed system call: keeps errno, maps ENOSPC/EDQUOT to DISK_FULL, ENOENT to
 * MISSING_INPUT, ENOMEM to MEMORY, all else to `name`; `what` gets ": strerror" behind it. */
enum cbtm_error_name error_errno(struct cbtm_error *e, enum cbtm_error_name name, const char *where,
                                 const char *fmt, ...) CBTM_PRINTF(4, 5);

/* Replaces the default hint of an error that was just set. No-op on CBTM_OK. Returns e->name. */
enum cbtm_error_name error_hint(struct cbtm_error *e, const char *fmt, ...) CBTM_PRINTF(2, 3);

/* Copies `from` into *e unless *e is filled. Returns e->name. */
enum cbtm_error_name error_copy(struct cbtm_error *e, const struct cbtm_error *from);

/* Table look-ups: "BAD_JSON", 65, "mend the line...". Static strings. */
const char *error_name(enum cbtm_error_name name);
int error_exit_status(enum cbtm_error_name name);
const char *error_default_hint(enum cbtm_error_name name);

/* Writes "program: where: what\nprogram: hint: ..." into buf (size n, always terminated). */
void error_format(const struct cbtm_error *e, const char *program, char *buf, size_t n);
