/* SPDX-License-Identifier: MIT */
/*
 * Errors as values. A function that can fail returns 0 (CBTM_OK) or the error's name, and fills
 * the caller's struct cbtm_error. The first error wins: a filled error is never overwritten, so
 * calls chain and clean-up code may fail without hiding the cause.
 *
 * This table is the only place where an error is declared: name, exit status (sysexits.h),
 * default hint ("" = none).
 */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define CBTM_ERRORS(X)                                                                             \
	X(USAGE, 64, "see --help")                                                                     \
	X(BAD_DATA, 65, "")                                                                            \
	X(BAD_JSON, 65, "mend the line, or leave bad ones out: bad_input: skip")                       \
	X(BAD_UTF8, 65, "mend the text, or let it be repaired: bad_input: skip")                       \
	X(BAD_STORE, 65, "remove the damaged part and run the stage again")                            \
	X(EMPTY_CORPUS, 65, "check the input paths and the text field's name")                         \
	X(TOO_MANY_CLUSTERS, 65, "choose a smaller cluster.k")                                         \
	X(NOT_FINITE, 65, "lower the learning rate")                                                   \
	X(MISSING_INPUT, 66, "check the path")                                                         \
	X(INTERNAL, 70, "this is a bug of ours: please report it")                                     \
	X(MEMORY, 71, "free some memory, or use fewer threads or a smaller batch")                     \
	X(CREATE, 73, "check the folder's permissions")                                                \
	X(IO, 74, "")                                                                                  \
	X(DISK_FULL, 74, "free some space and run again: what is committed is kept")                   \
	X(BUSY, 75, "wait until the other process has ended, then run again")                          \
	X(STOPPED, 75, "run the same command again to go on")                                          \
	X(TASK_FAILED, 70, "see the log of the task that failed")                                      \
	X(CONFIG, 78, "see cbtm validate --help and the manual of pipeline.yaml")                      \
	X(PLUGIN, 78, "see cbtm plugins --help")                                                       \
	X(DIVERGED, 65, "lower the learning rate")

enum cbtm_error_name {
	CBTM_OK = 0,
#define CBTM_ERROR_ENUM(name, exit, hint) CBTM_ERR_##name,
	CBTM_ERRORS(CBTM_ERROR_ENUM)
#undef CBTM_ERROR_ENUM
		CBTM_ERROR_COUNT
};

struct cbtm_error {
	enum cbtm_error_name name; /* CBTM_OK: nothing happened */
	int sys_errno;             /* errno behind it, 0 if none */
	char where[512]; /* file, key or plugin ("corpus.jsonl:12", "cluster.k"); may be empty */
	char what[512];  /* what failed and why, one sentence without a full stop */
	char hint[256];  /* what to do; empty: the table's default */
};

#if defined(__GNUC__)
#define CBTM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define CBTM_PRINTF(fmt, args)
#endif
