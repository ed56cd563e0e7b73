/* SPDX-License-Identifier: MIT */
/*
 * What decides every bit of a training run, by content: the compute plugin with its options, the
 * model, the steps and their rates, the optimizer, the sequences, the parameters that it begins from.
 * One JSON object, kept in resume checkpoints and as the fact "training" of what is published. Two runs
 * of the same identity have the same parameters after each step, whatever their tasks are called; which
 * of them are published is no part of it.
 */
#pragma once
#include "model/training.h"

#define IDENTITY_FACT "training"

/* Prints it. `sequences` is the opened part of t->sequences. */
int identity_print(const struct training *t, const struct store *sequences, struct buffer *out,
                   struct cbtm_error *e);

/* How two of them differ. */
struct identity_difference {
	size_t n;        /* in how many members; 0: not at all */
	bool in_end;     /* only behind which step the run ends */
	bool in_extent;  /* only in how long the run is: that, steps, cooldown, its shape */
	bool constant;   /* both have a constant rate: their first steps are the same */
	uint64_t stable; /* the first so many of those that are there (schedule_stable) */
	uint64_t end;    /* how many there are */
	char text[320];  /* "lr: 0.003 there, 0.001 here; ...", as far as there is room */
};
/* `there` may be any text: what is no such object is BAD_STORE, naming `where`. */
int identity_compare(const char *there, const char *here, const char *where,
                     struct identity_difference *d, struct cbtm_error *e);

/* The digest, as 16 digits, of all but the extent: runs of a constant rate that begin alike have the same; or, if
 * `whole`, of all but where the run ends. `best`: whether its states hold the best parameters (model/best.h). */
int identity_family(const char *identity, bool whole, bool best, char family[17],
                    struct cbtm_error *e);
