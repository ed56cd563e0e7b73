/* SPDX-License-Identifier: MIT */
/* A subcommand of cbtm: one file commands/NAME.c with `const struct command command_NAME`, found by wildcard. */
#pragma once
#include "base/error.h"
#include "stage/options.h"

struct command {
	const char *name;
	const char *sentence;             /* first line of --help */
	const char *arguments;            /* "STORE...", "PIPELINE"; "" if none */
	const struct cbtm_param *options; /* NULL: none */
	size_t options_size;
	const char *example;
	/* arguments: those that are no options. May print to stdout. Returns an error's name or 0. */
	int (*run)(const void *options, char **arguments, int n, struct cbtm_error *e);
};

/* All subcommands, sorted by name; ends with NULL. Made by the build from commands/NAME.c. */
extern const struct command *const command_registry[];
