/* SPDX-License-Identifier: MIT */
#include "math/sparse.h"
#include "base/error.h"
#include "base/memory.h"
#include "math/sparse_tile.h"
#include <stdlib.h>
#include <string.h>

enum { TASKS = 256 }; /* of about equally many entries: words are far from equally frequent */

struct product {
	const struct cbtm_sparse *a;
	const float *v; /* panels */
	float *y;
	size_t d, tasks; /* tasks of a panel */
	const uint32_t *place;
	sparse_tile *tile;
};

/* The first row of task t: rows are shared out by entries plus rows. */
static size_t first_row(const struct product *p, size_t t)
{
	uint64_t total = p->a->start[p->a->rows] + p->a->rows;
	uint64_t wanted = total / p->tasks * t;
	size_t low = 0, high = p->a->rows;
	if (t == p->tasks)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (p->a->start[middle] + middle < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum { NARROW_ROWS = 64 }; /* of a panel of which a part is wanted */

/* The first few columns of a panel's rows, by way of whole ones. */
static void narrow_rows(const struct product *p, struct sparse_product panel, size_t columns,
                        size_t from, size_t to)
{
	_Alignas(64) float whole[NARROW_ROWS * TILE];
	for (; from < to; from += NARROW_ROWS) {
		size_t end = to - from < NARROW_ROWS ? to : from + NARROW_ROWS;
		struct sparse_product part = { panel.a, panel.v, whole, TILE, NULL, from };
		p->tile(&part, from, end);
		for (size_t r = from; r < end; r++)
			memcpy(panel.y + (p->place ? p->place[r] : r) * p->d, whole + (r - from) * TILE,
			       columns * sizeof *whole);
	}
}

static int product_task(void *arg, size_t t, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct product *p = arg;
	size_t column = t / p->tasks * TILE, from = first_row(p, t % p->tasks);
	size_t to = first_row(p, t % p->tasks + 1);
	struct sparse_product panel = { p->a,          p->v + column * p->a->columns,
		                            p->y + column, p->d,
		                            p->place,      0 };
	if (p->d - column < TILE)
		narrow_rows(p, panel, p->d - column, from, to);
	else
		p->tile(&panel, from, to);
	return 0;
}

int sparse_times_panels(struct pool *pool, const struct cbtm_sparse *a, const float *v, size_t d,
                        const uint32_t *place, float *y, struct cbtm_error *e)
{
	size_t variants, tasks = a->rows < TASKS ? (a->rows ? a->rows : 1) : TASKS;
	struct product p = { a, v, y, d, tasks, place, sparse_variants(&variants)->tile };
	return pool_run(pool, (d + TILE - 1) / TILE * tasks, product_task, &p, e);
}

int sparse_times_dense(struct pool *pool, const struct cbtm_sparse *a, const float *v, size_t d,
                       float *y, struct cbtm_error *e)
{
	size_t panels = (d + TILE - 1) / TILE;
	float *packed = mem_zeroed(panels * a->columns, TILE * sizeof *packed, "a product", e);
	if (!packed)
		return e->name;
	for (size_t i = 0; i < a->columns; i++)
		for (size_t j = 0; j < d; j++)
			packed[(j / TILE * a->columns + i) * TILE + j % TILE] = v[i * d + j];
	sparse_times_panels(pool, a, packed, d, NULL, y, e);
	free(packed);
	return e->name;
}

int sparse_transpose(const struct cbtm_sparse *a, const uint32_t *went, struct sparse_owned *t,
                     struct cbtm_error *e)
{
	*t = (struct sparse_owned){ 0 };
	if (a->rows > UINT32_MAX)
		return error_set(e, CBTM_ERR_INTERNAL, NULL, "too many rows for a transpose");
	size_t entries = (size_t)a->start[a->rows];
	uint64_t *next = mem_zeroed(a->columns + 1, sizeof *next, "a transpose", e);
	t->start = mem_zeroed(a->columns + 1, sizeof *t->start, "a transpose", e);
	t->column = mem_aligned(entries, sizeof *t->column, "a transpose", e);
	t->value = mem_aligned(entries, sizeof *t->value, "a transpose", e);
	if (e->name)
		goto done;
	for (size_t i = 0; i < entries; i++)
		t->start[(went ? went[a->column[i]] : a->column[i]) + 1]++;
	for (size_t c = 0; c < a->columns; c++)
		t->start[c + 1] += t->start[c];
	memcpy(next, t->start, (a->columns + 1) * sizeof *next);
	for (size_t r = 0; r < a->rows; r++) {
		for (uint64_t i = a->start[r]; i < a->start[r + 1]; i++) {
			uint64_t place = next[went ? went[a->column[i]] : a->column[i]]++;
			t->column[place] = (uint32_t)r;
			t->value[place] = a->value[i];
		}
	}
	t->matrix = (struct cbtm_sparse){ a->columns, a->rows, t->start, t->column, t->value };
done:
	free(next);
	if (e->name)
		sparse_free(t);
	return e->name;
}

void sparse_free(struct sparse_owned *t)
{
	free(t->start);
	free(t->column);
	free(t->value);
	*t = (struct sparse_owned){ 0 };
}

int sparse_check(const struct cbtm_sparse *a, struct cbtm_error *e)
{
	if (a->start[0] != 0)
		return error_set(e, CBTM_ERR_BAD_DATA, NULL, "a sparse matrix does not start at entry 0");
	for (size_t r = 0; r < a->rows; r++) {
		if (a->start[r] > a->start[r + 1])
			return error_set(e, CBTM_ERR_BAD_DATA, NULL,
			                 "row %zu of a sparse matrix ends before "
			                 "it starts",
			                 r);
		for (uint64_t i = a->start[r]; i < a->start[r + 1]; i++)
			if (a->column[i] >= a->columns || (i > a->start[r] && a->column[i] <= a->column[i - 1]))
				return error_set(
					e, CBTM_ERR_BAD_DATA, NULL,
					"the columns of row %zu of a sparse matrix do not ascend below %zu", r,
					a->columns);
	}
	return 0;
}
