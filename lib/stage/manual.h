/* SPDX-License-Identifier: MIT */
/*
 * Pages made from the tables that programs and plugins are declared with, so that no page can say
 * what the program does not do: the reference of pipeline.yaml (Markdown), manual pages (man(7))
 * and a completion for bash. `cbtm document` writes them.
 */
#pragma once
#include "base/buffer.h"
#include <cbtm/param.h>

/* A table of parameters with its heading. `table` may be NULL: no parameters. */
struct manual_section {
	const char *title;    /* "cluster", "cluster: balanced-kmeans" */
	const char *sentence; /* what it is; may be NULL */
	const struct cbtm_param *table;
};

/* A program, or a subcommand of one. */
struct manual_page {
	const char *name;      /* "cbtm-tokenize", "cbtm run" */
	const char *sentence;  /* one, as --help begins with */
	const char *arguments; /* "PIPELINE"; "" if none */
	const struct manual_section *sections;
	size_t n_sections;
	const char *example; /* a command that works; NULL: none */
};

/* A section of the reference: "## title", the sentence, a row for each key. Appended to `out`. */
int manual_reference(const struct manual_section *s, struct buffer *out, struct cbtm_error *e);
/* A manual page in man(7), section 1; `version` stands in its foot. Appended to `out`. */
int manual_page(const struct manual_page *p, const char *version, struct buffer *out,
                struct cbtm_error *e);
/* The completion of the page's options for bash: one `case` row for its name. Appended to `out`. */
int manual_completion(const struct manual_page *p, struct buffer *out, struct cbtm_error *e);
