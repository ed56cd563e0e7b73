/* SPDX-License-Identifier: MIT */
/* GNU long options from parameter tables; --help made from the same rows. */
#pragma once
#include "base/param.h"

/* One table and the struct that its rows point into. */
struct option_group {
	const char *title; /* heading in --help; NULL: none */
	const struct cbtm_param *table;
	void *values; /* defaults are set by options_parse */
	uint64_t set; /* out: bit i = row i was given (rows 0..63) */
};

/*
 * Parses argv[1..argc): --name value, --name=value, --name / --no-name for BOOL, "--" ends options.
 * Repeating a list option appends; "[]" is the empty list. Arguments that are no options are moved to the front of argv
 * (argv[1..*n_arguments]). Unknown options: USAGE error with the nearest name. Required rows are checked
 * unless `lenient`, which also skips unknown options (a first pass that looks for one option).
 */
int options_parse(struct option_group *groups, size_t n_groups, struct arena *a, int argc,
                  char **argv, int *n_arguments, bool lenient, struct cbtm_error *e);

/* Writes the rows of the groups as help text (name, value, meaning, default), 80 columns, into `out`. */
int options_help(const struct option_group *groups, size_t n_groups, struct buffer *out,
                 struct cbtm_error *e);
