/* SPDX-License-Identifier: MIT */
#include "stage/card_fields.h"
#include "base/json.h"
#include "base/memory.h"
#include "math/agreement.h"
#include "text/tally.h"
#include "text/utf8.h"
#include <stdlib.h>
#include <string.h>

struct field {
	const char *name;
	struct tally *tally;
	uint64_t *documents, *missing; /* k */
};

struct card_fields {
	struct field *field;
	size_t n;
	uint32_t k;
	uint64_t documents;
	struct json_parser *parser;
	struct buffer text;
};

struct card_fields *card_fields_new(const struct cbtm_texts *fields, uint32_t k, size_t most_pairs,
                                    struct cbtm_error *e)
{
	struct card_fields *f = mem_zeroed(1, sizeof *f, "metadata counts", e);
	if (!f)
		return NULL;
	f->k = k;
	f->parser = json_parser_new(e);
	f->field = mem_zeroed(fields->n, sizeof *f->field, "metadata counts", e);
	for (; f->field && !e->name && f->n < fields->n; f->n++) {
		struct field *x = &f->field[f->n];
		bool prefixed = strncmp(fields->v[f->n], "meta.", 5) == 0;
		x->name = fields->v[f->n] + (prefixed ? 5 : 0);
		x->tally = tally_new(k, most_pairs, e);
		x->documents = mem_zeroed(k, sizeof *x->documents, "metadata counts", e);
		x->missing = mem_zeroed(k, sizeof *x->missing, "metadata counts", e);
	}
	if (!e->name)
		return f;
	card_fields_free(f);
	return NULL;
}

void card_fields_free(struct card_fields *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++) {
		tally_free(f->field[i].tally);
		free(f->field[i].documents), free(f->field[i].missing);
	}
	free(f->field);
	json_parser_free(f->parser);
	buffer_free(&f->text);
	free(f);
}

/* ---------------------------------------------------------------- counting */
/* The value's text; false: none. */
static bool text_of(struct json value, struct buffer *text, struct cbtm_error *e)
{
	const char *s;
	size_t n;
	buffer_clear(text);
	if (json_type(value) == JSON_NULL)
		return false;
	if (json_string(value, &s, &n))
		buffer_add(text, s, n, e);
	else
		json_print(value, text, e);
	if (text->n > CARD_VALUE_BYTES)
		for (text->n = CARD_VALUE_BYTES; ((unsigned char)text->data[text->n] & 0xC0) == 0x80;)
			text->n--;
	return true;
}

int card_fields_add(struct card_fields *f, uint32_t cluster, const char *meta, size_t n,
                    struct cbtm_error *e)
{
	struct json root, value;
	if (!f->n || json_parse(f->parser, meta, n, "metadata", &root, e))
		return e->name;
	f->documents++;
	for (size_t i = 0; i < f->n && !e->name; i++) {
		struct field *x = &f->field[i];
		x->documents[cluster]++;
		if (!json_at(root, x->name, &value) || !text_of(value, &f->text, e)) {
			x->missing[cluster]++;
			continue;
		}
		const char *text = f->text.n ? f->text.data : "";
		if (!tally_add(x->tally, text, f->text.n, cluster, f->documents, e))
			tally_prune(x->tally, e);
	}
	return e->name;
}

/* ---------------------------------------------------------------- the result */
static int agree(const struct tally_row *row, size_t rows, uint32_t k, struct agreement *a,
                 struct cbtm_error *e)
{
	size_t cells = 0, at = 0;
	for (size_t i = 0; i < rows; i++)
		cells += row[i].cells;
	uint64_t *start = mem_aligned(rows + 1, sizeof *start, "a contingency table", e);
	uint32_t *column = mem_aligned(cells, sizeof *column, "a contingency table", e);
	uint64_t *count = mem_aligned(cells, sizeof *count, "a contingency table", e);
	if (start && column && count) {
		for (size_t i = 0; i < rows; i++) {
			start[i] = at;
			for (size_t c = 0; c < row[i].cells; c++, at++) {
				column[at] = row[i].cell[c].group;
				count[at] = row[i].cell[c].count;
			}
		}
		start[rows] = at;
		agreement_of(&(struct contingency){ rows, k, start, column, count }, a, e);
	}
	free(count), free(column), free(start);
	return e->name;
}

