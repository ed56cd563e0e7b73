/* SPDX-License-Identifier: MIT */
/* kernel: what all precisions share: embedding, dropout, and how tasks of rows are run. */
#pragma once

static inline float *at(const struct rows *x, uint32_t t, size_t row)
{
	struct tensor *tensor = tensor_of(x->w->p, t);
	return tensor ? tensor->v + row * tensor->columns : NULL;
}

/* v[i] of an array whose element 0 is element `first` of the mask: zero or / (1 - rate). */
static void drop(const struct cbtm_scalars *s, const struct cbtm_operation *op, uint64_t first,
                 const float *from, float *to, size_t n)
{
	double rate = cbtm_dropout_rate(s, op);
	uint64_t limit = (uint64_t)(rate * 4294967296.0);
	float keep = (float)(1 / (1 - rate));
	uint32_t word[4];
	for (size_t i = 0; i < n; i++) {
		uint64_t index = first + i;
		if (!i || index % 4 == 0)
			philox(s->dropout_key, index / 4, op->number, word);
		to[i] = word[index % 4] < limit ? 0 : from[i] * keep;
	}
}

/* GROUP_LINEAR has another input there. */
static inline uint32_t residual_of(const struct cbtm_operation *op)
{
	return op->kind == CBTM_OP_LINEAR ? op->in[3] : CBTM_NONE;
}

static inline bool drops(const struct work *w, const struct cbtm_operation *op)
{
	return op->kind != CBTM_OP_GROUP_LINEAR && cbtm_dropout_rate(w->scalars, op) > 0;
}

static void rows_embed(const struct rows *x)
{
	const uint32_t *ids = x->w->p->tensor[x->op->in[0]].ids;
	const struct tensor *token = tensor_of(x->w->p, x->op->in[1]);
	size_t d = token->columns;
	for (size_t r = x->r0; r < x->r1; r++) {
		const float *a = token->v + ids[r] * d, *b = at(x, x->op->in[2], r % x->w->p->T);
		float *y = at(x, x->op->out[0], r);
		for (size_t i = 0; i < d; i++)
			y[i] = a[i] + b[i];
	}
}

/* Sum of n floats and of their products, lanes first; the tail as one more vector. */
static inline vec vec_part(const float *x, size_t i, size_t n)
{
	float edge[WIDTH] = { 0 };
	if (i + WIDTH <= n)
		return vec_load(x + i);
	memcpy(edge, x + i, (n - i) * sizeof *edge);
	return vec_load(edge);
}

/* A row's mean and 1 / sqrt(variance + epsilon). */
static void norm_statistics(const float *v, size_t d, double epsilon, float *mean, float *rstd)
{
	vec sum = vec_set(0), squares = vec_set(0);
	for (size_t i = 0; i < d; i += WIDTH)
		sum += vec_part(v, i, d);
	*mean = vec_sum(sum) / (float)d;
	for (size_t i = 0; i + WIDTH <= d; i += WIDTH) {
		vec z = vec_load(v + i) - vec_set(*mean);
		squares = vec_fma(z, z, squares);
	}
	float variance = vec_sum(squares);
	for (size_t i = d / WIDTH * WIDTH; i < d; i++)
		variance += (v[i] - *mean) * (v[i] - *mean);
	*rstd = 1 / sqrtf(variance / (float)d + (float)epsilon);
}

/* Where the blocks' sums of the i-th operation of a region lie in scratch. */
static float *norm_sums(const struct work *w, uint32_t i)
{
	float *s = w->scratch;
	for (uint32_t j = 0; j < i; j++)
		if (w->op[j].kind == CBTM_OP_NORM_GRADIENT)
			s += blocks((size_t)w->p->batch * w->p->T, BLOCK) * 2 *
			     w->p->tensor[w->op[j].in[2]].columns;
	return s;
}

static int task_rows(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)e;
	const struct work *w = arg;
	struct rows x = {
		.w = w, .r0 = i * BLOCK, .r1 = least(w->rows, (i + 1) * BLOCK), .thread = thread
	};
	for (uint32_t o = 0; o < w->operations; o++) {
		x.op = &w->op[o];
		if (x.op->kind == CBTM_OP_NORM_GRADIENT)
			x.sums = norm_sums(w, o) + i * 2 * w->p->tensor[x.op->in[2]].columns;
		w->p->variant->rows[x.op->kind](&x);
	}
	return 0;
}

