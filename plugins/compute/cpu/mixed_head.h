/* SPDX-License-Identifier: MIT */
/*
 * kernel: the output matrix and the softmax over the vocabulary with bf16 operands. A task takes
 * BLOCK rows through the vocabulary slice by slice: logits z, their largest m_s so far, e = exp(z -
 * m_s) rounded to bf16; the row's largest M, Z = sum exp(z - M) and dx = sum_s e_s W_s are rescaled
 * when M grows. With f_s = loss_scale exp(m_s - M) / Z, dz = f_s e but at the target, whose e is
 * zero: loss_scale (p - 1) there is applied to rows of x and W in fp32. So a slice of the weight's
 * gradient is a product of e and x, each row of x times its f_s.
 */
#pragma once

struct mixed_block {
	const struct work *w;
	const uint16_t *x; /* the block's first row */
	size_t m, d, V, stride;
	const uint32_t *target;
	float *z;        /* BLOCK x SLICE, rows SLICE_ROW apart */
	uint16_t *e;     /* likewise */
	float *dx;       /* in panels: [d / PANEL][BLOCK][PANEL] */
	uint16_t *piece; /* of the matrix, turned */
	float largest[BLOCK], sum[BLOCK], at_target[BLOCK];
};

/* What the weight's gradient needs of a row: all rows in hand. */
struct head_scratch {
	uint16_t *e;     /* in pairs of tokens: [V / PANEL][rows / 2][PANEL][2] */
	float *slice;    /* rows x slices: m_s, then f_s */
	float *target_f; /* rows: loss_scale (p - 1) */
	size_t rows, slices;
};

static struct head_scratch head_scratch_of(const struct work *w)
{
	size_t V = tensor_of(w->p, w->op->in[1])->shape[0];
	struct head_scratch s = { .rows = mixed_head_rows(V, (size_t)w->p->batch * w->p->T),
		                      .slices = blocks(V, SLICE),
		                      .e = (uint16_t *)w->scratch };
	s.slice = w->scratch + s.rows * round_up(V, PANEL) / 2;
	s.target_f = s.slice + s.rows * s.slices;
	return s;
}

static void mixed_block_make(struct mixed_block *b, const struct work *w, size_t r0,
                             unsigned thread)
{
	const struct tensor *x = tensor_of(w->p, w->op->in[0]);
	*b = (struct mixed_block){ .w = w,
		                       .x = x->rows + r0 * x->stride,
		                       .m = least(BLOCK, w->rows - r0),
		                       .d = x->columns,
		                       .V = tensor_of(w->p, w->op->in[1])->shape[0],
		                       .stride = x->stride,
		                       .target = tensor_of(w->p, w->op->in[2])->ids + r0 };
	b->z = thread_scratch(w, thread) + w->p->local_floats;
	b->e = (uint16_t *)(b->z + BLOCK * SLICE_ROW);
	b->dx = b->z + BLOCK * SLICE_ROW * 3 / 2;
	b->piece = (uint16_t *)(b->dx + BLOCK * round_up(b->d, PANEL));
	for (size_t r = 0; r < b->m; r++)
		b->largest[r] = -INFINITY;
}

/* z of a slice. */
static void mixed_logits(const struct mixed_block *b, size_t v0, size_t v1)
{
	const uint16_t *weight = tensor_of(b->w->p, b->w->op->in[1])->by_row16;
	size_t pairs = blocks(b->d, 2);
	for (size_t v = v0; v < v1; v += PANEL)
		mixed_panel(b->m, pairs, b->x, b->stride, 2, weight + v * 2 * pairs, b->z + v - v0,
		            SLICE_ROW, false);
}

/* Row r of a slice of n: updates largest, sum and the target's logit; returns m_s. e = exp(z - m_s) in
 * bf16, zeros behind n; NULL: it is not kept. */
static float mixed_softmax(struct mixed_block *b, size_t r, size_t v0, size_t n, float *factor,
                           uint16_t *e)
{
	float *z = b->z + r * SLICE_ROW;
	size_t end = round_up(n, PANEL);
	vec most[2] = { vec_set(-INFINITY), vec_set(-INFINITY) }, sum[2] = { vec_set(0), vec_set(0) };
	for (size_t j = n; j < end; j++)
		z[j] = -INFINITY;
	for (size_t j = 0; j < end; j += PANEL)
		for (size_t k = 0; k < 2; k++)
			most[k] = vec_max(vec_load(z + j + k * WIDTH), most[k]);
	if (b->target[r] >= v0 && b->target[r] - v0 < n)
		b->at_target[r] = z[b->target[r] - v0];
	float before = b->largest[r], here = vec_largest(vec_max(most[0], most[1]));
	if (here > before)
		b->largest[r] = here;
	vec minus = vec_set(-here * LOG2_E);
	for (size_t j = 0; j < end; j += PANEL) {
		vec v[2];
		for (size_t k = 0; k < 2; k++) {
			v[k] = vec_power(vec_fma(vec_load(z + j + k * WIDTH), vec_set(LOG2_E), minus));
			sum[k] += v[k];
		}
		if (e)
			_mm512_storeu_si512(e + j, bf16_of(v[0], v[1]));
	}
	*factor = expf(before - b->largest[r]); /* of what was summed before */
	b->sum[r] = b->sum[r] * *factor + vec_sum(sum[0] + sum[1]) * expf(here - b->largest[r]);
	return here;
}

