/* SPDX-License-Identifier: MIT */
/* The parameters of the least loss on validation data so far, beside those that are trained on. */
#pragma once
#include "model/checkpoint.h"
#include "model/history.h"

struct best { /* {0}: none yet */
	float *v; /* all parameters, in the list's order */
	uint64_t step;
	double loss;
};
void best_free(struct best *b);
/* Keeps a copy of p's parameters if the validation is the best one yet; the earlier of equal ones. */
int best_note(struct best *b, const struct program *p, const struct valid_point *valid,
              struct cbtm_error *e);
/* Puts them into the program, instead of what it holds. Nothing to do if there are none. */
int best_restore(const struct best *b, const struct program *p, struct cbtm_error *e);
/* To and from a resume checkpoint: columns best.NAME, facts best_step and best_loss; none: no such. */
int best_write(const struct best *b, const struct program *p, struct store_writer *w,
               struct cbtm_error *e);
int best_read(struct best *b, const struct program *p, const struct store *s, struct cbtm_error *e);
