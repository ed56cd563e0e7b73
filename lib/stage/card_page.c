/* SPDX-License-Identifier: MIT */
#include "stage/card_page.h"
#include "base/error.h"
#include "base/json.h"
#include "base/number.h"
#include "text/utf8.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	WIDTH = 100,
	MATRIX = 10, /* clusters that a table has a column for; of more the largest are listed */
	LISTED = 5,  /* clusters that are listed there */
	VALUE = 20,  /* columns of a metadata value */
	CELL = 7,
	ID = 24
};

/* A page under way. Texts of JSON die with the next row that is read. */
struct page {
	const struct store *store;
	struct store_reader *card, *field, *summary;
	struct json_parser *parser;
	struct json row; /* the one at hand */
	struct buffer *out;
	uint32_t clusters;
	struct cbtm_error *e;
};

static int read_row(struct page *p, struct store_reader *r, uint64_t i)
{
	const void *text;
	uint64_t n;
	if (p->e->name || store_read_row(r, i, &text, &n, p->e))
		return p->e->name;
	return json_parse(p->parser, text, (size_t)n, store_path(p->store), &p->row, p->e);
}

static int open_page(struct page *p)
{
	uint64_t k = 0;
	if (!store_get_u64(p->store, "clusters", &k) || k > UINT32_MAX ||
	    store_row_count(p->store, "card") != k || store_row_count(p->store, "summary") != 1)
		return error_set(p->e, CBTM_ERR_BAD_STORE, store_path(p->store), "these are no cards");
	p->clusters = (uint32_t)k;
	p->parser = json_parser_new(p->e);
	if (!p->parser || store_reader_open(p->store, "card", &p->card, p->e) ||
	    store_reader_open(p->store, "field", &p->field, p->e))
		return p->e->name;
	return store_reader_open(p->store, "summary", &p->summary, p->e);
}

static void close_page(struct page *p)
{
	store_reader_close(p->summary);
	store_reader_close(p->field);
	store_reader_close(p->card);
	json_parser_free(p->parser);
}

/* ---------------------------------------------------------------- values */
/* The value at a path of members, "distance.p50"; false: none. */
static bool at(struct json v, const char *path, struct json *value)
{
	char name[64];
	for (;; path += strcspn(path, ".") + 1) {
		size_t n = strcspn(path, ".");
		snprintf(name, sizeof name, "%.*s", (int)n, path);
		if (json_type(v) != JSON_OBJECT || !json_member(v, name, &v))
			return false;
		*value = v;
		if (!path[n])
			return true;
	}
}

static double number(struct json v, const char *path)
{
	double x;
	return at(v, path, &v) && json_f64(v, &x) ? x : NAN;
}

static uint64_t count(struct json v, const char *path)
{
	uint64_t x;
	return at(v, path, &v) && json_u64(v, &x) ? x : 0;
}

static bool next(struct json v, size_t *cursor, struct json *item)
{
	return json_next(v, cursor, NULL, NULL, item);
}

/* ---------------------------------------------------------------- text */
static void put(struct page *p, const char *format, ...) CBTM_PRINTF(2, 3);
static void put(struct page *p, const char *format, ...)
{
	char text[512];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	buffer_text(p->out, text, p->e);
}

/* At most `most` characters, no control characters among them, filled up with blanks if `fill`. */
static void put_cut(struct page *p, const char *s, size_t n, size_t most, bool fill)
{
	size_t characters = 0, i = 0;
	while (i < n && characters < most) {
		unsigned length;
		uint32_t c = utf8_get(s + i, n - i, &length);
		bool control = c < ' ' || (c >= 0x7f && c < 0xa0) || c == UTF8_INVALID;
		buffer_add(p->out, control ? " " : s + i, control ? 1 : length, p->e);
		i += length;
		characters++;
	}
	for (; fill && characters < most; characters++)
		buffer_add(p->out, " ", 1, p->e);
}

static size_t characters_of(const char *s, size_t n)
{
	size_t characters = 0;
	for (size_t i = 0; i < n; i++)
		characters += ((unsigned char)s[i] & 0xC0) != 0x80;
	return characters;
}

/* A human number in `width` columns: 1195 as it stands, 1.81M. */
static void put_human(struct page *p, double x, int width)
{
	char text[32];
	if (x < 100000)
		snprintf(text, sizeof text, "%.0f", x);
	else
		number_human(x, text);
	put(p, "%*s", width, text);
}

