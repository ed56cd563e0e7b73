/* SPDX-License-Identifier: MIT */
#include "ensemble/report_table.h"
#include "base/number.h"
#include <stdio.h>
#include <string.h>

#define LABEL 26
#define CELL 12
#define GROUP 6       /* systems side by side: LABEL + 6 * CELL <= 100 */
#define MOST_MATRIX 8 /* larger matrices are in results.json only */

static double number(struct json object, const char *name)
{
	struct json v;
	double x = 0;
	if (json_member(object, name, &v))
		json_f64(v, &x);
	return x;
}

static struct json item(struct json list, size_t index)
{
	struct json v = { NULL, 0 };
	size_t cursor = 0;
	for (size_t i = 0; i <= index && json_next(list, &cursor, NULL, NULL, &v); i++)
		continue;
	return v;
}

static bool is_mode(struct json mixture, const char *mode)
{
	struct json v;
	const char *s;
	size_t n;
	return json_member(mixture, "mode", &v) && json_string(v, &s, &n) && n == strlen(mode) &&
	       !memcmp(s, mode, n);
}

/* The mixture a row of the table shows; false if the system has none. */
static bool find_mixture(struct json root, const char *mode, size_t top_k, struct json *mixture)
{
	struct json mixtures, chosen, one;
	size_t cursor = 0, k = (size_t)number(root, "clusters");
	if (!json_member(root, "mixtures", &mixtures))
		return false;
	if (strcmp(mode, "context") == 0) {
		if (!json_member(root, "chosen", &chosen))
			return false;
		while (json_next(chosen, &cursor, NULL, NULL, &one))
			if ((size_t)number(one, "top_k") == (top_k ? top_k : k)) {
				*mixture = item(mixtures, (size_t)number(one, "mixture"));
				return true;
			}
		return false;
	}
	if (strcmp(mode, "answer") == 0) {
		*mixture = item(mixtures, (size_t)number(root, "answer"));
		return true;
	}
	if (strcmp(mode, "expert") == 0 && k > 1)
		return false;
	while (json_next(mixtures, &cursor, NULL, NULL, &one))
		if (is_mode(one, mode)) {
			*mixture = one;
			return true;
		}
	return false;
}

static double test_value(struct json root, const char *mode, size_t top_k, const char *what)
{
	struct json mixture, test;
	if (!find_mixture(root, mode, top_k, &mixture) || !json_member(mixture, "test", &test))
		return 0;
	return number(test, what);
}

/* What a row shows of one system, as text; empty if it does not apply. */
static void cell_model(struct json root, const char *what, char *cell, size_t n)
{
	struct json experts, one;
	double sum = 0, least = 0, most = 0, x;
	size_t cursor = 0, count = 0;
	char text[16];
	if (!json_member(root, "experts", &experts))
		return;
	while (json_next(experts, &cursor, NULL, NULL, &one)) {
		x = number(one, what);
		sum += x;
		least = count == 0 || x < least ? x : least;
		most = x > most ? x : most;
		count++;
	}
	if (strcmp(what, "repeats") == 0) {
		snprintf(cell, n, least == most ? "%.2f" : "%.2f-%.2f", least, most);
		return;
	}
	number_human(sum, text);
	snprintf(cell, n, "%s", text);
}

struct line {
	const char *label;
	const char *mode; /* NULL: not a mixture */
	size_t top_k;
	const char *what;
};

static const struct line lines[] = {
	{ "clusters", NULL, 0, "clusters" },
	{ "seed tokens", NULL, 0, "seed" },
	{ "branch tokens, together", NULL, 0, "tokens" },
	{ "updates, together", NULL, 0, "steps" },
	{ "parameters, together", NULL, 0, "parameters" },
	{ "passes over the documents", NULL, 0, "repeats" },
	{ "test perplexity", NULL, 0, NULL },
	{ "  seed", "seed", 0, "perplexity" },
	{ "  one model", "expert", 0, "perplexity" },
	{ "  routed, top-1", "context", 1, "perplexity" },
	{ "  routed, top-2", "context", 2, "perplexity" },
	{ "  routed, top-4", "context", 4, "perplexity" },
	{ "  routed, all", "context", 0, "perplexity" },
	{ "  uniform mixture", "uniform", 0, "perplexity" },
	{ "  posterior (bayes)", "bayes", 0, "perplexity" },
	{ "  own cluster (oracle)", "oracle", 0, "perplexity" },
	{ "chosen on valid", NULL, 0, NULL },
	{ "  temperature", "answer", 0, "temperature" },
	{ "  experts used", "answer", 0, "top_k" },
	{ "  test perplexity", "answer", 0, "perplexity" },
	{ "  bits per byte", "answer", 0, "bits_per_byte" },
	{ "best on own cluster", NULL, 0, "own_best" },
};

