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

static size_t chunk_tasks(const struct work *w)
{
	size_t n = 0;
	for (uint32_t o = 0; o < w->operations; o++)
		n += blocks(walked(w, o)->elements, CHUNK);
	return n;
}

/* The operation and the chunk of the i-th task. */
static uint32_t chunk_of(const struct work *w, size_t *i)
{
	uint32_t o = 0;
	for (; *i >= blocks(walked(w, o)->elements, CHUNK); o++)
		*i -= blocks(walked(w, o)->elements, CHUNK);
	return o;
}

static int task_sums(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct work *w = arg;
	size_t chunk = task;
	const struct tensor *t = walked(w, chunk_of(w, &chunk));
	double sum[8] = { 0 };
	size_t end = least(t->elements, (chunk + 1) * CHUNK), i = chunk * CHUNK;
	for (; i + 8 <= end; i += 8)
		for (size_t j = 0; j < 8; j++)
			sum[j] += (double)t->v[i + j] * t->v[i + j];
	for (; i < end; i++)
		sum[0] += (double)t->v[i] * t->v[i];
	for (size_t j = 1; j < 8; j++)
		sum[0] += sum[j];
	w->p->partial[task] = sum[0];
	return 0;
}

static int run_sums(struct work *w, struct cbtm_error *e)
{
	if (host->pool_run(host->pool(), chunk_tasks(w), task_sums, w, e))
		return e->name;
	const double *partial = w->p->partial;
	for (uint32_t o = 0; o < w->operations; o++) {
		double sum = 0;
		for (size_t n = blocks(walked(w, o)->elements, CHUNK); n; n--)
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
	float *restrict gradient = tensor_of(w->p, op->out[1])->v + from;
	float *restrict m = tensor_of(w->p, op->out[2])->v + from;
	float *restrict v = tensor_of(w->p, op->out[3])->v + from;
	float scale = tensor_of(w->p, op->in[0])->v[0];
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
	memset(gradient, 0, n * sizeof *gradient);
}

/* Tasks of an update: rows of a matrix that is packed, whole chunks of others. */
static size_t update_tasks(const struct tensor *t)
{
	return packs(t) ? pack_tasks(t) : blocks(t->elements, CHUNK);
}

static int task_adamw(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)e;
	const struct work *w = arg;
	uint32_t o = 0;
	for (; i >= update_tasks(walked(w, o)); o++)
		i -= update_tasks(walked(w, o));
	struct tensor *t = walked(w, o);
	size_t from = i * CHUNK, n = least(CHUNK, t->elements - from);
	if (packs(t)) {
		size_t rows = matrix_rows(t), tasks = blocks(rows, PACK_ROWS), r0 = i % tasks * PACK_ROWS;
		from = (i / tasks * rows + r0) * t->columns;
		n = least(PACK_ROWS, rows - r0) * t->columns;
	}
	adamw(w, &w->op[o], from, n);
	if (packs(t))
		w->p->variant->pack(t, i, thread_scratch(w, thread) + w->p->local_floats);
	return 0;
}

static int run_adamw(struct work *w, struct cbtm_error *e)
{
	size_t tasks = 0;
	for (uint32_t o = 0; o < w->operations; o++)
		tasks += update_tasks(walked(w, o));
	return host->pool_run(host->pool(), tasks, task_adamw, w, e);
}
