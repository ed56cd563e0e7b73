/* SPDX-License-Identifier: MIT */
#include "math/sparse.h"
#include "base/error.h"
#include "base/memory.h"
#include "math/sparse_tile.h"
#include <stdlib.h>
#include <string.h>

#define FEW 4     /* columns: a vector of any machine */
#define TASKS 256 /* tasks of about equally many entries: words are far from equally frequent */

struct product {
	const struct cbtm_sparse *a;
	const float *v;
	float *y;
	size_t d, tasks;
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

/* The columns behind the last whole tile: the kernel's sums, FEW columns at a time. */
static inline __attribute__((always_inline)) void tail_sums(const float *value,
                                                            const uint32_t *column, size_t n,
                                                            const float *v, size_t stride,
                                                            size_t few, float *y)
{
	double total[FEW] = { 0 };
	for (size_t i = 0; i < n;) {
		size_t to = n - i < TILE_RUN ? n : i + TILE_RUN;
		float sum[FEW] = { 0 };
		for (; i < to; i++) {
			const float *row = v + (size_t)column[i] * stride;
			for (size_t j = 0; j < few; j++)
				sum[j] += value[i] * row[j];
		}
		for (size_t j = 0; j < few; j++)
			total[j] += (double)sum[j];
	}
	for (size_t j = 0; j < few; j++)
		y[j] = (float)total[j];
}

static int product_task(void *arg, size_t t, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct product *p = arg;
	size_t d = p->d, to = first_row(p, t + 1);
	for (size_t r = first_row(p, t); r < to; r++) {
		uint64_t at = p->a->start[r];
		size_t n = (size_t)(p->a->start[r + 1] - at), j = 0;
		size_t known = (size_t)(p->a->start[to] - at);
		const float *value = p->a->value + at;
		const uint32_t *column = p->a->column + at;
		for (; j + TILE <= d; j += TILE)
			p->tile(value, column, n, known, p->v + j, d, p->y + r * d + j);
		for (; j + FEW <= d; j += FEW)
			tail_sums(value, column, n, p->v + j, d, FEW, p->y + r * d + j);
		for (; j < d; j++)
			tail_sums(value, column, n, p->v + j, d, 1, p->y + r * d + j);
	}
	return 0;
}

int sparse_times_dense(struct pool *pool, const struct cbtm_sparse *a, const float *v, size_t d,
                       float *y, struct cbtm_error *e)
{
	size_t variants;
	struct product p = { a,
		                 v,
		                 y,
		                 d,
		                 a->rows < TASKS ? (a->rows ? a->rows : 1) : TASKS,
		                 sparse_variants(&variants)->tile };
	return pool_run(pool, p.tasks, product_task, &p, e);
}

int sparse_transpose(const struct cbtm_sparse *a, struct sparse_owned *t, struct cbtm_error *e)
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
		t->start[a->column[i] + 1]++;
	for (size_t c = 0; c < a->columns; c++)
		t->start[c + 1] += t->start[c];
	memcpy(next, t->start, (a->columns + 1) * sizeof *next);
	for (size_t r = 0; r < a->rows; r++) {
		for (uint64_t i = a->start[r]; i < a->start[r + 1]; i++) {
			uint64_t place = next[a->column[i]]++;
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