static void cell_text(const struct line *line, struct json root, char *cell, size_t n)
{
	struct json seed, mixture;
	double clusters = number(root, "clusters");
	cell[0] = 0;
	if (!line->what)
		return;
	if (!line->mode) {
		if (!strcmp(line->what, "clusters"))
			snprintf(cell, n, "%.0f", clusters);
		else if (!strcmp(line->what, "own_best") && clusters > 1)
			snprintf(cell, n, "%.0f of %.0f", number(root, "own_best"), clusters);
		else if (!strcmp(line->what, "seed") && json_member(root, "seed", &seed))
			number_human(number(seed, "tokens"), cell);
		else if (strcmp(line->what, "own_best"))
			cell_model(root, line->what, cell, n);
		return;
	}
	if (!strcmp(line->what, "temperature") || !strcmp(line->what, "top_k")) {
		if (clusters > 1 && find_mixture(root, "answer", 0, &mixture))
			snprintf(cell, n, line->what[1] == 'e' ? "%.3f" : "%.0f", number(mixture, line->what));
		return;
	}
	double x = test_value(root, line->mode, line->top_k, line->what);
	if (x > 0)
		snprintf(cell, n, line->what[0] == 'b' ? "%.4f" : "%.2f", x);
}

static int table_of(const struct report_view *views, size_t n, struct buffer *out,
                    struct cbtm_error *e)
{
	buffer_printf(out, e, "%-*s", LABEL, "");
	for (size_t i = 0; i < n; i++)
		buffer_printf(out, e, "%*.*s", CELL, CELL - 1, views[i].name);
	buffer_text(out, "\n", e);
	for (size_t l = 0; l < sizeof lines / sizeof lines[0]; l++) {
		char cells[GROUP][32];
		bool any = lines[l].what == NULL;
		for (size_t i = 0; i < n; i++) {
			cell_text(&lines[l], views[i].root, cells[i], sizeof cells[i]);
			any = any || cells[i][0];
		}
		if (!any)
			continue;
		buffer_printf(out, e, "%-*s", lines[l].what ? LABEL : 0, lines[l].label);
		for (size_t i = 0; lines[l].what && i < n; i++)
			buffer_printf(out, e, "%*s", CELL, cells[i][0] ? cells[i] : "-");
		buffer_text(out, "\n", e);
	}
	return e->name;
}

static int matrix_of(const struct report_view *view, struct buffer *out, struct cbtm_error *e)
{
	struct json matrix, row, cell;
	size_t k = (size_t)number(view->root, "clusters"), cursor = 0, inner;
	double x[MOST_MATRIX][MOST_MATRIX] = { { 0 } };
	if (k < 2 || k > MOST_MATRIX || !json_member(view->root, "matrix", &matrix))
		return 0;
	for (size_t i = 0; i < k && json_next(matrix, &cursor, NULL, NULL, &row); i++) {
		inner = 0;
		for (size_t j = 0; j < k && json_next(row, &inner, NULL, NULL, &cell); j++)
			json_f64(cell, &x[i][j]);
	}
	buffer_printf(out, e,
	              "\n%s: test perplexity of expert (row) on cluster (column), * = best\n%10s",
	              view->name, "");
	for (size_t j = 0; j < k; j++)
		buffer_printf(out, e, "%10zu ", j);
	for (size_t i = 0; i < k; i++) {
		buffer_printf(out, e, "\n%10zu", i);
		for (size_t j = 0; j < k; j++) {
			bool best = true;
			for (size_t o = 0; o < k; o++)
				best = best && (o == i || x[i][j] < x[o][j]);
			buffer_printf(out, e, "%10.2f%c", x[i][j], best ? '*' : ' ');
		}
	}
	return buffer_text(out, "\n", e);
}

int report_table(const struct report_view *views, size_t n, const struct report_comparison *pairs,
                 size_t n_pairs, struct buffer *out, struct cbtm_error *e)
{
	for (size_t i = 0; i < n; i += GROUP) {
		table_of(views + i, n - i < GROUP ? n - i : GROUP, out, e);
		buffer_text(out, "\n", e);
	}
	for (size_t i = 0; i < n; i++)
		matrix_of(&views[i], out, e);
	buffer_text(out, "\n", e);
	for (size_t i = 0; i < n_pairs; i++) {
		const struct comparison *c = &pairs[i].c;
		buffer_printf(out, e, "%s against %s: perplexity %+.1f %% [%+.1f, %+.1f] (%zu documents)\n",
		              pairs[i].a, pairs[i].b, 100 * (c->ratio - 1), 100 * (c->low - 1),
		              100 * (c->high - 1), c->documents);
	}
	return e->name;
}
