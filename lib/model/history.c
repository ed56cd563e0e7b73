/* SPDX-License-Identifier: MIT */
#include "model/history.h"
#include "base/error.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

/* Which column holds which 8-byte field, be it u64 or f64. */
static const struct {
	const char *column;
	size_t offset;
} curve_columns[] = { { "curve.step", offsetof(struct curve_point, step) },
	                  { "curve.tokens", offsetof(struct curve_point, tokens) },
	                  { "curve.loss", offsetof(struct curve_point, loss) },
	                  { "curve.lr", offsetof(struct curve_point, lr) },
	                  { "curve.gradient_norm", offsetof(struct curve_point, gradient_norm) } },
  valid_columns[] = { { "valid.step", offsetof(struct valid_point, step) },
	                  { "valid.loss", offsetof(struct valid_point, loss) } };
static const char balance_column[] = "curve.balance_loss";
#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

void history_free(struct history *h)
{
	free(h->curve);
	free(h->valid);
	*h = (struct history){ 0 };
}

int history_add(struct history *h, struct curve_point p, struct cbtm_error *e)
{
	if (array_reserve(&h->curve, &h->curve_cap, h->curves + 1, sizeof p, e))
		return e->name;
	h->curve[h->curves++] = p;
	return 0;
}

int history_add_valid(struct history *h, struct valid_point p, struct cbtm_error *e)
{
	if (array_reserve(&h->valid, &h->valid_cap, h->valids + 1, sizeof p, e))
		return e->name;
	h->valid[h->valids++] = p;
	return 0;
}

static int write_balance(const struct history *h, struct store_writer *w, struct cbtm_error *e)
{
	if (store_add_column(w, balance_column, STORE_F64, STORE_FIXED, 1, e))
		return e->name;
	for (size_t i = 0; i < h->curves; i++)
		if (store_append(w, balance_column, &h->curve[i].balance, 1, e))
			return e->name;
	return 0;
}

int history_write(const struct history *h, struct store_writer *w, struct cbtm_error *e)
{
	for (size_t c = 0; c < COUNT(curve_columns); c++)
		for (size_t i = 0; i < h->curves; i++)
			if (store_append(w, curve_columns[c].column,
			                 (const char *)&h->curve[i] + curve_columns[c].offset, 1, e))
				return e->name;
	for (size_t c = 0; c < COUNT(valid_columns); c++)
		for (size_t i = 0; i < h->valids; i++)
			if (store_append(w, valid_columns[c].column,
			                 (const char *)&h->valid[i] + valid_columns[c].offset, 1, e))
				return e->name;
	return h->mixes ? write_balance(h, w, e) : 0;
}

/* Reads `rows` 8-byte elements of a column into the field at `offset` of each element. */
static int read_field(const struct store *s, const char *column, uint64_t rows, char *to,
                      size_t size, struct cbtm_error *e)
{
	struct store_reader *r = NULL;
	if (store_row_count(s, column) != rows)
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(s),
		                 "the curves differ in length at \"%s\"", column);
	int status = store_reader_open(s, column, &r, e);
	for (uint64_t i = 0; !status && i < rows; i++) {
		uint64_t v;
		status = store_read_rows(r, i, 1, &v, e);
		if (!status)
			memcpy(to + i * size, &v, sizeof v);
	}
	store_reader_close(r);
	return status;
}

int history_read(struct history *h, const struct store *s, struct cbtm_error *e)
{
	uint64_t curves = store_row_count(s, "curve.step"), valids = store_row_count(s, "valid.step");
	if (array_reserve(&h->curve, &h->curve_cap, curves + 1, sizeof *h->curve, e) ||
	    array_reserve(&h->valid, &h->valid_cap, valids + 1, sizeof *h->valid, e))
		return e->name;
	for (size_t c = 0; c < COUNT(curve_columns); c++)
		if (read_field(s, curve_columns[c].column, curves,
		               (char *)h->curve + curve_columns[c].offset, sizeof *h->curve, e))
			return e->name;
	for (size_t c = 0; c < COUNT(valid_columns); c++)
		if (read_field(s, valid_columns[c].column, valids,
		               (char *)h->valid + valid_columns[c].offset, sizeof *h->valid, e))
			return e->name;
	struct store_column_info info;
	h->mixes = store_column_find(s, balance_column, &info);
	for (uint64_t i = 0; i < curves; i++)
		h->curve[i].balance = 0;
	if (h->mixes &&
	    read_field(s, balance_column, curves,
	               (char *)h->curve + offsetof(struct curve_point, balance), sizeof *h->curve, e))
		return e->name;
	h->curves = curves;
	h->valids = valids;
	return 0;
}