/* ---------------------------------------------------------------- scores */

static int task_mixed_score(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)e;
	const struct work *w = arg;
	float *logprob = tensor_of(w->p, w->op->out[0])->v + task * BLOCK, factor;
	struct mixed_block b;
	size_t wanted = 0;
	mixed_block_make(&b, w, task * BLOCK, thread);
	for (size_t r = 0; r < b.m; r++)
		wanted += b.target[r] != CBTM_IGNORE;
	for (size_t v = 0; v < b.V && wanted; v += SLICE) {
		size_t n = least(SLICE, b.V - v);
		mixed_logits(&b, v, v + n);
		for (size_t r = 0; r < b.m; r++)
			mixed_softmax(&b, r, v, n, &factor, NULL);
	}
	for (size_t r = 0; r < b.m; r++)
		logprob[r] =
			b.target[r] == CBTM_IGNORE ? 0 : b.at_target[r] - b.largest[r] - logf(b.sum[r]);
	return 0;
}

static int run_mixed_score(struct work *w, struct cbtm_error *e)
{
	return host->pool_run(host->pool(), blocks(w->rows, BLOCK), task_mixed_score, w, e);
}

/* ---------------------------------------------------------------- loss and gradients */

/* dx = factor dx + part e W over a slice, for each row its factor and part. */
static void add_slice(const struct mixed_block *b, size_t v0, size_t n, const float *factor,
                      const float *part)
{
	const struct tensor *weight = tensor_of(b->w->p, b->w->op->in[1]);
	float sums[BLOCK * PANEL] __attribute__((aligned(64)));
	for (size_t j = 0; j < b->d; j += PANEL) {
		const uint16_t *panel = b->piece + j % TURN_COLUMNS * 2 * PAIR_BLOCK;
		if (weight->by_column16)
			panel = weight->by_column16 + j * 2 * blocks(b->V, 2) + v0 * PANEL;
		else if (j % TURN_COLUMNS == 0)
			turn(weight, 0, j, v0 / 2, blocks(n, 2), b->piece);
		mixed_panel(b->m, blocks(n, 2), b->e, SLICE_ROW, 2, panel, sums, PANEL, false);
		for (size_t r = 0; r < b->m; r++) {
			float *dx = b->dx + j * BLOCK + r * PANEL;
			for (size_t k = 0; k < PANEL; k += WIDTH) {
				vec sum = vec_load(sums + r * PANEL + k) * vec_set(part[r]);
				if (v0)
					sum = vec_fma(vec_load(dx + k), vec_set(factor[r]), sum);
				vec_store(dx + k, sum);
			}
		}
	}
}

/* A slice: softmax, e in bf16 as rows and in pairs of tokens, dx. */
static void mixed_slice(struct mixed_block *b, const struct head_scratch *s, size_t first,
                        size_t v0)
{
	size_t n = least(SLICE, b->V - v0);
	float factor[BLOCK], part[BLOCK];
	mixed_logits(b, v0, v0 + n);
	for (size_t r = 0; r < b->m; r++) {
		uint16_t *e = b->e + r * SLICE_ROW;
		part[r] = mixed_softmax(b, r, v0, n, &factor[r], e);
		s->slice[(first + r) * s->slices + v0 / SLICE] = part[r];
		part[r] = expf(part[r] - b->largest[r]);
		if (b->target[r] >= v0 && b->target[r] - v0 < n)
			e[b->target[r] - v0] = 0;
	}
	pair_rows(b->e, SLICE_ROW, b->m, n, s->e + v0 * s->rows + first * PANEL, s->rows * PANEL);
	add_slice(b, v0, n, factor, part);
}

