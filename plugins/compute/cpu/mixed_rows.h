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
	size_t d = from.columns, m = x->r1 - x->r0;
	for (size_t r = 0; r < m; r += 2) {
		bool both = r + 1 < m;
		float mean[2] = { 0 }, rstd[2] = { 0 };
		for (size_t i = 0; i < 1 + (size_t)both; i++) {
			norm_statistics(from.v + (r + i) * d, d, x->op->epsilon, &mean[i], &rstd[i]);
			statistics[2 * (r + i)] = mean[i];
			statistics[2 * (r + i) + 1] = rstd[i];
		}
		for (size_t j = 0; j < d; j += PANEL) {
			struct two t = take_two(&from, r, j, both);
			for (size_t i = 0; i < 2; i++) {
				size_t n = d - j > i * WIDTH ? d - j - i * WIDTH : 0;
				vec g = load_lanes(gain + j + i * WIDTH, n),
					b = load_lanes(bias + j + i * WIDTH, n);
				t.a[i] = vec_fma((t.a[i] - vec_set(mean[0])) * vec_set(rstd[0]), g, b);
				t.b[i] = vec_fma((t.b[i] - vec_set(mean[1])) * vec_set(rstd[1]), g, b);
			}
			put_two(&y, r, j, both, t);
		}
	}
}

/* One vector of two rows: the sums over rows of dy z and of dy, and dx less the residual. */
static inline void gradient_lanes(vec dy, vec v, vec gain, const float *m, vec *z_sum, vec *sum,
                                  vec *dx)
{
	vec z = (v - vec_set(m[0])) * vec_set(m[1]);
	*z_sum = vec_fma(dy, z, *z_sum);
	*sum += dy;
	*dx = vec_set(m[1]) * (dy * gain - vec_set(m[2]) - z * vec_set(m[3]));
}

