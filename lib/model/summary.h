/* SPDX-License-Identifier: MIT */
/* A trained model in a few numbers: from its checkpoint and, where there is one, the log of its run. */
#pragma once
#include "model/run_log.h"
#include "store/store.h"
#include <stdbool.h>

struct summary {
	bool trained;                /* false: imported, or made otherwise */
	uint64_t step, tokens;       /* of what is published */
	uint64_t steps;              /* that were trained: the last of the curve */
	uint64_t parameters, active; /* all; those that work on a token */
	double first, last;          /* losses of the curve, nats a token; NAN: none */
	double valid, best;          /* the last and the least loss on validation data; NAN: none */
	uint64_t best_step;
	double first_balance, last_balance; /* balance losses of a mixture's curve; NAN: it is none */
	struct run_log log;
};

/* Of a store of kind "checkpoint"; the log is {0}. BAD_STORE if it is damaged. */
int summary_read(const struct store *s, struct summary *out, struct cbtm_error *e);
/* Adds its log: DIR/log.jsonl and, for a dataset WORK/TASK/FINGERPRINT of a work folder, the logs of all runs,
 * WORK/runs/NAME/logs/. A log that cannot be read has nothing to say. */
int summary_find_log(const char *dir, const struct store *s, struct summary *out,
                     struct cbtm_error *e);
/* Appends {"steps":...,"log":{...}}; "log" is null where none was found. Mixtures alone have
 * "first_balance_loss" and "last_balance_loss". */
int summary_print(const struct summary *s, struct buffer *out, struct cbtm_error *e);
