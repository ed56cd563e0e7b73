/* SPDX-License-Identifier: MIT */
/* kernel: operations on rows: embedding, norm, linear maps, dropout, and the norm's gradient. */
#pragma once

/* The rows [r0, r1) of one operation, by one task. */
struct rows {
	const struct work *w;
	const struct cbtm_operation *op;
	size_t r0, r1, block;
	float *sums; /* NORM_GRADIENT: this block's 2 d */
};

static inline float *at(const struct rows *x, uint32_t t, size_t row)
{
	struct tensor *tensor = tensor_of(x->w->p, t);
	return tensor ? tensor->v + row * tensor->columns : NULL;
}

/* v[i] of an array whose element 0 is element `first` of the mask: zero or / (1 - rate). */
static void drop(const struct cbtm_scalars *s, uint32_t number, uint64_t first, const float *from,
                 float *to, size_t n)
{
	uint64_t limit = (uint64_t)(s->dropout * 4294967296.0);
	float keep = (float)(1 / (1 - s->dropout));
	uint32_t word[4];
	for (size_t i = 0; i < n; i++) {
		uint64_t index = first + i;
		if (!i || index % 4 == 0)
			philox(s->dropout_key, index / 4, number, word);
		to[i] = word[index % 4] < limit ? 0 : from[i] * keep;
	}
}

