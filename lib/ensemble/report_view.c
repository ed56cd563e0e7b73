/* SPDX-License-Identifier: MIT */
#include "ensemble/report_view.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

double view_number(struct json object, const char *name)
{
	struct json v;
	double x;
	return json_member(object, name, &v) && json_f64(v, &x) ? x : NAN;
}

bool view_is_evaluated(const struct report_view *view)
{
	return json_count(view->root) > 0;
}

static bool cards_member(const struct report_view *view, const char *name, struct json *v)
{
	return view->cards.document && json_member(view->cards, name, v);
}

double view_summary(const struct report_view *view, const char *path)
{
	const char *dot = strchr(path, '.');
	struct json at;
	char name[32];
	if (!cards_member(view, "summary", &at))
		return NAN;
	if (!dot)
		return view_number(at, path);
	snprintf(name, sizeof name, "%.*s", (int)(dot - path), path);
	return json_member(at, name, &at) ? view_number(at, dot + 1) : NAN;
}

bool view_field_name(const struct report_view *view, size_t i, const char **name, size_t *n)
{
	struct json list, one, text;
	size_t cursor = 0;
	if (!cards_member(view, "fields", &list))
		return false;
	for (size_t at = 0; json_next(list, &cursor, NULL, NULL, &one); at++)
		if (at == i)
			return json_member(one, "field", &text) && json_string(text, name, n);
	return false;
}

double view_field(const struct report_view *view, const char *field, const char *measure)
{
	struct json list, one, text;
	size_t cursor = 0, n;
	const char *name;
	if (!cards_member(view, "fields", &list))
		return NAN;
	while (json_next(list, &cursor, NULL, NULL, &one))
		if (json_member(one, "field", &text) && json_string(text, &name, &n) &&
		    n == strlen(field) && !memcmp(name, field, n))
			return view_number(one, measure);
	return NAN;
}

static bool is_mode(struct json mixture, const char *mode)
{
	struct json v;
	const char *s;
	size_t n;
	return json_member(mixture, "mode", &v) && json_string(v, &s, &n) && n == strlen(mode) &&
	       !memcmp(s, mode, n);
}

static bool at(struct json list, double index, struct json *v)
{
	size_t cursor = 0;
	for (double i = 0; json_next(list, &cursor, NULL, NULL, v); i++)
		if (i == index)
			return true;
	return false;
}

/* The context mixture whose temperature was chosen for this top_k. */
static bool chosen(struct json root, struct json mixtures, double top_k, struct json *mixture)
{
	struct json list, one;
	size_t cursor = 0;
	if (!json_member(root, "chosen", &list))
		return false;
	while (json_next(list, &cursor, NULL, NULL, &one))
		if (view_number(one, "top_k") == top_k)
			return at(mixtures, view_number(one, "mixture"), mixture);
	return false;
}

bool view_mixture(const struct report_view *view, const char *mode, size_t top_k,
                  double temperature, struct json *mixture)
{
	struct json mixtures, one;
	size_t cursor = 0;
	double clusters = view_number(view->root, "clusters"), k = top_k ? (double)top_k : clusters;
	if (!json_member(view->root, "mixtures", &mixtures))
		return false;
	if (!mode)
		return at(mixtures, view_number(view->root, "answer"), mixture);
	bool context = strcmp(mode, "context") == 0;
	if (context && temperature == 0)
		return chosen(view->root, mixtures, k, mixture);
	if (strcmp(mode, "expert") == 0 && clusters > 1)
		return false;
	while (json_next(mixtures, &cursor, NULL, NULL, &one)) {
		if (!is_mode(one, mode) || (context && (view_number(one, "top_k") != k ||
		                                        view_number(one, "temperature") != temperature)))
			continue;
		*mixture = one;
		return true;
	}
	return false;
}

bool view_experts(const struct report_view *view, const char *name, double *least, double *most,
                  double *sum)
{
	struct json experts, one;
	size_t cursor = 0;
	*least = INFINITY;
	*most = -INFINITY;
	*sum = 0;
	if (!json_member(view->root, "experts", &experts))
		return false;
	while (json_next(experts, &cursor, NULL, NULL, &one)) {
		double x = view_number(one, name);
		if (isnan(x))
			return false;
		*least = x < *least ? x : *least;
		*most = x > *most ? x : *most;
		*sum += x;
	}
	return cursor > 0;
}

/* Puts x in its place unless it is there, or there is no room. */
static size_t insert(double *values, size_t n, size_t most, double x)
{
	size_t i = 0;
	while (i < n && values[i] < x)
		i++;
	if ((i < n && values[i] == x) || n == most)
		return n;
	memmove(values + i + 1, values + i, (n - i) * sizeof *values);
	values[i] = x;
	return n + 1;
}

size_t view_values(const struct report_view *views, size_t n, const char *name, double *values,
                   size_t most)
{
	size_t found = 0;
	bool counts = strcmp(name, "top_k") == 0;
	for (size_t i = 0; i < n; i++) {
		struct json mixtures, one;
		size_t cursor = 0;
		double k = view_number(views[i].root, "clusters");
		if (!json_member(views[i].root, "mixtures", &mixtures))
			continue;
		while (json_next(mixtures, &cursor, NULL, NULL, &one)) {
			double x = view_number(one, name);
			if (is_mode(one, "context") && x > 0 && (!counts || x < k))
				found = insert(values, found, most, x);
		}
	}
	return found;
}
