/* SPDX-License-Identifier: MIT */
/* The parameters of the least loss on validation data so far, beside those that are trained on. */
#pragma once
#include "model/checkpoint.h"
#include "model/history.h"
#include <stdbool.h>

struct best {      /* {0}: none yet */
	float *v;      /* all parameters, in the list's order; NULL: none, or they are the last ones */
	uint64_t step; /* of that validation */
	double loss;
	bool known; /* there was one */
};
void best_free(struct best *b);
/* Notes a validation, the best one yet, of equal ones the earlier. It keeps a copy of p's parameters then, unless
 * they are the last ones: nothing comes behind them. */
int best_note(struct best *b, const struct program *p, const struct valid_point *valid, bool last,
              struct cbtm_error *e);
/* At the end: nothing is held if the best are those of the last step. */
void best_end(struct best *b, uint64_t step);
/* Changes them with what the program holds. Nothing to do if it holds nothing. */
int best_swap(struct best *b, const struct program *p, struct cbtm_error *e);
/* Appends what is held as columns PREFIX + NAME. */
int best_append(const struct best *b, const struct program *p, const char *prefix,
                struct store_writer *w, struct cbtm_error *e);
/* To and from a resume checkpoint: columns best.NAME, facts best_step and best_loss; none: no such. */
int best_write(const struct best *b, const struct program *p, struct store_writer *w,
               struct cbtm_error *e);
int best_read(struct best *b, const struct program *p, const struct store *s, struct cbtm_error *e);