static void put_distance(struct page *p, double x, int width)
{
	if (isnan(x))
		put(p, "%*s", width, "-");
	else
		put(p, "%*.2f", width, x);
}

/* Strings of a list's objects, as many as a line has room for. */
static void put_list(struct page *p, struct json list, const char *name, size_t room)
{
	struct json item, member;
	size_t cursor = 0, n;
	const char *s;
	bool first = true;
	while (next(list, &cursor, &item)) {
		if (!at(item, name, &member) || !json_string(member, &s, &n))
			continue;
		size_t need = characters_of(s, n) + !first;
		if (need > room)
			break;
		room -= need;
		if (!first)
			buffer_text(p->out, " ", p->e);
		put_cut(p, s, n, need, false);
		first = false;
	}
}

/* ---------------------------------------------------------------- the head */
static void put_agreement(struct page *p)
{
	struct json value;
	const char *s = "";
	size_t n = 0;
	if (at(p->row, "field", &value))
		json_string(value, &s, &n);
	if (!count(p->row, "measured_on")) {
		put_cut(p, s, n, 13, true);
		put(p, " no document has this field\n");
		return;
	}
	put_cut(p, s, n, 13, true);
	put(p, " NMI %.3f, purity %.3f, homogeneity %.3f, completeness %.3f", number(p->row, "nmi"),
	    number(p->row, "purity"), number(p->row, "homogeneity"), number(p->row, "completeness"));
	if (count(p->row, "undercount"))
		put(p, ", over %" PRIu64 " kept values", count(p->row, "kept_values"));
	buffer_text(p->out, "\n", p->e);
}

static void put_head(struct page *p)
{
	struct json value;
	const char *plugin = "";
	size_t n = 0;
	char tokens[16];
	if (read_row(p, p->summary, 0))
		return;
	if (at(p->row, "fit.plugin", &value))
		json_string(value, &plugin, &n);
	number_human(number(p->row, "tokens.all"), tokens);
	put(p, "%" PRIu32 " clusters of %" PRIu64 " documents, %s tokens\n\n", p->clusters,
	    count(p->row, "documents.all"), tokens);
	put(p, "fit           %.*s on %" PRIu64 " documents, %" PRIu64 " iterations\n", (int)n, plugin,
	    count(p->row, "fit.fitted"), count(p->row, "fit.iterations"));
	put(p, "objective     %.4f: mean squared distance of train documents to their centres\n",
	    number(p->row, "objective"));
	put(p, "balance       %.2f by documents, %.2f by tokens: the largest cluster over the mean\n",
	    number(p->row, "balance.documents"), number(p->row, "balance.tokens"));
	put(p, "margin        %.3f: how much farther the nearest other centre is, on average\n",
	    number(p->row, "margin"));
	put(p, "elsewhere     %.1f %% of documents have another centre nearer than their own\n",
	    100 * number(p->row, "nearer_elsewhere"));
	if (count(p->row, "zero_vectors"))
		put(p,
		    "zero vectors  %" PRIu64 ": documents without a known word, which have no distance\n",
		    count(p->row, "zero_vectors"));
	for (uint64_t i = 0; i < store_row_count(p->store, "field") && !read_row(p, p->field, i); i++)
		put_agreement(p);
	buffer_text(p->out, "\n", p->e);
}

/* ---------------------------------------------------------------- a line a cluster */
static void put_clusters(struct page *p)
{
	static const char *const shares[] = { "distance.p5", "distance.p50", "distance.p95" };
	struct json list;
	put(p, "cluster     documents     tokens       distance\n"
	       "                                     5%%  50%%  95%%  top terms\n");
	for (uint32_t j = 0; j < p->clusters && !read_row(p, p->card, j); j++) {
		put(p, "%4" PRIu32, j);
		put_human(p, (double)count(p->row, "documents.all"), 10);
		put(p, "%6.1f%%", 100 * number(p->row, "share.documents"));
		put_human(p, (double)count(p->row, "tokens.all"), 7);
		put(p, "%6.1f%% ", 100 * number(p->row, "share.tokens"));
		for (size_t i = 0; i < 3; i++)
			put_distance(p, number(p->row, shares[i]), 5);
		buffer_text(p->out, "  ", p->e);
		if (at(p->row, "terms", &list) && json_type(list) == JSON_ARRAY)
			put_list(p, list, "term", WIDTH - 52);
		else if (at(p->row, "words", &list))
			put_list(p, list, "word", WIDTH - 52);
		buffer_text(p->out, "\n", p->e);
	}
	put(p, "Shares are of train documents. Distances are Euclidean, to the own centre.\n\n");
}