static inline bool drops(const struct work *w, const struct cbtm_operation *op)
{
	return op->flags & CBTM_DROPOUT && w->scalars->dropout > 0;
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

static void rows_norm(const struct rows *x)
{
	size_t d = x->w->p->tensor[x->op->in[1]].columns;
	const float *gain = at(x, x->op->in[1], 0), *bias = at(x, x->op->in[2], 0);
	for (size_t r = x->r0; r < x->r1; r++) {
		const float *v = at(x, x->op->in[0], r);
		float *y = at(x, x->op->out[0], r), *statistics = at(x, x->op->out[1], r);
		vec sum = vec_set(0), squares = vec_set(0);
		for (size_t i = 0; i < d; i += WIDTH)
			sum += vec_part(v, i, d);
		float mean = vec_sum(sum) / (float)d;
		for (size_t i = 0; i + WIDTH <= d; i += WIDTH) {
			vec z = vec_load(v + i) - vec_set(mean);
			squares = vec_fma(z, z, squares);
		}
		float variance = vec_sum(squares);
		for (size_t i = d / WIDTH * WIDTH; i < d; i++)
			variance += (v[i] - mean) * (v[i] - mean);
		float rstd = 1 / sqrtf(variance / (float)d + (float)x->op->epsilon);
		for (size_t i = 0; i < d; i++)
			y[i] = (v[i] - mean) * rstd * gain[i] + bias[i];
		statistics[0] = mean;
		statistics[1] = rstd;
	}
}

static void rows_norm_gradient(const struct rows *x)
{
	size_t d = x->w->p->tensor[x->op->in[2]].columns;
	const float *gain = at(x, x->op->in[2], 0);
	float *restrict z_sums = x->sums, *restrict sums = x->sums + d;
	memset(x->sums, 0, 2 * d * sizeof *x->sums);
	for (size_t r = x->r0; r < x->r1; r++) {
		const float *dy = at(x, x->op->in[0], r), *v = at(x, x->op->in[1], r);
		const float *statistics = at(x, x->op->in[3], r), *residual = at(x, x->op->in[4], r);
		float *dx = at(x, x->op->out[0], r), mean = statistics[0], rstd = statistics[1];
		vec a_sum = vec_set(0), az_sum = vec_set(0);
		for (size_t i = 0; i < d; i += WIDTH) {
			vec a = vec_part(dy, i, d) * vec_part(gain, i, d);
			vec z = (vec_part(v, i, d) - vec_set(mean)) * vec_set(rstd);
			a_sum += a;
			az_sum = vec_fma(a, z, az_sum);
		}
		float a_mean = vec_sum(a_sum) / (float)d, az_mean = vec_sum(az_sum) / (float)d;
		for (size_t i = 0; i < d; i++) {
			z_sums[i] += dy[i] * ((v[i] - mean) * rstd);
			sums[i] += dy[i];
		}
		for (size_t i = 0; i < d; i++) {
			float z = (v[i] - mean) * rstd;
			float g = rstd * (dy[i] * gain[i] - a_mean - z * az_mean);
			dx[i] = residual ? residual[i] + g : g;
		}
	}
}

/* y[0..n) = f(y); z, if it is kept, gets what was there. The tail goes through a whole vector. */
static void gelu(float *y, float *z, size_t n)
{
	if (z)
		memcpy(z, y, n * sizeof *z);
	for (size_t i = 0; i < n; i += WIDTH) {
		vec v = vec_part(y, i, n), f = v * vec_gelu_gate(v);
		if (i + WIDTH <= n)
			vec_store(y + i, f);
		else
			memcpy(y + i, &f, (n - i) * sizeof *y);
	}
}

static void gelu_gradient(float *dx, const float *z, size_t n)
{
	for (size_t i = 0; i < n; i += WIDTH) {
		vec g = vec_part(dx, i, n) * vec_gelu_slope(vec_part(z, i, n));
		if (i + WIDTH <= n)
			vec_store(dx + i, g);
		else
			memcpy(dx + i, &g, (n - i) * sizeof *dx);
	}
}

static void rows_linear(const struct rows *x)
{
	const struct tensor *weight = tensor_of(x->w->p, x->op->in[1]);
	size_t k = weight->columns, n = weight->elements / k;
	float *y = at(x, x->op->out[0], x->r0), *residual = at(x, x->op->in[3], x->r0);
	float *z = at(x, x->op->out[1], x->r0);
	bool gated = x->op->flags & CBTM_GELU, dropped = drops(x->w, x->op),
		 later = gated || dropped || z;
	struct product p = { .m = x->r1 - x->r0,
		                 .n = n,
		                 .k = k,
		                 .a = at(x, x->op->in[0], x->r0),
		                 .row = k,
		                 .column = 1,
		                 .b = weight->by_row,
		                 .panel = k * PANEL,
		                 .step = PANEL,
		                 .c = y,
		                 .c_row = n,
		                 .c_panel = PANEL,
		                 .epilogue = { .bias = at(x, x->op->in[2], 0),
		                               .relu = x->op->flags & CBTM_RELU && !z,
		                               .residual = later ? NULL : residual } };
	product(&p);
	for (size_t r = x->r0; later && r < x->r1; r++, y += n) {
		float *kept = z ? z + (r - x->r0) * n : NULL;
		if (gated)
			gelu(y, kept, n);
		else if (kept)
			memcpy(kept, y, n * sizeof *y);
		for (size_t j = 0; kept && x->op->flags & CBTM_RELU && j < n; j++)
			y[j] = y[j] > 0 ? y[j] : 0;
		if (dropped)
			drop(x->w->scalars, x->op->number, r * n, y, y, n);
		for (size_t j = 0; residual && j < n; j++)
			y[j] += residual[(r - x->r0) * n + j];
	}
}

static void rows_linear_input(const struct rows *x)
{
	const struct tensor *weight = tensor_of(x->w->p, x->op->in[1]);
	size_t k = weight->columns, n = weight->elements / k;
	const float *z = at(x, x->op->in[2], x->r0);
	bool gated = z && x->op->flags & CBTM_GELU;
	struct product p = { .m = x->r1 - x->r0,
		                 .n = k,
		                 .k = n,
		                 .a = at(x, x->op->in[0], x->r0),
		                 .row = n,
		                 .column = 1,
		                 .b = weight->by_column,
		                 .panel = n * PANEL,
		                 .step = PANEL,
		                 .c = at(x, x->op->out[0], x->r0),
		                 .c_row = k,
		                 .c_panel = PANEL,
		                 .epilogue = { .mask = gated ? NULL : z } };
	product(&p);
	if (gated)
		gelu_gradient(p.c, z, p.m * k);
}

static void rows_dropout(const struct rows *x)
{
	size_t d = x->w->p->tensor[x->op->in[0]].columns;
	const float *dy = at(x, x->op->in[0], x->r0);
	float *dx = at(x, x->op->out[0], x->r0);
	if (drops(x->w, x->op))
		drop(x->w->scalars, x->op->number, x->r0 * d, dy, dx, (x->r1 - x->r0) * d);
	else
		memcpy(dx, dy, (x->r1 - x->r0) * d * sizeof *dx);
}

static void (*const rows_functions[CBTM_OP_COUNT])(const struct rows *x) = {
	[CBTM_OP_EMBED] = rows_embed,
	[CBTM_OP_NORM] = rows_norm,
	[CBTM_OP_NORM_GRADIENT] = rows_norm_gradient,
	[CBTM_OP_LINEAR] = rows_linear,
	[CBTM_OP_LINEAR_INPUT] = rows_linear_input,
	[CBTM_OP_DROPOUT] = rows_dropout,
};

/* Where the blocks' sums of the i-th operation of a region lie in scratch. */
static float *norm_sums(const struct work *w, uint32_t i)
{
	float *s = w->p->scratch;
	for (uint32_t j = 0; j < i; j++)
		if (w->op[j].kind == CBTM_OP_NORM_GRADIENT)
			s += blocks((size_t)w->p->batch * w->p->T, BLOCK) * 2 *
			     w->p->tensor[w->op[j].in[2]].columns;
	return s;
}

static int task_rows(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct work *w = arg;
	struct rows x = { .w = w, .block = i, .r0 = i * BLOCK, .r1 = least(w->rows, (i + 1) * BLOCK) };
	for (uint32_t o = 0; o < w->operations; o++) {
		x.op = &w->op[o];
		if (x.op->kind == CBTM_OP_NORM_GRADIENT)
			x.sums = norm_sums(w, o) + i * 2 * w->p->tensor[x.op->in[2]].columns;
		rows_functions[x.op->kind](&x);
	}
	return 0;
}

static int run_rows(struct work *w, struct cbtm_error *e)
{
	size_t n = blocks(w->rows, BLOCK);
	if (host->pool_run(host->pool(), n, task_rows, w, e))
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
