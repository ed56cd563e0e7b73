/* SPDX-License-Identifier: MIT */
/* What `cbtm run` does: lock, links, jobs, record. */
#pragma once
#include "pipeline/local.h"
#include "pipeline/run.h"

/*
 * Does what is wanted of an opened run and prints to stdout what happens. Returns STOPPED if it was stopped, the first failed job's error if jobs failed;
 * DISK_FULL or MEMORY before anything is started if the disk or memory will not do (estimate.h).
 */
int driver_run(struct run *run, const struct local_setting *setting, struct cbtm_error *e);
