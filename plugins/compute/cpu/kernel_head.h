/* SPDX-License-Identifier: MIT */
/*
 * kernel: the output matrix and the softmax over the vocabulary. A task makes the logits z of
 * BLOCK rows, in panels [V / PANEL][BLOCK][PANEL], and turns them into e = exp(z - max) in place.
 * With Z = sum e, dz = (loss_scale / Z) (e - Z [v = target]): so the input's and the weight's
 * gradients are products with e, the factor put on the row of dx and of x.
 */
#pragma once

/* The largest logit and Z of each row of a block. */
struct softmax {
	float largest[BLOCK], sum[BLOCK];
};

static void head_logits(const struct work *w, size_t r0, size_t m, float *z)
{
	const struct tensor *x = tensor_of(w->p, w->op->in[0]), *weight = tensor_of(w->p, w->op->in[1]);
	struct product p = { .m = m,
		                 .n = round_up(weight->shape[0], PANEL),
		                 .k = x->columns,
		                 .a = x->v + r0 * x->columns,
		                 .row = x->columns,
		                 .column = 1,
		                 .b = weight->by_row,
		                 .panel = x->columns * PANEL,
		                 .step = PANEL,
		                 .c = z,
		                 .c_row = PANEL,
		                 .c_panel = BLOCK * PANEL };
	product(&p);
}

/* Logits -> e in place, and each row's largest logit and sum; columns behind V become 0. */
static void head_softmax(float *z, size_t m, size_t V, struct softmax *s)
{
	float most[BLOCK][WIDTH], sum[BLOCK][WIDTH] = { { 0 } };
	size_t panels = blocks(V, PANEL), edge = V % PANEL;
	for (size_t r = 0; r < m && edge; r++)
		for (size_t v = edge; v < PANEL; v++)
			z[(panels - 1) * BLOCK * PANEL + r * PANEL + v] = -INFINITY;
	for (size_t r = 0; r < m; r++)
		vec_store(most[r], vec_set(-INFINITY));
	for (size_t b = 0; b < panels; b++)
		for (size_t r = 0; r < m; r++) {
			const float *row = z + (b * BLOCK + r) * PANEL;
			vec larger = vec_max(vec_load(row), vec_load(row + WIDTH));
			vec_store(most[r], vec_max(vec_load(most[r]), larger));
		}
	for (size_t r = 0; r < m; r++)
		s->largest[r] = vec_largest(vec_load(most[r]));
	for (size_t b = 0; b < panels; b++)
		for (size_t r = 0; r < m; r++) {
			float *row = z + (b * BLOCK + r) * PANEL;
			vec largest = vec_set(s->largest[r]);
			vec e0 = vec_exp(vec_load(row) - largest),
				e1 = vec_exp(vec_load(row + WIDTH) - largest);
			vec_store(row, e0);
			vec_store(row + WIDTH, e1);
			vec_store(sum[r], vec_load(sum[r]) + (e0 + e1));
		}
	for (size_t r = 0; r < m; r++)
		s->sum[r] = vec_sum(vec_load(sum[r]));
}

static float *logit(float *z, size_t r, uint32_t v)
{
	return z + (v / PANEL * BLOCK + r) * PANEL + v % PANEL;
}

/* ---------------------------------------------------------------- scores */

static int task_head_score(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)e;
	const struct work *w = arg;
	const uint32_t *target = tensor_of(w->p, w->op->in[2])->ids;
	float *logprob = tensor_of(w->p, w->op->out[0])->v, target_logit[BLOCK];
	float *z = thread_scratch(w, thread);
	size_t r0 = task * BLOCK, m = least(BLOCK, w->rows - r0), wanted = 0;
	struct softmax s;
	for (size_t r = 0; r < m; r++)
		wanted += target[r0 + r] != CBTM_IGNORE;
	if (wanted) {
		head_logits(w, r0, m, z);
		for (size_t r = 0; r < m; r++)
			target_logit[r] = target[r0 + r] == CBTM_IGNORE ? 0 : *logit(z, r, target[r0 + r]);
		head_softmax(z, m, tensor_of(w->p, w->op->in[1])->shape[0], &s);
	}
	for (size_t r = 0; r < m; r++)
		logprob[r0 + r] =
			target[r0 + r] == CBTM_IGNORE ? 0 : target_logit[r] - s.largest[r] - logf(s.sum[r]);
	return 0;
}

static int run_head_score(struct work *w, struct cbtm_error *e)
{
	return host->pool_run(host->pool(), blocks(w->rows, BLOCK), task_head_score, w, e);
}

/* ---------------------------------------------------------------- loss and gradients */

