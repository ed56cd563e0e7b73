/* SPDX-License-Identifier: MIT */
#include "math/sparse_core.h"
#include "base/memory.h"
#include <stdlib.h>
#include <string.h>

enum { MANY = 4096 }; /* entries of a column, or more: their order matters little */

/* place, and where each column of a went; columns of as many entries stay in order. *shared: how
 * many have two entries or more. */
static int order_columns(const struct cbtm_sparse *a, uint32_t *place, uint32_t *went,
                         size_t *shared, struct cbtm_error *e)
{
	size_t at[MANY + 2] = { 0 };
	uint32_t *count = mem_zeroed(a->columns, sizeof *count, "a matrix", e);
	if (!count)
		return e->name;
	for (uint64_t i = 0; i < a->start[a->rows]; i++)
		count[a->column[i]] += count[a->column[i]] < MANY;
	for (size_t c = 0; c < a->columns; c++)
		at[MANY - count[c] + 1]++;
	for (size_t i = 0; i <= MANY; i++)
		at[i + 1] += at[i];
	*shared = at[MANY - 1];
	for (size_t c = 0; c < a->columns; c++) {
		went[c] = (uint32_t)at[MANY - count[c]]++;
		place[went[c]] = (uint32_t)c;
	}
	free(count);
	return 0;
}

/* The rows of a with columns by their new numbers, those below `shared`. */
static int rename_columns(const struct cbtm_sparse *a, const uint32_t *went, size_t shared,
                          struct sparse_core *core, struct cbtm_error *e)
{
	size_t entries = (size_t)a->start[a->rows], n = 0;
	struct sparse_owned *rows = &core->rows;
	rows->start = mem_aligned(a->rows + 1, sizeof *rows->start, "a matrix", e);
	rows->column = mem_aligned(entries, sizeof *rows->column, "a matrix", e);
	rows->value = mem_aligned(entries, sizeof *rows->value, "a matrix", e);
	core->alone = mem_aligned(a->rows, sizeof *core->alone, "a matrix", e);
	if (e->name)
		return e->name;
	rows->start[0] = 0;
	for (size_t r = 0; r < a->rows; r++) {
		double square = 0;
		for (uint64_t i = a->start[r]; i < a->start[r + 1]; i++) {
			uint32_t column = went[a->column[i]];
			rows->column[n] = column;
			rows->value[n] = a->value[i];
			n += column < shared;
			square += column < shared ? 0 : (double)a->value[i] * (double)a->value[i];
		}
		rows->start[r + 1] = n;
		core->alone[r] = (float)square;
	}
	rows->matrix = (struct cbtm_sparse){ a->rows, shared, rows->start, rows->column, rows->value };
	return 0;
}

struct making {
	const struct cbtm_sparse *a;
	uint32_t *went;
	size_t shared;
	struct sparse_core *core;
};

/* The two copies, side by side. */
static int copy_task(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct making *k = arg;
	(void)thread;
	return task == 0 ? sparse_transpose(k->a, k->went, &k->core->columns, e)
	                 : rename_columns(k->a, k->went, k->shared, k->core, e);
}

int sparse_core_make(struct pool *pool, const struct cbtm_sparse *a, struct sparse_core *core,
                     struct cbtm_error *e)
{
	struct making k = { a, mem_aligned(a->columns, sizeof *k.went, "a matrix", e), 0, core };
	*core = (struct sparse_core){ .alone = NULL };
	core->place = mem_aligned(a->columns, sizeof *core->place, "a matrix", e);
	if (e->name || order_columns(a, core->place, k.went, &k.shared, e) ||
	    pool_run(pool, 2, copy_task, &k, e))
		goto done;
	core->shared = core->columns.matrix;
	core->shared.rows = k.shared;
done:
	free(k.went);
	if (e->name)
		sparse_core_free(core);
	return e->name;
}

void sparse_core_free(struct sparse_core *core)
{
	sparse_free(&core->rows);
	sparse_free(&core->columns);
	free(core->place);
	free(core->alone);
	*core = (struct sparse_core){ .alone = NULL };
}
