/* SPDX-License-Identifier: MIT */
/* What `cbtm run` does: lock, links, jobs, record. */
#pragma once
#include "pipeline/local.h"
#include "pipeline/run.h"

/*
 * Does what is wanted of an opened run and prints to stdout what happens. Returns STOPPED if it was stopped, the first failed job's error if jobs failed.
 */
int driver_run(struct run *run, const struct local_setting *setting, struct cbtm_error *e);
