/* SPDX-License-Identifier: MIT */
/* The comparison of systems as text of at most 100 columns. */
#pragma once
#include "base/buffer.h"
#include "base/json.h"
#include "ensemble/compare.h"

struct report_view {
	const char *name;
	struct json root; /* results.json of one system */
};
struct report_comparison {
	const char *a, *b; /* names */
	struct comparison c;
};

/* Appends: a column a system (in groups that fit), the matrix of each clustered system, then the
 * comparisons as sentences. */
int report_table(const struct report_view *views, size_t n, const struct report_comparison *pairs,
                 size_t n_pairs, struct buffer *out, struct cbtm_error *e);
