/* SPDX-License-Identifier: MIT */
/* A job's process: started with its log, ended with the parent, its log read for people. */
#pragma once
#include "base/buffer.h"
#include <stdbool.h>
#include <sys/types.h>

struct process {
	pid_t pid;
	const char *log; /* stdout and stderr, appended */
	off_t from;      /* where this attempt begins in it */
	double start;    /* clock_seconds() */
};

/*
 * Appends a line with the time and the command to the log, then starts argv[0] in a process group
 * of its own (a terminal's Ctrl-C reaches the driver alone, which passes it on), stdin empty. If
 * the caller dies the process gets SIGTERM. `variable`: "NAME=VALUE" of its environment, else the
 * caller's; NULL: none.
 */
int process_start(char *const *argv, const char *variable, const char *log, struct process *p,
                  struct cbtm_error *e);
/* The last `lines` lines of the attempt, each with `prefix` before it. Appended to `out`. */
int process_tail(const struct process *p, size_t lines, const char *prefix, struct buffer *out,
                 struct cbtm_error *e);
/* "ended with status 65", "was killed by signal 9 (Killed)". */
void process_ending(int status, char *text, size_t n);
