/* SPDX-License-Identifier: MIT */
#include "model/watch.h"
#include "base/error.h"
#include <stdlib.h>
#include <string.h>

#define COLUMN "watch.calm"

static uint64_t kept(const struct watch *w)
{
	return w->calms < WATCH_WINDOW ? w->calms : WATCH_WINDOW;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double watch_median(const struct watch *w)
{
	double sorted[WATCH_WINDOW];
	uint64_t n = kept(w);
	if (n < WATCH_LEAST)
		return 0;
	memcpy(sorted, w->calm, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, ascending);
	return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

bool watch_add(struct watch *w, double loss, double factor, uint64_t steps)
{
	double median = watch_median(w);
	if (factor > 0 && median > 0 && loss > factor * median)
		return ++w->above >= steps;
	w->above = 0;
	w->calm[w->calms++ % WATCH_WINDOW] = loss;
	return false;
}

int watch_write(const struct watch *w, struct store_writer *out, struct cbtm_error *e)
{
	if (store_add_column(out, COLUMN, STORE_F64, STORE_FIXED, 1, e) ||
	    store_append(out, COLUMN, w->calm, kept(w), e) ||
	    store_set_u64(out, "watch_calms", w->calms, e))
		return e->name;
	return store_set_u64(out, "watch_above", w->above, e);
}

int watch_read(struct watch *w, const struct store *s, struct cbtm_error *e)
{
	struct store_column_info info;
	struct store_reader *r = NULL;
	if (!store_column_find(s, COLUMN, &info) || info.type != STORE_F64 || info.width != 1 ||
	    !store_get_u64(s, "watch_calms", &w->calms) ||
	    !store_get_u64(s, "watch_above", &w->above) || info.rows != kept(w))
		return error_set(e, CBTM_ERR_BAD_STORE, store_path(s), "it has no losses to compare with");
	if (!info.rows)
		return 0;
	if (!store_reader_open(s, COLUMN, &r, e))
		store_read_rows(r, 0, info.rows, w->calm, e);
	store_reader_close(r);
	return e->name;
}
