/* SPDX-License-Identifier: MIT */
#include "ensemble/report_table.h"
#include "base/memory.h"
#include "base/number.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 100
#define LABEL 28
#define LEAST_CELL 12
#define MOST_CELL 36 /* longer names are cut */
#define CELL_TEXT 72
#define MOST_MATRIX 8 /* larger ones stand in the JSON alone */
#define MOST_VALUES 16

/* Where a row's cell comes from. */
enum source {
	HEADING,
	FACT,     /* a number of the system */
	HELD_OUT, /* of its test documents */
	SEED,     /* of the seed */
	TOGETHER, /* summed over the experts */
	EACH,     /* of each expert: one number, or the smallest and the largest */
	MIXTURE,  /* of a mixture's test results */
	ANSWER,   /* of the system's answer itself: how it routes */
	OWN_BEST,
	CARDS, /* of the summary of its cluster cards */
	FIELD  /* of a metadata field of these; its name is `mode` */
};

enum { HUMAN = -1, SHORTEST = -2 };

struct row {
	const char *label;
	enum source source;
	const char *name; /* of the number */
	int decimals;     /* or HUMAN (12.3M), SHORTEST (0.05) */
	const char *mode; /* MIXTURE: see view_mixture */
	size_t top_k;
	double temperature;
};

static const struct row clusters[] = {
	{ .label = "clusters", FACT, "clusters", 0 },
	{ .label = "  objective", CARDS, "objective", 4 },
	{ .label = "  largest / mean, documents", CARDS, "balance.documents", 2 },
	{ .label = "  largest / mean, tokens", CARDS, "balance.tokens", 2 },
	{ .label = "  margin", CARDS, "margin", 3 },
};
static const struct row what_was_seen[] = {
	{ .label = "seed tokens", SEED, "tokens", HUMAN },
	{ .label = "branch tokens, together", TOGETHER, "tokens", HUMAN },
	{ .label = "branch tokens, each model", EACH, "tokens", HUMAN },
	{ .label = "updates, each model", EACH, "steps", 0 },
	{ .label = "passes, each model", EACH, "passes", 2 },
	{ .label = "parameters, each model", EACH, "parameters", HUMAN },
	{ .label = "test documents", HELD_OUT, "documents", 0 },
	{ .label = "test tokens", HELD_OUT, "tokens", HUMAN },
};
static const struct row one_model[] = {
	{ .label = "test perplexity", HEADING },
	{ .label = "  seed", MIXTURE, "perplexity", 2, "seed" },
	{ .label = "  one model", MIXTURE, "perplexity", 2, "expert" },
};
static const struct row other_mixtures[] = {
	{ .label = "  uniform mixture", MIXTURE, "perplexity", 2, "uniform" },
	{ .label = "  posterior (bayes)", MIXTURE, "perplexity", 2, "bayes" },
	{ .label = "  own cluster (oracle)", MIXTURE, "perplexity", 2, "oracle" },
};
static const struct row answers[] = {
	{ .label = "chosen on valid", HEADING },
	{ .label = "  temperature", ANSWER, "temperature", SHORTEST },
	{ .label = "  experts used", ANSWER, "top_k", 0 },
	{ .label = "  test perplexity", MIXTURE, "perplexity", 2 },
	{ .label = "  bits per byte", MIXTURE, "bits_per_byte", 4 },
	{ .label = "best on own cluster", OWN_BEST },
};
#define ROWS(a) a, sizeof a / sizeof a[0]

static void print_number(double x, int decimals, char text[32])
{
	if (decimals == HUMAN)
		number_human(x, text);
	else if (decimals == SHORTEST)
		number_print_f64(x, text);
	else
		snprintf(text, 32, "%.*f", decimals, x);
}

