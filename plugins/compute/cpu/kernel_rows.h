/* SPDX-License-Identifier: MIT */
/* kernel: operations on rows in fp32: norm and its gradient, linear maps, dropout. */
#pragma once

static void rows_norm(const struct rows *x)
{
	size_t d = x->w->p->tensor[x->op->in[1]].columns;
	const float *gain = at(x, x->op->in[1], 0), *bias = at(x, x->op->in[2], 0);
	for (size_t r = x->r0; r < x->r1; r++) {
		const float *v = at(x, x->op->in[0], r);
		float *y = at(x, x->op->out[0], r), *statistics = at(x, x->op->out[1], r);
		float mean, rstd;
		norm_statistics(v, d, x->op->epsilon, &mean, &rstd);
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
	size_t k = weight->columns, n = matrix_rows(weight);
	float *y = at(x, x->op->out[0], x->r0), *residual = at(x, residual_of(x->op), x->r0);
	float *z = at(x, x->op->out[1], x->r0);
	bool gated = x->op->flags & CBTM_GELU, dropped = drops(x->w, x->op),
		 later = gated || dropped || z;
	struct product p = { .m = x->r1 - x->r0,
		                 .n = n,
		                 .k = k,
		                 .a = at(x, x->op->in[0], x->r0),
		                 .row = k,
		                 .column = 1,
		                 .b = weight->by_row + x->group * weight->by_row_size,
		                 .panel = k * PANEL,
		                 .step = PANEL,
		                 .c = y,
		                 .c_row = n,
		                 .c_panel = PANEL,
		                 .epilogue = { .bias = at(x, x->op->in[2], x->group),
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
			drop(x->w->scalars, x->op, r * n, y, y, n);
		for (size_t j = 0; residual && j < n; j++)
			y[j] += residual[(r - x->r0) * n + j];
	}
}

static void rows_linear_input(const struct rows *x)
{
	const struct tensor *weight = tensor_of(x->w->p, x->op->in[1]);
	size_t k = weight->columns, n = matrix_rows(weight);
	const float *z = at(x, x->op->in[2], x->r0);
	bool gated = z && x->op->flags & CBTM_GELU;
	struct product p = { .m = x->r1 - x->r0,
		                 .n = k,
		                 .k = n,
		                 .a = at(x, x->op->in[0], x->r0),
		                 .row = n,
		                 .column = 1,
		                 .b = weight->by_column + x->group * weight->by_column_size,
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
		drop(x->w->scalars, x->op, x->r0 * d, dy, dx, (x->r1 - x->r0) * d);
	else
		memcpy(dx, dy, (x->r1 - x->r0) * d * sizeof *dx);
}
