/* SPDX-License-Identifier: MIT */
/* The steps of a clustering's fit: logged, shown as progress, kept for the centres' store. */
#pragma once
#include "store/store.h"
#include <cbtm/cluster.h>

struct fit_steps {
	struct cbtm_fit_report report; /* what fit() gets */
	size_t n, room;
	struct cbtm_fit_step *step; /* n */
	double last;                /* when the last step ended, clock_seconds() */
};
/* Sets report.step; free with fit_steps_free. */
void fit_steps_start(struct fit_steps *s);
void fit_steps_free(struct fit_steps *s);

/* The last step of the restart that ended with the least objective, ties to the earlier; NULL if
 * there are no steps. */
const struct cbtm_fit_step *fit_steps_kept(const struct fit_steps *s);

/*
 * Appends the columns step.* of kind "centres" and its facts: iterations (of the kept restart),
 * steps (of all), objective and split_loss (of its last step), gap (the largest of all steps).
 */
int fit_steps_put(const struct fit_steps *s, struct store_writer *out, struct cbtm_error *e);
