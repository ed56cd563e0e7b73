/* SPDX-License-Identifier: MIT */
/* What `cbtm run` does: lock, links, jobs, record, report. */
#pragma once
#include "pipeline/local.h"
#include "pipeline/run.h"

/*
 * Does what is wanted of an opened run and prints to stdout what happens. At the end, if all is
 * done, the systems' results are written to the run's results.json and printed as a table. Returns
 * STOPPED if it was stopped, the first failed job's error if jobs failed.
 */
int driver_run(struct run *run, const struct local_setting *setting, struct cbtm_error *e);
