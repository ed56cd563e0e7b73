/* SPDX-License-Identifier: MIT */
/*
 * Where the time of a task goes: seconds that threads spent in each step, added up over threads.
 * One task at a time per process; the log's event "steps" tells them.
 */
#pragma once
#include "base/buffer.h"

enum step {
	STEP_READ,       /* bytes from files */
	STEP_DECOMPRESS, /* of input files, of stores that are read */
	STEP_LINES,      /* cutting lines */
	STEP_PARSE,      /* JSON, fields, digests */
	STEP_ENCODE,     /* token ids */
	STEP_APPEND,     /* rows into columns */
	STEP_COMPRESS,   /* blocks of stores */
	STEP_COMMIT,     /* into the growing part */
	STEP_SEAL,       /* checking, the part's final form (elapsed, however many threads) */
	STEP_SYNC,       /* waiting for the disk */
	STEP_COUNT
};

void steps_clear(void);
void steps_add(enum step s, double seconds); /* any thread */
/* What threads spent in it since steps_clear. */
double steps_seconds(enum step s);
/* Appends "read":0.12,"decompress":... of the steps that took any time. */
int steps_members(struct buffer *b, struct cbtm_error *e);
