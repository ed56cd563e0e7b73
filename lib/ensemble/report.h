/* SPDX-License-Identifier: MIT */
/*
 * The comparison of systems: one results.json and a table for a person, from the systems'
 * "results" datasets.
 */
#pragma once
#include "base/buffer.h"
#include "base/error.h"

struct report_system {
	const char *name;
	const char *results_dir; /* a dataset of kind "results"; NULL: not evaluated */
	const char *cards_dir;   /* a dataset of kind "cards" (doc/clusters.md); NULL: none */
};

/*
 * Reads n systems; appends {"systems": [...], "comparisons": [...]} to `json` and the table (at most
 * 100 columns) to `table` (either may be NULL). A comparison is the ratio of two systems'
 * perplexities on the test documents that both have, each with the mixture that valid chose, and
 * the 95 % interval of a paired bootstrap over documents (Efron 1979; 2000 resamples). Up to four
 * systems are compared each with each, more of them each with the first.
 */
int report_make(const struct report_system *systems, size_t n, struct buffer *json,
                struct buffer *table, struct cbtm_error *e);

/* The same, with the JSON published as the file json_path. */
int report_write(const struct report_system *systems, size_t n, const char *json_path,
                 struct buffer *table, struct cbtm_error *e);
