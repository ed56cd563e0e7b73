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

/* Two rows at a time, which stay in the first cache from their statistics on. */
static inline __attribute__((always_inline)) void norm_rows(const struct rows *x,
                                                            const struct place *from,
                                                            const struct place *y,
                                                            const unsigned forms, const bool whole)
{
	const float *gain = at(x, x->op->in[1], 0), *bias = at(x, x->op->in[2], 0);
	float *statistics = at(x, x->op->out[1], x->r0);
	size_t d = from->columns, m = x->r1 - x->r0;
	for (size_t r = 0; r < m; r += 2, statistics += 4) {
		bool second = r + 1 < m;
		vec mean[2] = { vec_set(0), vec_set(0) }, rstd[2] = { vec_set(0), vec_set(0) };
		for (size_t i = 0; i < (second ? 2 : 1); i++) {
			float *s = statistics + 2 * i;
			norm_statistics(from->v + (r + i) * d, d, x->op->epsilon, &s[0], &s[1]);
			mean[i] = vec_set(s[0]);
			rstd[i] = vec_set(s[1]);
		}
		for (size_t j = 0; j < d; j += PANEL) {
			struct lanes lanes = lanes_from(d, j);
			vec v[2][2];
			for (size_t k = 0; k < 2; k++) {
				__mmask16 half = whole ? 0xFFFF : lanes.half[k];
				size_t at = j + k * WIDTH;
				vec g = load_lanes(gain + at, half), b = load_lanes(bias + at, half);
				for (size_t i = 0; i < 2; i++) {
					const float *row = from->v + (second ? r + i : r) * d + at;
					vec z = load_lanes(row, half) - mean[i];
					v[i][k] = vec_fma(z * rstd[i], g, b);
				}
			}
			put_two(y, forms, j, r, whole, lanes, second, v);
		}
	}
}

static void mixed_norm(const struct rows *x)
{
	struct place from = place_in(x, x->op->in[0]), y = place_in(x, x->op->out[0]);
	unsigned forms = forms_of(&y);
	if (from.columns % PANEL == 0 && forms == (FORM_ROWS | FORM_PAIRS))
		norm_rows(x, &from, &y, FORM_ROWS | FORM_PAIRS, true);
	else
		norm_rows(x, &from, &y, forms, false);
}

/* Means of a = dy gain and of a z over a row. */
static inline void gradient_means(const float *dy, const float *v, const float *gain, size_t d,
                                  vec mean, vec rstd, vec means[2])
{
	vec a_sum = vec_set(0), az_sum = vec_set(0);
	for (size_t j = 0; j < d; j += WIDTH) {
		__mmask16 lanes = lanes16(d - j);
		vec a = load_lanes(dy + j, lanes) * load_lanes(gain + j, lanes);
		a_sum += a;
		az_sum = vec_fma(a, (load_lanes(v + j, lanes) - mean) * rstd, az_sum);
	}
	means[0] = vec_set(vec_sum(a_sum) / (float)d);
	means[1] = vec_set(vec_sum(az_sum) / (float)d);
}

enum { AHEAD_ROWS = 4 }; /* so far ahead of its use is fetched what forward left in memory */

/* The same way; sums of both rows go on from x->sums. */
static inline __attribute__((always_inline)) void norm_gradient_rows(const struct rows *x,
                                                                     const struct place *dx,
                                                                     const unsigned forms,
                                                                     const bool whole)
{
	const float *dy = at(x, x->op->in[0], x->r0), *v = at(x, x->op->in[1], x->r0);
	const float *gain = at(x, x->op->in[2], 0), *statistics = at(x, x->op->in[3], x->r0);
	const float *residual = at(x, x->op->in[4], x->r0);
	size_t d = dx->columns, m = x->r1 - x->r0;
	memset(x->sums, 0, 2 * d * sizeof *x->sums);
	for (size_t r = 0; r < m; r += 2) {
		size_t n = least(2, m - r);
		vec mean[2], rstd[2], means[2][2];
		for (size_t i = 0; i < n; i++) {
			mean[i] = vec_set(statistics[2 * (r + i)]);
			rstd[i] = vec_set(statistics[2 * (r + i) + 1]);
			gradient_means(dy + (r + i) * d, v + (r + i) * d, gain, d, mean[i], rstd[i], means[i]);
		}
		for (size_t j = 0; j < d; j += PANEL) {
			struct lanes lanes = lanes_from(d, j);
			vec to[2][2] = { { vec_set(0), vec_set(0) }, { vec_set(0), vec_set(0) } };
			for (size_t i = 0; i < 2 * PANEL; i += LINE) {
				size_t at = (r + AHEAD_ROWS + i / PANEL) * d + j + i % PANEL;
				_mm_prefetch((const char *)(v + at), _MM_HINT_T0);
				if (residual)
					_mm_prefetch((const char *)(residual + at), _MM_HINT_T0);
			}
			for (size_t k = 0; k < 2; k++) {
				__mmask16 half = whole ? 0xFFFF : lanes.half[k];
				float *sums = x->sums + j + k * WIDTH;
				vec g = load_lanes(gain + j + k * WIDTH, half);
				vec z_sum = load_lanes(sums, half), sum = load_lanes(sums + d, half);
				for (size_t i = 0; i < n; i++) {
					size_t at = (r + i) * d + j + k * WIDTH;
					vec z = (load_lanes(v + at, half) - mean[i]) * rstd[i];
					vec dy_r = load_lanes(dy + at, half);
					z_sum = vec_fma(dy_r, z, z_sum);
					sum += dy_r;
					to[i][k] = rstd[i] * (dy_r * g - means[i][0] - z * means[i][1]);
					if (residual)
						to[i][k] += load_lanes(residual + at, half);
				}
				store_lanes(sums, half, z_sum);
				store_lanes(sums + d, half, sum);
			}
			put_two(dx, forms, j, r, whole, lanes, n == 2, to);
		}
	}
}

