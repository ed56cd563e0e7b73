/* SPDX-License-Identifier: MIT */
/* kernel: norm, linear maps, dropout on rows, with bf16 operands (mixed_product.h). */
#pragma once

static struct place place_in(const struct rows *x, uint32_t tensor)
{
	struct place none = { 0 };
	return tensor == CBTM_NONE
	           ? none
	           : place_of(tensor_of(x->w->p, tensor), x->r0, thread_scratch(x->w, x->thread));
}

static void mixed_norm(const struct rows *x)
{
	struct place from = place_in(x, x->op->in[0]), y = place_in(x, x->op->out[0]);
	const float *gain = at(x, x->op->in[1], 0), *bias = at(x, x->op->in[2], 0);
	float *statistics = at(x, x->op->out[1], x->r0);
	float panel[BLOCK * PANEL] __attribute__((aligned(64)));
	size_t d = from.columns, m = x->r1 - x->r0;
	for (size_t r = 0; r < m; r++)
		norm_statistics(from.v + r * d, d, x->op->epsilon, &statistics[2 * r],
		                &statistics[2 * r + 1]);
	for (size_t j = 0; j < d; j += PANEL) {
		struct lanes lanes = lanes_from(d, j);
		for (size_t i = 0; i < 2; i++) {
			const float *v = from.v + j + i * WIDTH;
			float *to = panel + i * WIDTH;
			vec g = load_lanes(gain + j + i * WIDTH, lanes.half[i]);
			vec b = load_lanes(bias + j + i * WIDTH, lanes.half[i]);
			for (size_t r = 0; r < m; r++, v += d, to += PANEL) {
				vec z = load_lanes(v, lanes.half[i]) - vec_set(statistics[2 * r]);
				vec_store(to, vec_fma(z * vec_set(statistics[2 * r + 1]), g, b));
			}
		}
		put_panel(&y, j, m, panel);
	}
}

/* Means of a = dy gain and of a z over a row. */
static void gradient_means(const float *dy, const float *v, const float *gain, size_t d, float mean,
                           float rstd, float means[2])
{
	vec a_sum = vec_set(0), az_sum = vec_set(0);
	for (size_t j = 0; j < d; j += WIDTH) {
		__mmask16 lanes = lanes16(d - j);
		vec a = load_lanes(dy + j, lanes) * load_lanes(gain + j, lanes);
		a_sum += a;
		az_sum = vec_fma(a, (load_lanes(v + j, lanes) - vec_set(mean)) * vec_set(rstd), az_sum);
	}
	means[0] = vec_sum(a_sum) / (float)d;
	means[1] = vec_sum(az_sum) / (float)d;
}

static void mixed_norm_gradient(const struct rows *x)
{
	struct place dx = place_in(x, x->op->out[0]);
	const float *dy = at(x, x->op->in[0], x->r0), *v = at(x, x->op->in[1], x->r0);
	const float *gain = at(x, x->op->in[2], 0), *statistics = at(x, x->op->in[3], x->r0);
	const float *residual = at(x, x->op->in[4], x->r0);
	float panel[BLOCK * PANEL] __attribute__((aligned(64))), means[BLOCK][2];
	size_t d = dx.columns, m = x->r1 - x->r0;
	for (size_t r = 0; r < m; r++)
		gradient_means(dy + r * d, v + r * d, gain, d, statistics[2 * r], statistics[2 * r + 1],
		               means[r]);
	for (size_t j = 0; j < d; j += PANEL) {
		struct lanes lanes = lanes_from(d, j);
		for (size_t i = 0; i < 2; i++) {
			__mmask16 half = lanes.half[i];
			size_t at = j + i * WIDTH;
			vec g = load_lanes(gain + at, half), z_sum = vec_set(0), sum = vec_set(0);
			for (size_t r = 0; r < m; r++, at += d) {
				vec mean = vec_set(statistics[2 * r]), rstd = vec_set(statistics[2 * r + 1]);
				vec z = (load_lanes(v + at, half) - mean) * rstd, dy_r = load_lanes(dy + at, half);
				z_sum = vec_fma(dy_r, z, z_sum);
				sum += dy_r;
				vec to = rstd * (dy_r * g - vec_set(means[r][0]) - z * vec_set(means[r][1]));
				if (residual)
					to += load_lanes(residual + at, half);
				vec_store(panel + r * PANEL + i * WIDTH, to);
			}
			store_lanes(x->sums + j + i * WIDTH, half, z_sum);
			store_lanes(x->sums + d + j + i * WIDTH, half, sum);
		}
		put_panel(&dx, j, m, panel);
	}
}

/* What is done to a panel of sums before it is stored. */
struct finish {
	const float *bias;
	bool relu, gelu; /* f */
	bool dropped;
	struct place z;        /* keeps what f is applied to */
	struct place residual; /* added at the end */
	struct place mask;     /* of a ReLU: times (mask > 0) */
	struct place slope;    /* the z of a GELU: times its slope there */
};