static double value(const struct row *row, const struct report_view *view)
{
	struct json at = view->root, inner;
	switch (row->source) {
	case FACT:
		return view_is_evaluated(view) ? view_number(at, row->name) : view_summary(view, row->name);
	case CARDS:
		return view_summary(view, row->name);
	case FIELD:
		return view_field(view, row->mode, row->name);
	case HELD_OUT:
		return json_member(at, "held_out", &inner) && json_member(inner, "test", &at)
		           ? view_number(at, row->name)
		           : NAN;
	case SEED:
		return json_member(at, "seed", &inner) ? view_number(inner, row->name) : NAN;
	case MIXTURE:
		return view_mixture(view, row->mode, row->top_k, row->temperature, &inner) &&
		               json_member(inner, "test", &at)
		           ? view_number(at, row->name)
		           : NAN;
	case ANSWER:
		return view_mixture(view, NULL, 0, 0, &inner) ? view_number(inner, row->name) : NAN;
	default:
		return NAN;
	}
}

/* A row's value of one system as text; empty if it has none. */
static void cell_of(const struct row *row, const struct report_view *view, char cell[CELL_TEXT])
{
	double least, most, sum, x = value(row, view);
	char text[32] = "", second[32];
	cell[0] = 0;
	if (row->source == OWN_BEST) {
		double k = view_number(view->root, "clusters");
		if (k > 1)
			snprintf(cell, CELL_TEXT, "%.0f of %.0f", view_number(view->root, "own_best"), k);
		return;
	}
	if (row->source == TOGETHER || row->source == EACH) {
		if (!view_experts(view, row->name, &least, &most, &sum))
			return;
		x = row->source == TOGETHER ? sum : least;
		print_number(most, row->decimals, second);
	}
	if (isnan(x))
		return;
	print_number(x, row->decimals, text);
	if (row->source == EACH && strcmp(text, second) != 0)
		snprintf(cell, CELL_TEXT, "%s-%s", text, second);
	else
		snprintf(cell, CELL_TEXT, "%s", text);
}

/* The systems side by side. */
struct table {
	const struct report_view *views;
	size_t n;
	int cell;
	struct buffer *out;
	struct cbtm_error *e;
};

/* A row that no system has is left out. */
static void put_rows(const struct table *t, const struct row *rows, size_t n)
{
	for (size_t r = 0; r < n; r++) {
		char cells[WIDTH / LEAST_CELL][CELL_TEXT];
		bool any = false;
		if (rows[r].source == HEADING) {
			buffer_printf(t->out, t->e, "%s\n", rows[r].label);
			continue;
		}
		for (size_t i = 0; i < t->n; i++) {
			cell_of(&rows[r], &t->views[i], cells[i]);
			any = any || cells[i][0];
		}
		if (!any)
			continue;
		buffer_printf(t->out, t->e, "%-*s", LABEL, rows[r].label);
		for (size_t i = 0; i < t->n; i++)
			buffer_printf(t->out, t->e, "%*s", t->cell, cells[i][0] ? cells[i] : "-");
		buffer_text(t->out, "\n", t->e);
	}
}

/* A row for each metadata field that any system's clusters were compared with. */
static void put_fields(const struct table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const char *name;
		size_t n;
		for (size_t f = 0; view_field_name(&t->views[i], f, &name, &n); f++) {
			char label[LABEL + 1], *field = mem_copy(name, n, t->e);
			bool known = false;
			for (size_t before = 0; field && before < i; before++)
				known = known || !isnan(view_field(&t->views[before], field, "nmi"));
			snprintf(label, sizeof label, "  NMI with %.16s", field ? field : "");
			if (field && !known)
				put_rows(t, &(struct row){ label, FIELD, "nmi", 3, field, 0, 0 }, 1);
			free(field);
		}
	}
}

/* A row for each number of experts, then one for each temperature. */
static void put_routed(const struct table *t)
{
	double values[MOST_VALUES];
	char label[LABEL + 1], text[32];
	struct row row = { label, MIXTURE, "perplexity", 2, "context", 0, 0 };
	size_t n = view_values(t->views, t->n, "top_k", values, MOST_VALUES);
	for (size_t i = 0; i < n; i++) {
		row.top_k = (size_t)values[i];
		snprintf(label, sizeof label, "  routed, top-%zu", row.top_k);
		put_rows(t, &row, 1);
	}
	row.top_k = 0;
	snprintf(label, sizeof label, "  routed, all experts");
	put_rows(t, &row, 1);
	n = view_values(t->views, t->n, "temperature", values, MOST_VALUES);
	for (size_t i = 0; n > 1 && i < n; i++) {
		row.temperature = values[i];
		number_print_f64(values[i], text);
		snprintf(label, sizeof label, "    all, T = %.12s", text);
		put_rows(t, &row, 1);
	}
}

