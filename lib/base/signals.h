/* SPDX-License-Identifier: MIT */
/*
 * SIGTERM and SIGINT set a flag; the second one leaves at once with status 75. System calls that a
 * signal cuts short start again, except those that never do: poll, select, nanosleep.
 */
#pragma once
#include "base/error.h"
#include <stdbool.h>

void signals_install(void);
void signals_request_stop(void); /* as if SIGTERM had come */
bool signals_stop_requested(void);
/* 0, or a STOPPED error if a stop was requested: call it between commits. */
int signals_check(struct cbtm_error *e);
