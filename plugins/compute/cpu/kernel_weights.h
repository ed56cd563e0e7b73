/* SPDX-License-Identifier: MIT */
/* kernel: gradients of weights. A task owns rows (or columns) of the gradient. */
#pragma once

/*
 * Rows that lie a multiple of 512 bytes apart fall into few sets of the first cache: such an
 * operand is copied, K_BLOCK rows at a time, [columns / PANEL][K_BLOCK][PANEL].
 */
static bool crowds(size_t stride)
{
	return stride % 128 == 0;
}

static const float *copy_rows(const float *from, size_t stride, size_t rows, size_t columns,
                              float *to)
{
	for (size_t r = 0; r < rows; r++)
		for (size_t j = 0; j < columns; j += PANEL) {
			float *row = to + j * K_BLOCK + r * PANEL;
			if (columns - j >= PANEL) {
				vec_store(row, vec_load(from + r * stride + j));
				vec_store(row + WIDTH, vec_load(from + r * stride + j + WIDTH));
			} else {
				memcpy(row, from + r * stride + j, (columns - j) * sizeof *row);
			}
		}
	return to;
}

/* bias[0 .. columns) += sums of dy's columns over a block of rows, in order. */
static void bias_sums(const float *dy, size_t stride, size_t rows, size_t columns, float *bias)
{
	for (size_t j = 0; j < columns; j += PANEL) {
		const float *row = dy + j;
		vec sum0 = vec_set(0), sum1 = vec_set(0);
		float sum[PANEL];
		for (size_t r = 0; r < rows; r++, row += stride) { /* may read over a row's end */
			sum0 += vec_load(row);
			sum1 += vec_load(row + WIDTH);
		}
		vec_store(sum, sum0);
		vec_store(sum + WIDTH, sum1);
		for (size_t i = j; i < least(j + PANEL, columns); i++)
			bias[i] += sum[i - j];
	}
}

/* A task's part of dweight += dy' x, and of dbias, for `rows` (at most K_BLOCK) tokens from r0 on. */
static void weight_block(const struct work *w, const struct weight_task *t, size_t r0, size_t rows,
                         float *scratch)
{
	struct tensor *dweight = tensor_of(w->p, t->op->out[0]),
				  *dbias = tensor_of(w->p, t->op->out[1]);
	size_t k = dweight->columns, n = t->n, j0 = t->j0, j1 = t->j1;
	float *to = dweight->v + t->group * n * k, *bias = dbias ? dbias->v + t->group * n : NULL;
	struct product p = { .m = j1 - j0,
		                 .n = k,
		                 .k = rows,
		                 .a = tensor_of(w->p, t->op->in[0])->v + r0 * n + j0,
		                 .row = 1,
		                 .column = n,
		                 .b = tensor_of(w->p, t->op->in[1])->v + r0 * k,
		                 .panel = PANEL,
		                 .step = k,
		                 .c = to + j0 * k,
		                 .c_row = k,
		                 .c_panel = PANEL,
		                 .epilogue = { .accumulate = true } };
	if (crowds(k)) {
		p.b = copy_rows(p.b, k, rows, k, scratch + K_BLOCK * WEIGHT_ROWS);
		p.panel = K_BLOCK * PANEL;
		p.step = PANEL;
	}
	if (crowds(n)) { /* the rows of a are the columns of dy: panel by panel */
		const float *a = copy_rows(p.a, n, rows, j1 - j0, scratch);
		p.column = PANEL;
		for (size_t j = j0; j < j1; j += PANEL) {
			p.a = a + (j - j0) * K_BLOCK;
			p.m = least(PANEL, j1 - j);
			p.c = to + j * k;
			product(&p);
			if (bias)
				bias_sums(p.a, PANEL, rows, p.m, bias + j);
		}
	} else {
		product(&p);
		if (bias)
			bias_sums(p.a, n, rows, p.m, bias + j0);
	}
}

static int task_weights(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)e;
	const struct work *w = arg;
	struct weight_task t = weight_task(w, i);
	struct tensor *dweight = tensor_of(w->p, t.op->out[0]);
	if (dweight->blank)
		memset(dweight->v + (t.group * t.n + t.j0) * dweight->columns, 0,
		       (t.j1 - t.j0) * dweight->columns * sizeof *dweight->v);
	for (size_t r = 0; r < t.rows; r += K_BLOCK)
		weight_block(w, &t, t.r0 + r, least(K_BLOCK, t.rows - r), thread_scratch(w, thread));
	return 0;
}

static int run_weights(struct work *w, struct cbtm_error *e)
{
	size_t tasks = 0;
	for (uint32_t o = 0; o < w->operations; o++)
		tasks += weight_tasks(w, o);
	return host->pool_run(host->pool(), tasks, task_weights, w, e);
}