static void finish_panel(const struct rows *x, const struct finish *f, const struct place *y,
                         size_t j, float *sums)
{
	struct lanes lanes = lanes_from(y->columns, j);
	float other[BLOCK * PANEL] __attribute__((aligned(64)));
	size_t m = x->r1 - x->r0;
	if (f->bias)
		for (size_t i = 0; i < 2; i++) {
			vec bias = load_lanes(f->bias + j + i * WIDTH, lanes.half[i]);
			for (float *s = sums + i * WIDTH; s < sums + m * PANEL; s += PANEL)
				vec_store(s, vec_load(s) + bias);
		}
	if (f->z.columns)
		put_panel(&f->z, j, m, sums);
	if (f->mask.columns || f->slope.columns)
		take_panel(f->mask.columns ? &f->mask : &f->slope, j, m, other);
	for (size_t i = 0; i < m * PANEL && f->relu; i += WIDTH)
		vec_store(sums + i, vec_max(vec_load(sums + i), vec_set(0)));
	for (size_t i = 0; i < m * PANEL && f->gelu; i += WIDTH)
		vec_store(sums + i, vec_load(sums + i) * vec_gelu_gate(vec_load(sums + i)));
	for (size_t i = 0; i < m * PANEL && f->mask.columns; i += WIDTH)
		vec_store(sums + i,
		          (vec)((ivec)vec_load(sums + i) & (ivec)(vec_load(other + i) > vec_set(0))));
	for (size_t i = 0; i < m * PANEL && f->slope.columns; i += WIDTH)
		vec_store(sums + i, vec_load(sums + i) * vec_gelu_slope(vec_load(other + i)));
	for (size_t r = 0; r < m && f->dropped; r++)
		drop(x->w->scalars, x->op, (x->r0 + r) * y->columns + j, sums + r * PANEL, sums + r * PANEL,
		     least(PANEL, y->columns - j));
	if (f->residual.columns) {
		take_panel(&f->residual, j, m, other);
		for (size_t i = 0; i < m * PANEL; i += WIDTH)
			vec_store(sums + i, vec_load(sums + i) + vec_load(other + i));
	}
	put_panel(y, j, m, sums);
}

/* y = a times a packed matrix of k rows. */
static void mixed_map(const struct rows *x, struct place a, const uint16_t *matrix,
                      const struct finish *f, struct place y)
{
	float sums[BLOCK * PANEL] __attribute__((aligned(64)));
	size_t pairs = blocks(a.columns, 2);
	for (size_t j = 0; j < y.columns; j += PANEL) {
		mixed_panel(x->r1 - x->r0, pairs, a.rows, a.stride, 2, matrix + j * 2 * pairs, sums, PANEL,
		            false);
		finish_panel(x, f, &y, j, sums);
	}
}

/* y = a times the matrix g of a weight that is packed by rows alone. */
static void mixed_map_turned(const struct rows *x, struct place a, const struct tensor *weight,
                             const struct finish *f, struct place y)
{
	float sums[2][BLOCK * PANEL] __attribute__((aligned(64)));
	uint16_t *piece = (uint16_t *)(thread_scratch(x->w, x->thread) + x->w->p->local_floats);
	size_t pairs = blocks(a.columns, 2), m = x->r1 - x->r0;
	for (size_t j = 0; j < y.columns; j += TURN_COLUMNS) {
		size_t panels = least(2, blocks(y.columns - j, PANEL));
		for (size_t p = 0; p < pairs; p += PAIR_BLOCK) {
			size_t count = least(PAIR_BLOCK, pairs - p);
			const char *next;
			size_t jump = turn_next(weight, x->group, j, p, pairs, &next);
			turn(weight, x->group, j, p, count, piece);
			for (size_t i = 0; i < panels; i++)
				mixed_rows_fetching(m, count, a.rows + 2 * p, a.stride, 2,
				                    piece + i * 2 * PANEL * PAIR_BLOCK, sums[i], PANEL, p > 0,
				                    next + i * BLOCK / MIXED_TILE * jump, jump);
		}
		for (size_t i = 0; i < panels; i++)
			finish_panel(x, f, &y, j + i * PANEL, sums[i]);
	}
}

static void mixed_linear(const struct rows *x)
{
	const struct tensor *weight = tensor_of(x->w->p, x->op->in[1]);
	struct finish f = { .bias = at(x, x->op->in[2], x->group),
		                .relu = x->op->flags & CBTM_RELU,
		                .gelu = x->op->flags & CBTM_GELU,
		                .z = place_in(x, x->op->out[1]),
		                .dropped = drops(x->w, x->op),
		                .residual = place_in(x, residual_of(x->op)) };
	mixed_map(x, place_in(x, x->op->in[0]), weight->by_row16 + x->group * weight->by_row_size, &f,
	          place_in(x, x->op->out[0]));
}

static void mixed_linear_input(const struct rows *x)
{
	const struct tensor *weight = tensor_of(x->w->p, x->op->in[1]);
	struct finish f = { 0 };
	if (x->op->flags & CBTM_GELU)
		f.slope = place_in(x, x->op->in[2]);
	else
		f.mask = place_in(x, x->op->in[2]);
	struct place dy = place_in(x, x->op->in[0]), dx = place_in(x, x->op->out[0]);
	if (weight->by_column16)
		mixed_map(x, dy, weight->by_column16 + x->group * weight->by_column_size, &f, dx);
	else
		mixed_map_turned(x, dy, weight, &f, dx);
}

static void mixed_dropout(const struct rows *x)
{
	struct place dy = place_in(x, x->op->in[0]), dx = place_in(x, x->op->out[0]);
	float panel[BLOCK * PANEL] __attribute__((aligned(64)));
	size_t m = x->r1 - x->r0, d = dy.columns;
	for (size_t j = 0; j < d; j += PANEL) {
		take_panel(&dy, j, m, panel);
		for (size_t r = 0; r < m && drops(x->w, x->op); r++)
			drop(x->w->scalars, x->op, (x->r0 + r) * d + j, panel + r * PANEL, panel + r * PANEL,
			     least(PANEL, d - j));
		put_panel(&dx, j, m, panel);
	}
}

static void mixed_forms(const struct rows *x)
{
	make_forms(tensor_of(x->w->p, x->op->out[0]), x->r0, x->r1 - x->r0);
}