static void put_words(struct page *p)
{
	struct json list;
	put(p, "Words that set a cluster apart (log-odds against all others)\n");
	for (uint32_t j = 0; j < p->clusters && !read_row(p, p->card, j); j++) {
		put(p, "%4" PRIu32 "  ", j);
		if (at(p->row, "words", &list))
			put_list(p, list, "word", WIDTH - 6);
		buffer_text(p->out, "\n", p->e);
	}
	buffer_text(p->out, "\n", p->e);
}

/* ---------------------------------------------------------------- documents */
static void put_document(struct page *p, struct json document)
{
	struct json value;
	const char *s;
	size_t n;
	put_distance(p, number(document, "distance"), 6);
	buffer_text(p->out, "  ", p->e);
	if (at(document, "id", &value) && json_string(value, &s, &n))
		put_cut(p, s, n, ID, true);
	buffer_text(p->out, "  ", p->e);
	if (at(document, "text", &value) && json_string(value, &s, &n))
		put_cut(p, s, n, WIDTH - 4 - 10 - 6 - 2 - ID - 2, false);
	buffer_text(p->out, "\n", p->e);
}

static void put_documents(struct page *p, uint64_t most)
{
	static const char *const kinds[] = { "nearest", "farthest" };
	put(p, "Documents nearest to a centre, and farthest from it\n");
	for (uint32_t j = 0; j < p->clusters && !read_row(p, p->card, j); j++)
		for (size_t kind = 0; kind < 2; kind++) {
			struct json list, document;
			size_t cursor = 0;
			if (!at(p->row, kinds[kind], &list))
				continue;
			for (uint64_t i = 0; i < most && next(list, &cursor, &document); i++) {
				if (i == 0 && kind == 0)
					put(p, "%4" PRIu32 "  ", j);
				else
					put(p, "%6s", "");
				put(p, "%-8s", i == 0 ? kinds[kind] : "");
				put_document(p, document);
			}
		}
	buffer_text(p->out, "\n", p->e);
}

/* ---------------------------------------------------------------- clusters beside each other */
static void put_columns(struct page *p, int label)
{
	put(p, "%*s", label, "");
	for (uint32_t j = 0; j < p->clusters; j++)
		put(p, "%*" PRIu32, CELL, j);
	buffer_text(p->out, "\n", p->e);
}

/* A row of the matrix: a cluster's neighbours in the order of their numbers. */
static void put_matrix_row(struct page *p, uint32_t j, const char *name, double factor)
{
	struct json list, item;
	double x[MATRIX];
	size_t cursor = 0;
	for (uint32_t i = 0; i < MATRIX; i++)
		x[i] = NAN;
	if (!at(p->row, "overlap.neighbours", &list))
		return;
	while (next(list, &cursor, &item))
		if (count(item, "cluster") < MATRIX)
			x[count(item, "cluster")] = factor * number(item, name);
	put(p, "%4" PRIu32 "    ", j);
	for (uint32_t i = 0; i < p->clusters; i++) {
		if (i == j || isnan(x[i]))
			put(p, "%*s", CELL, "-");
		else
			put(p, factor == 1 ? "%*.2f" : "%*.1f", CELL, x[i]);
	}
	buffer_text(p->out, "\n", p->e);
}

static void put_matrix(struct page *p, const char *title, const char *name, double factor)
{
	put(p, "%s\n", title);
	put_columns(p, 8);
	for (uint32_t j = 0; j < p->clusters && !read_row(p, p->card, j); j++)
		put_matrix_row(p, j, name, factor);
	buffer_text(p->out, "\n", p->e);
}

static void put_neighbours(struct page *p)
{
	struct json list, item;
	if (p->clusters <= MATRIX) {
		put_matrix(p, "Distances of centres", "distance", 1);
		put_matrix(p, "Where a cluster's documents have their nearest other centre, in %", "second",
		           100);
		return;
	}
	put(p, "Nearest other centres: cluster, distance, %% of documents that have it nearest\n");
	for (uint32_t j = 0; j < p->clusters && !read_row(p, p->card, j); j++) {
		size_t cursor = 0;
		put(p, "%4" PRIu32 " ", j);
		if (at(p->row, "overlap.neighbours", &list))
			for (int i = 0; i < LISTED && next(list, &cursor, &item); i++)
				put(p, "   %4" PRIu64 " %.2f %4.1f", count(item, "cluster"),
				    number(item, "distance"), 100 * number(item, "second"));
		buffer_text(p->out, "\n", p->e);
	}
	buffer_text(p->out, "\n", p->e);
}

