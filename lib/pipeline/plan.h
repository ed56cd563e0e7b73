/* SPDX-License-Identifier: MIT */
/* A run for people: what is to do and why, and how things stand. */
#pragma once
#include "pipeline/run.h"

/* Appends what would run and why: a line for a dataset, or for clusters with the same reason. */
int plan_print(struct run *run, struct buffer *out, struct cbtm_error *e);
/* Appends how every dataset of every system stands: fresh, stale and why, running, partial. */
int plan_status(struct run *run, struct buffer *out, struct cbtm_error *e);
/* Appends a command line for every dataset that is to be made: what can be done by hand. */
int plan_commands(struct run *run, const char *bin, unsigned threads, struct buffer *out,
                  struct cbtm_error *e);