static bool any_evaluated(const struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (view_is_evaluated(&t->views[i]))
			return true;
	return false;
}

static void put_table(const struct table *t)
{
	buffer_printf(t->out, t->e, "%-*s", LABEL, "");
	for (size_t i = 0; i < t->n; i++)
		buffer_printf(t->out, t->e, "%*.*s", t->cell, t->cell - 1, t->views[i].name);
	buffer_text(t->out, "\n", t->e);
	put_rows(t, ROWS(clusters));
	put_fields(t);
	put_rows(t, ROWS(what_was_seen));
	if (any_evaluated(t)) {
		put_rows(t, ROWS(one_model));
		put_routed(t);
		put_rows(t, ROWS(other_mixtures));
		put_rows(t, ROWS(answers));
	}
	buffer_text(t->out, "\n", t->e);
}

static int put_matrix(const struct report_view *view, struct buffer *out, struct cbtm_error *e)
{
	struct json matrix, row, cell;
	double clusters = view_number(view->root, "clusters"), x[MOST_MATRIX][MOST_MATRIX];
	size_t cursor = 0, inner;
	if (!(clusters >= 2 && clusters <= MOST_MATRIX) || !json_member(view->root, "matrix", &matrix))
		return 0;
	size_t k = (size_t)clusters;
	for (size_t i = 0; i < k; i++) {
		bool there = json_next(matrix, &cursor, NULL, NULL, &row);
		inner = 0;
		for (size_t j = 0; j < k; j++)
			if (!there || !json_next(row, &inner, NULL, NULL, &cell) || !json_f64(cell, &x[i][j]))
				x[i][j] = NAN;
	}
	buffer_printf(out, e,
	              "%.*s: test perplexity of expert (row) on cluster (column), * = best\n%8s",
	              MOST_CELL, view->name, "");
	for (size_t j = 0; j < k; j++)
		buffer_printf(out, e, "%11zu", j);
	for (size_t i = 0; i < k; i++) {
		buffer_printf(out, e, "\n%8zu", i);
		for (size_t j = 0; j < k; j++) {
			bool best = !isnan(x[i][j]);
			for (size_t o = 0; o < k; o++)
				best = best && (o == i || x[i][j] < x[o][j]);
			char text[32] = "-";
			if (!isnan(x[i][j]))
				snprintf(text, sizeof text, "%s%.2f", best ? "*" : "", x[i][j]);
			buffer_printf(out, e, "%11s", text);
		}
	}
	return buffer_text(out, "\n\n", e);
}

int report_table(const struct report_view *views, size_t n, const struct report_comparison *pairs,
                 size_t n_pairs, struct buffer *out, struct cbtm_error *e)
{
	int cell = LEAST_CELL;
	for (size_t i = 0; i < n; i++) {
		int need = (int)(strlen(views[i].name) < MOST_CELL ? strlen(views[i].name) + 2 : MOST_CELL);
		cell = need > cell ? need : cell;
	}
	size_t group = (size_t)((WIDTH - LABEL) / cell);
	for (size_t i = 0; i < n; i += group) {
		struct table t = { views + i, n - i < group ? n - i : group, cell, out, e };
		put_table(&t);
	}
	for (size_t i = 0; i < n; i++)
		put_matrix(&views[i], out, e);
	for (size_t i = 0; i < n_pairs; i++) {
		const struct comparison *c = &pairs[i].c;
		buffer_printf(out, e,
		              "%s against %s: test perplexity %+.1f %% [%+.1f, %+.1f], %zu documents\n",
		              pairs[i].a, pairs[i].b, 100 * (c->ratio - 1), 100 * (c->low - 1),
		              100 * (c->high - 1), c->documents);
	}
	return e->name;
}
