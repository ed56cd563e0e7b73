/* SPDX-License-Identifier: MIT */
/*
 * kernel: gradient norm, clipping, AdamW. Packed forms of a matrix are made while its numbers are in
 * the cache.
 */
#pragma once

/* The tensor that an operation walks. */
static struct tensor *walked(const struct work *w, uint32_t o)
{
	const struct cbtm_operation *op = &w->op[o];
	return tensor_of(w->p, op->kind == CBTM_OP_ADAMW ? op->out[0] : op->in[0]);
}

/* Rows that are summed side by side: a sum's additions wait for each other. */
enum { SUMS = 4 };

/* The sums of the squares of `rows` (at most SUMS) rows of k numbers, each in SQUARE_LANES lanes. */
static void square_rows(const float *v, size_t rows, size_t k, double *squares)
{
	double sum[SUMS][SQUARE_LANES] = { 0 };
	size_t whole = rows == SUMS ? k / SQUARE_LANES * SQUARE_LANES : 0;
	for (size_t i = 0; i < whole; i += SQUARE_LANES)
		for (size_t r = 0; r < SUMS; r++)
			for (size_t j = 0; j < SQUARE_LANES; j++) {
				double x = v[r * k + i + j];
				sum[r][j] += x * x;
			}
	for (size_t r = 0; r < rows; r++) {
		const float *x = v + r * k;
		size_t i = whole;
		for (; i + SQUARE_LANES <= k; i += SQUARE_LANES)
			for (size_t j = 0; j < SQUARE_LANES; j++)
				sum[r][j] += (double)x[i + j] * x[i + j];
		for (size_t j = 0; i < k; i++, j++)
			sum[r][j] += (double)x[i] * x[i];
		squares[r] = square_sum(sum[r]);
	}
}

/* The sums of rows [r0, r1), those that are not known read. */
static double sum_of_rows(const struct tensor *t, size_t r0, size_t r1)
{
	double sum = 0, here[SUMS];
	for (size_t r = r0; r < r1; r += SUMS) {
		size_t rows = least(SUMS, r1 - r);
		bool known = t->squares != NULL;
		for (size_t i = 0; known && i < rows; i++)
			known = !(t->squares[r + i] < 0);
		if (!known)
			square_rows(t->v + r * t->columns, rows, t->columns, here);
		for (size_t i = 0; i < rows; i++)
			sum += known ? t->squares[r + i] : here[i];
	}
	return sum;
}

static int task_sums(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct work *w = arg;
	double *partial = w->p->partial + task;
	uint32_t o = 0;
	for (; task >= sum_tasks(walked(w, o)); o++)
		task -= sum_tasks(walked(w, o));
	const struct tensor *t = walked(w, o);
	size_t r0 = task * sum_rows(t);
	*partial = sum_of_rows(t, r0, least(r0 + sum_rows(t), t->elements / t->columns));
	return 0;
}

static int run_sums(struct work *w, struct cbtm_error *e)
{
	size_t tasks = 0;
	for (uint32_t o = 0; o < w->operations; o++)
		tasks += sum_tasks(walked(w, o));
	if (host->pool_run(host->pool(), tasks, task_sums, w, e))
		return e->name;
	const double *partial = w->p->partial;
	for (uint32_t o = 0; o < w->operations; o++) {
		double sum = 0;
		for (size_t n = sum_tasks(walked(w, o)); n; n--)
			sum += *partial++;
		tensor_of(w->p, w->op[o].out[0])->f64[w->op[o].number] = sum;
	}
	return 0;
}

static int run_clip(struct work *w, struct cbtm_error *e)
{
	(void)e;
	const struct tensor *sums = tensor_of(w->p, w->op->in[0]);
	double sum = 0, limit = w->scalars->clip;
	for (size_t i = 0; i < sums->elements; i++)
		sum += sums->f64[i];
	double norm = sqrt(sum);
	double scale = limit > 0 && limit < norm + 1e-6 ? limit / (norm + 1e-6) : 1;
	tensor_of(w->p, w->op->out[0])->f64[0] = norm;
	tensor_of(w->p, w->op->out[1])->v[0] = isfinite(norm) ? (float)scale : 0;
	return 0;
}