static void put_counts(struct buffer *json, const uint64_t *count, uint32_t k, struct cbtm_error *e)
{
	uint64_t sum = 0;
	for (uint32_t j = 0; j < k; j++)
		sum += count[j];
	json_put_key(json, "documents", e);
	json_put_u64(json, sum, e);
	json_put_key(json, "clusters", e);
	json_put_open(json, '[', e);
	for (uint32_t j = 0; j < k; j++)
		json_put_u64(json, count[j], e);
	json_put_close(json, ']', e);
}

/* The largest values, and what is left for all others, in `other` (k). */
static void put_values(const struct card_fields *f, const struct field *x,
                       const struct tally_row *row, size_t shown, uint64_t *other, uint64_t *count,
                       struct buffer *json, struct cbtm_error *e)
{
	for (uint32_t j = 0; j < f->k; j++)
		other[j] = x->documents[j] - x->missing[j];
	json_put_key(json, "values", e);
	json_put_open(json, '[', e);
	for (size_t i = 0; i < shown; i++) {
		memset(count, 0, f->k * sizeof *count);
		for (size_t c = 0; c < row[i].cells; c++) {
			count[row[i].cell[c].group] = row[i].cell[c].count;
			other[row[i].cell[c].group] -= row[i].cell[c].count;
		}
		json_put_open(json, '{', e);
		json_put_key(json, "value", e);
		json_put_string(json, row[i].s, row[i].n, e);
		put_counts(json, count, f->k, e);
		json_put_close(json, '}', e);
	}
	json_put_close(json, ']', e);
}

static void put_agreement(const struct agreement *a, struct buffer *json, struct cbtm_error *e)
{
	static const char *const names[] = { "nmi", "purity", "homogeneity", "completeness" };
	const double values[] = { a->nmi, a->purity, a->homogeneity, a->completeness };
	for (size_t i = 0; i < 4; i++) {
		json_put_key(json, names[i], e);
		json_put_f64(json, values[i], e);
	}
	json_put_key(json, "measured_on", e);
	json_put_u64(json, a->n, e);
}

int card_fields_put(struct card_fields *f, size_t i, size_t most, struct buffer *json,
                    struct cbtm_error *e)
{
	const struct field *x = &f->field[i];
	struct tally_row *row = NULL;
	struct agreement a;
	size_t rows = 0;
	uint64_t *other = mem_zeroed(f->k, sizeof *other, "a contingency table", e);
	uint64_t *count = mem_zeroed(f->k, sizeof *count, "a contingency table", e);
	if (!other || !count || tally_rows(x->tally, &row, &rows, e) || agree(row, rows, f->k, &a, e))
		goto done;
	size_t shown = rows < most ? rows : most;
	json_put_open(json, '{', e);
	json_put_key(json, "field", e);
	json_put_string(json, x->name, strlen(x->name), e);
	put_agreement(&a, json, e);
	json_put_key(json, "kept_values", e);
	json_put_u64(json, rows, e);
	json_put_key(json, "undercount", e);
	json_put_u64(json, tally_undercount(x->tally), e);
	put_values(f, x, row, shown, other, count, json, e);
	json_put_key(json, "others", e);
	json_put_open(json, '{', e);
	put_counts(json, other, f->k, e);
	json_put_close(json, '}', e);
	json_put_key(json, "missing", e);
	json_put_open(json, '{', e);
	put_counts(json, x->missing, f->k, e);
	json_put_close(json, '}', e);
	json_put_close(json, '}', e);
done:
	free(row), free(count), free(other);
	return e->name;
}
