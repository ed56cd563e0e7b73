/* SPDX-License-Identifier: MIT */
/*
 * Tells a loss that explodes from one that is merely restless: it has exploded when it stays above
 * `factor` times the median of the last calm losses for `steps` steps in a row. Calm are those that
 * were not above it; before WATCH_LEAST of them are known nothing is said. The state is a function
 * of the losses alone, so a resumed run judges like an undisturbed one.
 */
#pragma once
#include "base/error.h"
#include "store/store.h"
#include <stdbool.h>

enum { WATCH_WINDOW = 64, WATCH_LEAST = 16 };

struct watch {                 /* {0}: nothing seen */
	double calm[WATCH_WINDOW]; /* a ring */
	uint64_t calms;            /* how many there were: the next goes to calms % WATCH_WINDOW */
	uint64_t above;            /* steps in a row up to now */
};

/* Takes the loss of a step; true: it has exploded. factor 0: never. */
bool watch_add(struct watch *w, double loss, double factor, uint64_t steps);
/* The median that the next loss is compared with; 0: too few losses yet. */
double watch_median(const struct watch *w);

/* To and from a resume checkpoint: the column watch.calm, the facts watch_calms and watch_above. */
int watch_write(const struct watch *w, struct store_writer *out, struct cbtm_error *e);
int watch_read(struct watch *w, const struct store *s, struct cbtm_error *e);