static int run_rows(struct work *w, struct cbtm_error *e)
{
	size_t n = blocks(w->rows, BLOCK);
	if (run_beside(w, n, task_rows, e))
		return e->name;
	for (uint32_t o = 0; o < w->operations; o++) {
		if (w->op[o].kind != CBTM_OP_NORM_GRADIENT)
			continue;
		const float *sums = norm_sums(w, o);
		float *gain = w->p->tensor[w->op[o].out[1]].v, *bias = w->p->tensor[w->op[o].out[2]].v;
		size_t d = w->p->tensor[w->op[o].in[2]].columns;
		for (size_t b = 0; b < n; b++, sums += 2 * d)
			for (size_t i = 0; i < d; i++) {
				gain[i] += sums[i];
				bias[i] += sums[d + i];
			}
	}
	return 0;
}

/* The loss: sums of the blocks' parts, in order. */
static void sum_losses(const struct work *w)
{
	double *loss = tensor_of(w->p, w->op->out[0])->f64;
	loss[0] = loss[1] = 0;
	for (size_t b = 0; b < blocks(w->rows, BLOCK); b++) {
		loss[0] += w->p->partial[2 * b];
		loss[1] += w->p->partial[2 * b + 1];
	}
}

/* ---------------------------------------------------------------- tasks of gradients */

/* What a task of a weight's gradient makes: rows of the gradient of one matrix, from some tokens. */
struct weight_task {
	const struct cbtm_operation *op;
	size_t n, group, j0, j1; /* rows [j0, j1) of the n of a matrix */
	size_t r0, rows;         /* tokens, or an expert's grouped rows */
};

static size_t weight_groups(const struct cbtm_operation *op, const struct tensor *gradient)
{
	return op->kind == CBTM_OP_GROUP_WEIGHT ? gradient->shape[0] : 1;
}

static size_t weight_tasks(const struct work *w, uint32_t o)
{
	const struct tensor *t = tensor_of(w->p, w->op[o].out[0]);
	size_t groups = weight_groups(&w->op[o], t), n = t->elements / t->columns / groups;
	return groups * blocks(n, weight_rows(n));
}

static struct weight_task weight_task(const struct work *w, size_t i)
{
	uint32_t o = 0;
	for (; i >= weight_tasks(w, o); o++)
		i -= weight_tasks(w, o);
	struct weight_task task = { .op = &w->op[o], .rows = w->rows };
	const struct tensor *t = tensor_of(w->p, task.op->out[0]);
	task.n = t->elements / t->columns / weight_groups(task.op, t);
	size_t size = weight_rows(task.n), tasks = blocks(task.n, size);
	task.group = i / tasks;
	task.j0 = i % tasks * size;
	task.j1 = least(task.j0 + size, task.n);
	if (task.op->kind == CBTM_OP_GROUP_WEIGHT) {
		const double *load = tensor_of(w->p, load_of(task.op))->f64 + task.group * LOAD;
		task.r0 = (size_t)load[LOAD_FIRST_ROW];
		task.rows = (size_t)load[LOAD_ROWS];
	}
	return task;
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
	uint32_t padding = w->op->flags & CBTM_PADDING ? w->op->number : UINT32_MAX;
	for (size_t r = 0; r < w->rows; r++) {
		const float *from = dx + r * d + i0;
		float *a = token + ids[r] * d + i0, *b = position + r % w->p->T * d + i0;
		for (size_t i = 0; i < n && ids[r] != padding; i++)
			a[i] += from[i];
		for (size_t i = 0; i < n; i++)
			b[i] += from[i];
	}
	return 0;
}

static int run_embed_gradient(struct work *w, struct cbtm_error *e)
{
	size_t d = tensor_of(w->p, w->op->out[0])->columns;
	return host->pool_run(host->pool(), blocks(d, EMBED_COLUMNS), task_embed_gradient, w, e);
}