static int task_mixed_loss(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)e;
	const struct work *w = arg;
	struct head_scratch s = head_scratch_of(w);
	const struct tensor *weight = tensor_of(w->p, w->op->in[1]);
	struct mixed_block b;
	size_t first = task * BLOCK, r0 = w->from + first;
	mixed_block_make(&b, w, r0, thread);
	for (size_t v = 0; v < b.V; v += SLICE)
		mixed_slice(&b, &s, first, v);
	double *loss = w->p->partial + 2 * (r0 / BLOCK);
	loss[0] = loss[1] = 0;
	for (size_t r = 0; r < b.m; r++) {
		float *dx = tensor_of(w->p, w->op->out[1])->v + (r0 + r) * b.d;
		float *f = s.slice + (first + r) * s.slices, scale = (float)w->scalars->loss_scale;
		bool counts = b.target[r] != CBTM_IGNORE;
		float p = counts ? expf(b.at_target[r] - b.largest[r]) / b.sum[r] : 1;
		float at_target = s.target_f[first + r] = scale * (p - 1);
		const float *row = weight->v + (counts ? b.target[r] * b.d : 0);
		float rest = counts ? scale / b.sum[r] : 0;
		for (size_t i = 0; i < s.slices; i++)
			f[i] = expf(f[i] - b.largest[r]) * rest;
		for (size_t j = 0; j < b.d; j += PANEL) {
			const float *sums = b.dx + j * BLOCK + r * PANEL;
			for (size_t i = j; i < least(j + PANEL, b.d); i++)
				dx[i] = sums[i - j] * rest + at_target * row[i];
		}
		if (counts) {
			loss[0] += (double)(b.largest[r] + logf(b.sum[r]) - b.at_target[r]);
			loss[1] += 1;
		}
	}
	return 0;
}

/* A slice of dweight += e' (f_s x) over all rows in hand; then, row by row, the target's part. */
static int task_mixed_head_weight(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)e;
	const struct work *w = arg;
	struct head_scratch s = head_scratch_of(w);
	const struct tensor *x = tensor_of(w->p, w->op->in[0]),
						*dweight = tensor_of(w->p, w->op->out[2]);
	const uint32_t *target = tensor_of(w->p, w->op->in[2])->ids + w->from;
	size_t d = x->columns, v0 = task * SLICE, n = least(SLICE, dweight->shape[0] - v0);
	uint16_t *right = (uint16_t *)(thread_scratch(w, thread) + w->p->local_floats);
	struct place from = { .rows = x->rows + w->from * x->stride,
		                  .columns = d,
		                  .stride = x->stride };
	struct place to = { .pairs = right, .columns = d, .pair_panel = s.rows * PANEL };
	float panel[BLOCK * PANEL] __attribute__((aligned(64)));
	for (size_t r0 = 0; r0 < w->count; r0 += BLOCK) {
		size_t m = least(BLOCK, w->count - r0);
		for (size_t j = 0; j < d; j += PANEL) {
			take_panel(&from, j, m, panel);
			for (size_t r = 0; r < m; r++) {
				vec f = vec_set(s.slice[(r0 + r) * s.slices + task]);
				vec_store(panel + r * PANEL, vec_load(panel + r * PANEL) * f);
				vec_store(panel + r * PANEL + WIDTH, vec_load(panel + r * PANEL + WIDTH) * f);
			}
			put_panel(&to, j, m, panel);
		}
		from.rows += BLOCK * x->stride;
		to.pairs += BLOCK * PANEL;
	}
	for (size_t v = 0; v < n; v += WEIGHT_ROWS)
		add_weights(least(WEIGHT_ROWS, n - v), d, blocks(w->count, 2), s.e + (v0 + v) * s.rows,
		            s.rows * PANEL, right, s.rows * PANEL, dweight->v + (v0 + v) * d,
		            store_of(dweight, !w->from),
		            dweight->squares ? dweight->squares + v0 + v : NULL);
	for (size_t r = 0; r < w->count; r++) {
		if (target[r] < v0 || target[r] - v0 >= n)
			continue;
		float *to_row = dweight->v + (size_t)target[r] * d;
		for (size_t i = 0; i < d; i++)
			to_row[i] += s.target_f[r] * float_of_bf16(x->rows[(w->from + r) * x->stride + i]);
		if (dweight->squares)
			square_rows(to_row, 1, d, dweight->squares + target[r]);
	}
	return 0;
}

static int run_mixed_loss(struct work *w, struct cbtm_error *e)
{
	size_t V = tensor_of(w->p, w->op->in[1])->shape[0];
	size_t step = mixed_head_rows(V, (size_t)w->p->batch * w->p->T);
	for (w->from = 0; w->from < w->rows; w->from += step) {
		w->count = least(step, w->rows - w->from);
		if (host->pool_run(host->pool(), blocks(w->count, BLOCK), task_mixed_loss, w, e) ||
		    host->pool_run(host->pool(), blocks(V, SLICE), task_mixed_head_weight, w, e))
			return e->name;
	}
	sum_losses(w);
	return 0;
}
