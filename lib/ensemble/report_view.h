/* SPDX-License-Identifier: MIT */
/* Looking things up in one system's results (doc/results.md). Missing ones are NAN or false. */
#pragma once
#include "base/json.h"
#include <stdbool.h>
#include <stddef.h>

struct report_view {
	const char *name;
	struct json root;  /* results.json of one system; empty if it was not evaluated */
	struct json cards; /* {"summary": {...}, "fields": [...]} of its cluster cards; {0}: none */
};
bool view_is_evaluated(const struct report_view *view);

/* A number of an object; NAN if it is missing or null. */
double view_number(struct json object, const char *name);

/* A number of the summary of its cards: "objective", "balance.tokens". */
double view_summary(const struct report_view *view, const char *path);
/* The i-th metadata field of its cards by name; false: there are not so many. */
bool view_field_name(const struct report_view *view, size_t i, const char **name, size_t *n);
/* A measure ("nmi") of how clusters and that field agree. */
double view_field(const struct report_view *view, const char *field, const char *measure);

/* The mixture of a mode. mode NULL: the system's answer. "context": of this top_k (0, or the
 * system's number of clusters: all experts) and temperature (0: the one that was chosen). "expert":
 * the first, of an unclustered system alone. */
bool view_mixture(const struct report_view *view, const char *mode, size_t top_k,
                  double temperature, struct json *mixture);

/* The smallest, the largest and the sum of a number over the experts; false if one lacks it. */
bool view_experts(const struct report_view *view, const char *name, double *least, double *most,
                  double *sum);

/* All different values of "top_k" below the system's clusters, or of "temperature", over the context
 * mixtures of n systems, ascending; at most `most` of them. Returns how many. */
size_t view_values(const struct report_view *views, size_t n, const char *name, double *values,
                   size_t most);