static void mixed_norm_gradient(const struct rows *x)
{
	struct place dx = place_in(x, x->op->out[0]);
	unsigned forms = forms_of(&dx);
	if (dx.columns % PANEL == 0 && forms == (FORM_F32 | FORM_ROWS | FORM_PAIRS))
		norm_gradient_rows(x, &dx, FORM_F32 | FORM_ROWS | FORM_PAIRS, true);
	else
		norm_gradient_rows(x, &dx, forms, false);
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

/* What finish_two does, beside the forms of y. */
enum { END_BIAS = 8, END_RELU = 16, END_MASK = 32, END_RESIDUAL = 64 };

/* What the end of the next panel will read and write of rows r and r + 1 is fetched meanwhile. */
static inline __attribute__((always_inline)) void
end_ahead(const unsigned end, const struct finish *f, const struct place *y, size_t j, size_t r)
{
	for (size_t i = 0; i < 2 * PANEL; i += LINE) {
		size_t at = (r + i / PANEL) * y->columns + j + i % PANEL;
		if (end & END_RESIDUAL)
			_mm_prefetch((const char *)(f->residual.v + at), _MM_HINT_T1);
		if (end & FORM_F32)
			_mm_prefetch((const char *)(y->v + at), _MM_HINT_T1);
	}
	for (size_t i = 0; i < 2 * PANEL; i += 2 * LINE) {
		size_t at = r * PANEL + i;
		if (end & END_MASK)
			_mm_prefetch((const char *)(f->mask.pairs + j / PANEL * f->mask.pair_panel + at),
			             _MM_HINT_T1);
		if (end & FORM_PAIRS)
			_mm_prefetch((const char *)(y->pairs + j / PANEL * y->pair_panel + at), _MM_HINT_T1);
	}
}

/* m rows (even) of a whole panel, two at a time and all steps in registers. */
static inline __attribute__((always_inline)) void finish_two(const unsigned end,
                                                             const struct finish *f,
                                                             const struct place *y, size_t j,
                                                             size_t m, const float *sums)
{
	const unsigned forms = end & (FORM_F32 | FORM_ROWS | FORM_PAIRS);
	const uint16_t *mask = f->mask.pairs + j / PANEL * f->mask.pair_panel;
	const vec zero = vec_set(0);
	const size_t next = j + PANEL < y->columns ? PANEL : 0;
	vec bias[2] = { zero, zero };
	for (size_t k = 0; k < 2 && end & END_BIAS; k++)
		bias[k] = vec_load(f->bias + j + k * WIDTH);
	for (size_t r = 0; r < m; r += 2) {
		vec v[2][2];
		end_ahead(end, f, y, j + next, r);
		for (size_t i = 0; i < 2; i++)
			for (size_t k = 0; k < 2; k++) {
				v[i][k] = vec_load(sums + (r + i) * PANEL + k * WIDTH);
				if (end & END_BIAS)
					v[i][k] += bias[k];
				if (end & END_RELU)
					v[i][k] = vec_max(v[i][k], zero);
				if (end & END_MASK) {
					__m512i both = _mm512_loadu_si512(mask + r * PANEL + k * PANEL);
					both = i ? _mm512_srai_epi32(both, 16) : _mm512_slli_epi32(both, 16);
					v[i][k] = (vec)((ivec)v[i][k] & ((ivec)both > 0));
				}
				if (end & END_RESIDUAL)
					v[i][k] += vec_load(f->residual.v + (r + i) * y->columns + j + k * WIDTH);
			}
		put_two(y, forms, j, r, true, (struct lanes){ 0, { 0, 0 } }, true, v);
	}
}

/* Finishes a panel whose steps are among the most frequent; says whether they were. */
static bool finish_fast(const struct finish *f, const struct place *y, size_t j, size_t m,
                        const float *sums)
{
	if (y->columns - j < PANEL || m % 2 || f->gelu || f->dropped || f->z.columns ||
	    f->slope.columns || (f->mask.columns && (f->mask.v || !f->mask.pairs)) ||
	    (f->residual.columns && !f->residual.v))
		return false;
	switch (forms_of(y) | (f->bias ? END_BIAS : 0) | (f->relu ? END_RELU : 0) |
	        (f->mask.columns ? END_MASK : 0) | (f->residual.columns ? END_RESIDUAL : 0)) {
	case FORM_F32:
		finish_two(FORM_F32, f, y, j, m, sums);
		return true;
	case FORM_ROWS:
		finish_two(FORM_ROWS, f, y, j, m, sums);
		return true;
	case END_BIAS | FORM_ROWS:
		finish_two(END_BIAS | FORM_ROWS, f, y, j, m, sums);
		return true;
	case END_BIAS | END_RESIDUAL | FORM_F32:
		finish_two(END_BIAS | END_RESIDUAL | FORM_F32, f, y, j, m, sums);
		return true;
	case END_BIAS | END_RELU | FORM_ROWS | FORM_PAIRS:
		finish_two(END_BIAS | END_RELU | FORM_ROWS | FORM_PAIRS, f, y, j, m, sums);
		return true;
	case END_MASK | FORM_ROWS | FORM_PAIRS:
		finish_two(END_MASK | FORM_ROWS | FORM_PAIRS, f, y, j, m, sums);
		return true;
	default:
		return false;
	}
}

static void finish_panel(const struct rows *x, const struct finish *f, const struct place *y,
                         size_t j, float *sums)
{
	if (finish_fast(f, y, j, x->r1 - x->r0, sums))
		return;
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
