/* SPDX-License-Identifier: MIT */
/*
 * Standard input as a file. What a stage makes is named by its input's content, and a stopped stage
 * reads its input again: so a pipe is copied to a temporary file first ($TMPDIR, else /tmp), which
 * has no name and goes with the process. Given the same bytes again, a stopped run goes on.
 */
#pragma once
#include "base/error.h"

/* Reads standard input to its end. Returns a descriptor (the caller closes it), -1 on errors: IO,
 * DISK_FULL, CREATE, STOPPED. A regular file that stands at its start is not copied. */
int spool_standard_input(struct cbtm_error *e);
