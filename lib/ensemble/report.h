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
	const char *results_dir; /* a dataset of kind "results" */
};

/*
 * Reads n systems; writes {"systems": [...], "comparisons": [...]} to json_path (NULL: not) and
 * appends the table (at most 100 columns) to `table`. A comparison is the ratio of two systems'
 * perplexities on the same test documents, each with the mixture that valid chose, and the 95 %
 * interval of a paired bootstrap over documents (Efron 1979; 2000 resamples).
 */
int report_write(const struct report_system *systems, size_t n, const char *json_path,
                 struct buffer *table, struct cbtm_error *e);
