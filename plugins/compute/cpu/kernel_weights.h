/* SPDX-License-Identifier: MIT */
/* kernel: gradients of weights and embeddings. A task owns rows (or columns) of the gradient. */
#pragma once

/* Rows [j0, j1) of dweight += dy' x, and of dbias. */
static void weight_rows(const struct work *w, const struct cbtm_operation *op, size_t j0, size_t j1)
{
	struct tensor *dweight = tensor_of(w->p, op->out[0]), *dbias = tensor_of(w->p, op->out[1]);
	size_t k = dweight->columns, n = dweight->elements / k;
	const float *dy = tensor_of(w->p, op->in[0])->v, *x = tensor_of(w->p, op->in[1])->v;
	struct product p = { .m = j1 - j0,
		                 .n = k,
		                 .k = w->rows,
		                 .a = dy + j0,
		                 .row = 1,
		                 .column = n,
		                 .b = x,
		                 .panel = PANEL,
		                 .step = k,
		                 .c = dweight->v + j0 * k,
		                 .c_row = k,
		                 .c_panel = PANEL,
		                 .epilogue = { .accumulate = true } };
	product(&p);
	if (dbias) {
		float sum[WEIGHT_ROWS] = { 0 };
		for (size_t r = 0; r < w->rows; r++)
			for (size_t j = j0; j < j1; j++)
				sum[j - j0] += dy[r * n + j];
		for (size_t j = j0; j < j1; j++)
			dbias->v[j] += sum[j - j0];
	}
}

static size_t weight_tasks(const struct work *w, uint32_t o)
{
	const struct tensor *t = tensor_of(w->p, w->op[o].out[0]);
	return blocks(t->elements / t->columns, WEIGHT_ROWS);
}

static int task_weights(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct work *w = arg;
	uint32_t o = 0;
	for (; i >= weight_tasks(w, o); o++)
		i -= weight_tasks(w, o);
	const struct tensor *t = tensor_of(w->p, w->op[o].out[0]);
	weight_rows(w, &w->op[o], i * WEIGHT_ROWS,
	            least((i + 1) * WEIGHT_ROWS, t->elements / t->columns));
	return 0;
}

static int run_weights(struct work *w, struct cbtm_error *e)
{
	size_t tasks = 0;
	for (uint32_t o = 0; o < w->operations; o++)
		tasks += weight_tasks(w, o);
	return host->pool_run(host->pool(), tasks, task_weights, w, e);
}

enum { EMBED_COLUMNS = 16 };

/* Columns of both embeddings' gradients, tokens in order. */
static int task_embed_gradient(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct work *w = arg;
	const uint32_t *ids = tensor_of(w->p, w->op->in[0])->ids;
	const float *dx = tensor_of(w->p, w->op->in[1])->v;
	float *token = tensor_of(w->p, w->op->out[0])->v;
	float *position = tensor_of(w->p, w->op->out[1])->v;
	size_t d = tensor_of(w->p, w->op->out[0])->columns, i0 = task * EMBED_COLUMNS;
	size_t n = least(EMBED_COLUMNS, d - i0);
	for (size_t r = 0; r < w->rows; r++) {
		const float *from = dx + r * d + i0;
		float *a = token + ids[r] * d + i0, *b = position + r % w->p->T * d + i0;
		for (size_t i = 0; i < n; i++) {
			a[i] += from[i];
			b[i] += from[i];
		}
	}
	return 0;
}

static int run_embed_gradient(struct work *w, struct cbtm_error *e)
{
	size_t d = tensor_of(w->p, w->op->out[0])->columns;
	return host->pool_run(host->pool(), blocks(d, EMBED_COLUMNS), task_embed_gradient, w, e);
}