/* Scratch of the head: e of head_rows() rows, then x with each row times loss_scale / Z. */
static float *block_e(const struct work *w, size_t block)
{
	return w->scratch + block * BLOCK * round_up(tensor_of(w->p, w->op->in[1])->shape[0], PANEL);
}

static float *scaled_x(const struct work *w)
{
	size_t V = tensor_of(w->p, w->op->in[1])->shape[0];
	return block_e(w, head_rows(V, PANEL) / BLOCK);
}

static int task_head_loss(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct work *w = arg;
	const struct tensor *x = tensor_of(w->p, w->op->in[0]), *weight = tensor_of(w->p, w->op->in[1]);
	const uint32_t *target = tensor_of(w->p, w->op->in[2])->ids;
	size_t r0 = w->from + task * BLOCK, m = least(BLOCK, w->rows - r0), d = x->columns;
	size_t V = weight->shape[0];
	float *z = block_e(w, task), *dx = tensor_of(w->p, w->op->out[1])->v + r0 * d;
	float *scaled = scaled_x(w) + task * BLOCK * d, target_logit[BLOCK];
	struct softmax s;
	head_logits(w, r0, m, z);
	for (size_t r = 0; r < m; r++)
		target_logit[r] = target[r0 + r] == CBTM_IGNORE ? 0 : *logit(z, r, target[r0 + r]);
	head_softmax(z, m, V, &s);
	double *loss = w->p->partial + 2 * (r0 / BLOCK);
	loss[0] = loss[1] = 0;
	for (size_t r = 0; r < m; r++)
		if (target[r0 + r] != CBTM_IGNORE) {
			*logit(z, r, target[r0 + r]) -= s.sum[r];
			loss[0] += (double)(s.largest[r] + logf(s.sum[r]) - target_logit[r]);
			loss[1] += 1;
		}
	struct product p = { .m = m,
		                 .n = d,
		                 .k = V,
		                 .a = z,
		                 .row = PANEL,
		                 .column = 1,
		                 .segment = PANEL,
		                 .jump = (BLOCK - 1) * PANEL,
		                 .b = weight->by_column,
		                 .panel = V * PANEL,
		                 .step = PANEL,
		                 .c = dx,
		                 .c_row = d,
		                 .c_panel = PANEL };
	product(&p);
	for (size_t r = 0; r < m; r++) {
		bool counts = target[r0 + r] != CBTM_IGNORE;
		float factor = counts ? (float)(w->scalars->loss_scale / s.sum[r]) : 0;
		for (size_t i = 0; i < d; i++) {
			dx[r * d + i] *= factor;
			scaled[r * d + i] = factor * x->v[(r0 + r) * d + i];
		}
	}
	return 0;
}

/* HEAD_COLUMNS rows of dweight += e' (scaled x), over all rows in hand. */
static int task_head_weight(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct work *w = arg;
	size_t d = tensor_of(w->p, w->op->in[0])->columns;
	size_t V = tensor_of(w->p, w->op->in[1])->shape[0];
	size_t v1 = least(V, (task + 1) * HEAD_COLUMNS);
	const struct tensor *dweight = tensor_of(w->p, w->op->out[2]);
	if (dweight->blank && !w->from)
		memset(dweight->v + task * HEAD_COLUMNS * d, 0,
		       (v1 - task * HEAD_COLUMNS) * d * sizeof *dweight->v);
	for (size_t v = task * HEAD_COLUMNS; v < v1; v += PANEL) {
		struct product p = { .m = least(PANEL, v1 - v),
			                 .n = d,
			                 .k = w->count,
			                 .a = block_e(w, 0) + v * BLOCK,
			                 .row = 1,
			                 .column = PANEL,
			                 .segment = BLOCK,
			                 .jump = BLOCK * (round_up(V, PANEL) - PANEL),
			                 .b = scaled_x(w),
			                 .panel = PANEL,
			                 .step = d,
			                 .c = dweight->v + v * d,
			                 .c_row = d,
			                 .c_panel = PANEL,
			                 .epilogue = { .accumulate = true } };
		product(&p);
	}
	return 0;
}

static int run_head_loss(struct work *w, struct cbtm_error *e)
{
	size_t V = tensor_of(w->p, w->op->in[1])->shape[0], step = head_rows(V, PANEL);
	for (w->from = 0; w->from < w->rows; w->from += step) {
		w->count = least(step, w->rows - w->from);
		if (host->pool_run(host->pool(), blocks(w->count, BLOCK), task_head_loss, w, e) ||
		    host->pool_run(host->pool(), blocks(V, HEAD_COLUMNS), task_head_weight, w, e))
			return e->name;
	}
	sum_losses(w);
	return 0;
}
