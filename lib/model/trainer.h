/* SPDX-License-Identifier: MIT */
/* The inside of a training run: a program with its data, and one step of it. training.c is the run. */
#pragma once
#include "model/expert_load.h"
#include "model/order.h"
#include "model/resume.h"
#include "model/training.h"

struct trainer {
	const struct training *t;
	struct program program;
	struct store *sequences;     /* the dataset's only part */
	struct order *order, *valid; /* NULL if there are none: without `order` no step can be made */
	uint32_t *ids, *targets;     /* B x T */
	uint32_t B, T;               /* sequences at a time, tokens of each */
	struct run_state state;
	struct expert_load load; /* of the last step */
	struct buffer identity;  /* model/identity.h */
	struct run_owner owner;
};

/* Opens the sequences and finds out what decides the result: r->owner. trainer_close in any case. */
int trainer_open(struct trainer *r, const struct training *t, struct cbtm_error *e);
/* Makes the program, and puts the state where a resume checkpoint or a shorter run left it, else the
 * parameters where they start. */
int trainer_start(struct trainer *r, struct cbtm_error *e);
void trainer_close(struct trainer *r);

/* Forward, backward and update on the next batch; fills the point of the curve. NOT_FINITE, the
 * parameters as they were, if the loss or the gradient is not finite. */
int trainer_step(struct trainer *r, struct curve_point *point, struct cbtm_error *e);
/* The mean loss on the first sequences of "valid", into the history; once a step. `last`: no step comes behind it, and
 * no state is saved. NOT_FINITE alike. */
int trainer_validate(struct trainer *r, bool last, struct cbtm_error *e);
/* How mixtures share out the sequences that validation takes, else the first to be trained on, as
 * in training but for dropout, into r->load. */
int trainer_measure(struct trainer *r, struct cbtm_error *e);
