/* SPDX-License-Identifier: MIT */
/* The comparison of systems as text of at most 100 columns. doc/results.md explains every row. */
#pragma once
#include "base/buffer.h"
#include "ensemble/compare.h"
#include "ensemble/report_view.h"

struct report_comparison {
	const char *a, *b; /* names */
	struct comparison c;
};

/* Appends: a column a system (in groups that fit), the matrix of each clustered system, then the
 * comparisons as sentences (longer only where names are). What a system lacks is "-". */
int report_table(const struct report_view *views, size_t n, const struct report_comparison *pairs,
                 size_t n_pairs, struct buffer *out, struct cbtm_error *e);