/* ---------------------------------------------------------------- metadata */
/* The clusters that hold most of a value: "12: 830". */
static void put_largest(struct page *p, struct json list)
{
	uint64_t most = UINT64_MAX;
	size_t last = SIZE_MAX;
	for (int i = 0; i < LISTED; i++) {
		size_t cursor = 0, best = SIZE_MAX, j = 0;
		uint64_t x, largest = 0;
		struct json item;
		/* The largest that comes behind the last one, in the order of counts, then numbers. */
		for (; next(list, &cursor, &item); j++)
			if (json_u64(item, &x) && x > largest &&
			    (x < most || (x == most && last != SIZE_MAX && j > last))) {
				largest = x;
				best = j;
			}
		if (best == SIZE_MAX)
			return;
		put(p, "  %zu: %" PRIu64, best, largest);
		most = largest;
		last = best;
	}
}

static void put_value(struct page *p, struct json entry, const char *name, size_t n)
{
	struct json list, item;
	size_t cursor = 0;
	uint64_t x;
	if (!count(entry, "documents") || !at(entry, "clusters", &list))
		return;
	put_cut(p, name, n, VALUE, true);
	put_human(p, (double)count(entry, "documents"), 8);
	if (p->clusters > MATRIX)
		put_largest(p, list);
	else
		while (next(list, &cursor, &item))
			put_human(p, json_u64(item, &x) ? (double)x : 0, CELL);
	buffer_text(p->out, "\n", p->e);
}

static void put_field(struct page *p)
{
	struct json list, entry, value;
	const char *s;
	size_t cursor = 0, n;
	if (!count(p->row, "measured_on"))
		return;
	if (at(p->row, "field", &value) && json_string(value, &s, &n))
		put_cut(p, s, n, VALUE, true);
	put(p, "%8s", "all");
	if (p->clusters > MATRIX)
		put(p, "  the largest clusters: documents\n");
	else
		put_columns(p, 0);
	if (at(p->row, "values", &list))
		while (next(list, &cursor, &entry))
			if (at(entry, "value", &value) && json_string(value, &s, &n))
				put_value(p, entry, s, n);
	if (at(p->row, "others", &entry))
		put_value(p, entry, "(others)", 8);
	if (at(p->row, "missing", &entry))
		put_value(p, entry, "(missing)", 9);
	buffer_text(p->out, "\n", p->e);
}

int card_page(const struct store *s, uint64_t documents, struct buffer *out, struct cbtm_error *e)
{
	struct page p = { .store = s, .out = out, .e = e };
	if (!open_page(&p)) {
		put_head(&p);
		put_clusters(&p);
		put_words(&p);
		if (documents)
			put_documents(&p, documents);
		put_neighbours(&p);
		for (uint64_t i = 0; i < store_row_count(s, "field") && !read_row(&p, p.field, i); i++)
			put_field(&p);
	}
	close_page(&p);
	return e->name;
}

/* ---------------------------------------------------------------- JSON */
static void put_rows(struct page *p, struct store_reader *r, const char *column)
{
	const void *text;
	uint64_t n;
	for (uint64_t i = 0; i < store_row_count(p->store, column); i++) {
		if (store_read_row(r, i, &text, &n, p->e))
			return;
		if (i)
			buffer_text(p->out, ",", p->e);
		buffer_add(p->out, text, (size_t)n, p->e);
	}
}

int card_json(const struct store *s, struct buffer *out, struct cbtm_error *e)
{
	struct page p = { .store = s, .out = out, .e = e };
	if (!open_page(&p)) {
		buffer_text(out, "{\"summary\":", e);
		put_rows(&p, p.summary, "summary");
		buffer_text(out, ",\"clusters\":[", e);
		put_rows(&p, p.card, "card");
		buffer_text(out, "],\"fields\":[", e);
		put_rows(&p, p.field, "field");
		buffer_text(out, "]}", e);
	}
	close_page(&p);
	return e->name;
}
