/* SPDX-License-Identifier: MIT */
/*
 * Progress of long work: a bar with rate and time left on a terminal, plain lines at least every
 * 10 s elsewhere (and events in the log). Monotonic clock. One at a time per process.
 */
#pragma once
#include <stdint.h>

/* total = 0: unknown. unit: "documents", "tokens", "steps", "B". `title` is copied. */
void progress_start(const char *title, uint64_t total, const char *unit);
/* Sets what is done; cheap, any thread, as often as you like. extra may be NULL ("loss 3.21"). */
void progress_set(uint64_t done, const char *extra);
void progress_finish(void);
double clock_seconds(void); /* monotonic */