/* Elements [from, from + n) of one parameter. */
static void adamw(const struct work *w, const struct cbtm_operation *op, size_t from, size_t n)
{
	const struct cbtm_scalars *s = w->scalars;
	float *restrict parameter = tensor_of(w->p, op->out[0])->v + from;
	const float *restrict gradient = tensor_of(w->p, op->out[1])->v + from;
	float *restrict m = tensor_of(w->p, op->out[2])->v + from;
	float *restrict v = tensor_of(w->p, op->out[3])->v + from;
	float scale = w->scale ? *w->scale : tensor_of(w->p, op->in[0])->v[0];
	for (unsigned i = 2; i < 4; i++)
		if (tensor_of(w->p, op->out[i])->blank)
			memset(tensor_of(w->p, op->out[i])->v + from, 0, n * sizeof *m);
	if (scale != 0) {
		float beta1 = (float)s->beta1, beta2 = (float)s->beta2;
		float rest1 = (float)(1 - s->beta1), rest2 = (float)(1 - s->beta2);
		float step = (float)(s->lr / (1 - pow(s->beta1, (double)s->step)));
		float root = (float)(1 / sqrt(1 - pow(s->beta2, (double)s->step)));
		float epsilon = (float)s->epsilon;
		float keep = op->flags & CBTM_DECAY ? (float)(1 - s->lr * s->weight_decay) : 1;
		for (size_t i = 0; i < n; i++) {
			float g = scale * gradient[i];
			m[i] = beta1 * m[i] + rest1 * g;
			v[i] = beta2 * v[i] + rest2 * g * g;
			parameter[i] = keep * parameter[i] - step * m[i] / (sqrtf(v[i]) * root + epsilon);
		}
	}
}

/* What this thread will likely update next: its numbers come while this task's are packed. */
static struct ahead look_ahead(const struct work *w, const struct cbtm_operation *op, size_t from,
                               size_t n)
{
	struct ahead ahead = { .n = n * sizeof(float) };
	for (size_t i = 0; i < AHEAD_STREAMS; i++)
		ahead.p[i] = (const char *)(tensor_of(w->p, op->out[i])->v + from);
	return ahead;
}

/* The elements of the i-th of a tensor's pack_tasks; none behind the last. */
static void pack_range(const struct tensor *t, size_t i, size_t *from, size_t *n)
{
	size_t rows = matrix_rows(t), tasks = blocks(rows, PACK_ROWS), r0 = i % tasks * PACK_ROWS;
	bool there = i < pack_tasks(t);
	*from = there ? (i / tasks * rows + r0) * t->columns : 0;
	*n = there ? least(PACK_ROWS, rows - r0) * t->columns : 0;
}

static int task_adamw(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)e;
	const struct work *w = arg;
	uint32_t o = 0;
	for (; i >= update_tasks(walked(w, o)); o++)
		i -= update_tasks(walked(w, o));
	struct tensor *t = walked(w, o);
	size_t from = i * CHUNK, n = least(CHUNK, t->elements - from), next = 0, next_n = 0;
	if (packs(t)) {
		pack_range(t, i, &from, &n);
		pack_range(t, i + w->stride, &next, &next_n);
	}
	adamw(w, &w->op[o], from, n);
	if (packs(t)) {
		struct ahead ahead = look_ahead(w, &w->op[o], next, next_n);
		w->p->variant->pack(t, i, thread_scratch(w, thread) + w->p->local_floats, &ahead);
	}
	return 0;
}

static int run_adamw(struct work *w, struct cbtm_error *e)
{
	size_t tasks = 0;
	for (uint32_t o = 0; o < w->operations; o++)
		tasks += update_tasks(walked(w, o));
	w->stride = host->pool_threads(host->pool());
	return host->pool_run(host->pool(), tasks, task_adamw, w, e);
}
