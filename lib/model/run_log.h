/* SPDX-License-Identifier: MIT */
/*
 * What the log of a training run says of it as a whole (model/journal.h wrote it): rates, memory, time,
 * what saving took. A log is what processes that were killed left: lines that are torn, no JSON,
 * of another run or without what is asked are passed over.
 */
#pragma once
#include "base/buffer.h"
#include "base/digest.h"
#include "base/error.h"
#include <stdint.h>

struct run_log {                /* {0}: nothing was said */
	uint64_t points;            /* events "step" */
	uint64_t step;              /* the last that was logged */
	uint64_t tokens;            /* that the points are about */
	double seconds;             /* that these took, validation and saving left out */
	double flops;               /* operations of these */
	uint64_t peak_memory;       /* bytes, the most of any process */
	double validating;          /* seconds */
	uint64_t saves, save_bytes; /* states that came to the disk; bytes of the last */
	double saving, waited; /* seconds: until they were on the disk; in which nothing was trained */
	uint64_t before;       /* tokens up to the last point that was read */
};

/* Adds what the file `path` says of the run of this fingerprint, once per line; a file that is not there says
 * nothing. MEMORY, or IO if it cannot be read. */
int run_log_read(const char *path, struct digest fingerprint, struct run_log *log,
                 struct cbtm_error *e);
/* Tokens a second while training; 0: not known. */
double run_log_rate(const struct run_log *log);
/* Appends {"tokens_per_second":...,"flops_per_second":...,...}; null if nothing was said. */
int run_log_print(const struct run_log *log, struct buffer *out, struct cbtm_error *e);
