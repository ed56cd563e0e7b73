/* SPDX-License-Identifier: MIT */
/*
 * Named failpoints, compiled in by configure --enable-fault only. CBTM_FAIL=name:n:action makes
 * the n-th passage (1 = first) of the failpoint act: `kill` (SIGKILL to itself), `enospc`, `eio`
 * (return an error), `stop` (as if SIGTERM had come). CBTM_FAIL_LIST=FILE appends "name count" at exit.
 */
#pragma once
#include "base/error.h"

#ifdef CBTM_FAULT
int fault_point(const char *name, struct cbtm_error *e); /* 0: go on */
#else
static inline int fault_point(const char *name, struct cbtm_error *e)
{
	(void)name, (void)e;
	return 0;
}
#endif