static void mixed_norm_gradient(const struct rows *x)
{
	struct place dy = place_in(x, x->op->in[0]), v = place_in(x, x->op->in[1]);
	struct place residual = place_in(x, x->op->in[4]), dx = place_in(x, x->op->out[0]);
	const float *gain = at(x, x->op->in[2], 0), *statistics = at(x, x->op->in[3], x->r0);
	size_t d = v.columns, m = x->r1 - x->r0;
	memset(x->sums, 0, 2 * d * sizeof *x->sums);
	for (size_t r = 0; r < m; r += 2) {
		bool both = r + 1 < m;
		float row[2][4] = { { 0 } }; /* mean, rstd, mean(a), mean(a z) */
		for (size_t i = 0; i < 1 + (size_t)both; i++) {
			vec a_sum = vec_set(0), az_sum = vec_set(0);
			float mean = statistics[2 * (r + i)], rstd = statistics[2 * (r + i) + 1];
			for (size_t j = 0; j < d; j += WIDTH) {
				vec a = load_lanes(dy.v + (r + i) * d + j, d - j) * load_lanes(gain + j, d - j);
				vec z = load_lanes(v.v + (r + i) * d + j, d - j) - vec_set(mean);
				a_sum += a;
				az_sum = vec_fma(a, z * vec_set(rstd), az_sum);
			}
			row[i][0] = mean;
			row[i][1] = rstd;
			row[i][2] = vec_sum(a_sum) / (float)d;
			row[i][3] = vec_sum(az_sum) / (float)d;
		}
		for (size_t j = 0; j < d; j += PANEL) {
			struct two g = take_two(&dy, r, j, both), t = take_two(&v, r, j, both), out;
			struct two rest = { 0 };
			if (residual.v)
				rest = take_two(&residual, r, j, both);
			for (size_t i = 0; i < 2; i++) {
				size_t n = d - j > i * WIDTH ? d - j - i * WIDTH : 0;
				float *z_sums = x->sums + j + i * WIDTH, *sums = z_sums + d;
				vec scale = load_lanes(gain + j + i * WIDTH, n);
				vec z_sum = load_lanes(z_sums, n), sum = load_lanes(sums, n);
				gradient_lanes(g.a[i], t.a[i], scale, row[0], &z_sum, &sum, &out.a[i]);
				gradient_lanes(g.b[i], t.b[i], scale, row[1], &z_sum, &sum, &out.b[i]);
				store_lanes(z_sums, n, z_sum);
				store_lanes(sums, n, sum);
				out.a[i] += rest.a[i];
				out.b[i] += rest.b[i];
			}
			put_two(&dx, r, j, both, out);
		}
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

/* What is done to one vector; z: of mask or slope. */
static inline vec activate(const struct finish *f, vec v, vec z)
{
	if (f->relu)
		v = vec_max(v, vec_set(0));
	if (f->gelu)
		v *= vec_gelu_gate(v);
	if (f->mask.columns)
		v = (vec)((ivec)v & (ivec)(z > vec_set(0)));
	if (f->slope.columns)
		v *= vec_gelu_slope(z);
	return v;
}

static void finish_panel(const struct rows *x, const struct finish *f, const struct place *y,
                         size_t j, float *sums)
{
	size_t m = x->r1 - x->r0, n = least(PANEL, y->columns - j);
	vec bias[2] = { vec_set(0), vec_set(0) };
	struct two z = { 0 };
	if (f->bias) {
		bias[0] = load_lanes(f->bias + j, n);
		bias[1] = load_lanes(f->bias + j + WIDTH, n > WIDTH ? n - WIDTH : 0);
	}
	for (size_t r = 0; r < m; r += 2) {
		bool both = r + 1 < m;
		float *s = sums + r * PANEL;
		struct two t = { { vec_load(s) + bias[0], vec_load(s + WIDTH) + bias[1] },
			             { vec_load(s + PANEL) + bias[0], vec_load(s + PANEL + WIDTH) + bias[1] } };
		if (f->z.columns)
			put_two(&f->z, r, j, both, t);
		if (f->mask.columns)
			z = take_two(&f->mask, r, j, both);
		else if (f->slope.columns)
			z = take_two(&f->slope, r, j, both);
		for (int i = 0; i < 2; i++) {
			t.a[i] = activate(f, t.a[i], z.a[i]);
			t.b[i] = activate(f, t.b[i], z.b[i]);
		}
		if (f->dropped) {
			struct place block = { .v = s, .columns = PANEL };
			put_two(&block, 0, 0, true, t);
			for (size_t i = 0; i < 1 + (size_t)both; i++)
				drop(x->w->scalars, x->op->number, (x->r0 + r + i) * y->columns + j, s + i * PANEL,
				     s + i * PANEL, n);
			t = take_two(&block, 0, 0, true);
		}
		if (f->residual.columns) {
			struct two rest = take_two(&f->residual, r, j, both);
			for (int i = 0; i < 2; i++) {
				t.a[i] += rest.a[i];
				t.b[i] += rest.b[i];
			}
		}
		put_two(y, r, j, both, t);
	}
}

/* y = a times a packed matrix of k rows. */
static void mixed_map(const struct rows *x, struct place a, const uint16_t *matrix,
                      const struct finish *f, struct place y)
{
	float sums[BLOCK * PANEL] __attribute__((aligned(64)));
	size_t pairs = blocks(a.columns, 2), m = x->r1 - x->r0;
	memset(sums + m * PANEL, 0, (BLOCK - m) * PANEL * sizeof *sums);
	for (size_t j = 0; j < y.columns; j += PANEL) {
		mixed_panel(m, pairs, a.rows, a.stride, 2, matrix + j * 2 * pairs, sums, PANEL, false);
		finish_panel(x, f, &y, j, sums);
	}
}

static void mixed_linear(const struct rows *x)
{
	struct finish f = { .bias = at(x, x->op->in[2], 0),
		                .relu = x->op->flags & CBTM_RELU,
		                .gelu = x->op->flags & CBTM_GELU,
		                .z = place_in(x, x->op->out[1]),
		                .dropped = drops(x->w, x->op),
		                .residual = place_in(x, x->op->in[3]) };
	mixed_map(x, place_in(x, x->op->in[0]), tensor_of(x->w->p, x->op->in[1])->by_row16, &f,
	          place_in(x, x->op->out[0]));
}

static void mixed_linear_input(const struct rows *x)
{
	struct finish f = { 0 };
	if (x->op->flags & CBTM_GELU)
		f.slope = place_in(x, x->op->in[2]);
	else
		f.mask = place_in(x, x->op->in[2]);
	mixed_map(x, place_in(x, x->op->in[0]), tensor_of(x->w->p, x->op->in[1])->by_column16, &f,
	          place_in(x, x->op->out[0]));
}

static void mixed_dropout(const struct rows *x)
{
	struct place dy = place_in(x, x->op->in[0]), dx = place_in(x, x->op->out[0]);
	float part[2 * PANEL];
	struct place block = { .v = part, .columns = PANEL };
	size_t m = x->r1 - x->r0, d = dy.columns;
	for (size_t r = 0; r < m; r += 2)
		for (size_t j = 0; j < d; j += PANEL) {
			bool both = r + 1 < m;
			put_two(&block, 0, 0, true, take_two(&dy, r, j, both));
			for (size_t i = 0; i < 2 && drops(x->w, x->op); i++)
				drop(x->w->scalars, x->op->number, (x->r0 + r + i) * d + j, part + i * PANEL,
				     part + i * PANEL, least(PANEL, d - j));
			put_two(&dx, r, j, both, take_two(&block, 0, 0, true));
		}
}

static void mixed_forms(const struct rows *x)
{
	make_forms(tensor_of(x->w->p, x->op->out[0]), x->r0, x->r1 - x->r0);
}
