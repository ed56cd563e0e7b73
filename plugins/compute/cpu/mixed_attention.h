/* SPDX-License-Identifier: MIT */
/*
 * kernel: causal attention with bf16 operands. A task is one head of one sequence; BLOCK queries at a
 * time see all keys before them. Scores, their exponentials and sums are fp32; probabilities, and
 * in backward the scores' gradients, are rounded to bf16 for the products that follow. Backward
 * makes the probabilities again from logsum (Dao et al. 2022).
 */
#pragma once

/* bf16 rows of one head: row t at rows + t stride. */
struct side {
	const uint16_t *rows;
	size_t stride;
};

struct mixed_head {
	const struct work *w;
	const uint32_t *first; /* of this sequence, or NULL */
	size_t T, size, pairs; /* size: d / heads; pairs: of a row's numbers */
	size_t padded, wide;   /* T and size rounded up to PANEL */
	size_t row;            /* of scores: vectors more than padded, so that rows do not crowd in few
	                          sets of the first cache */
	size_t token_panel;    /* from panel to panel of copies in pairs of tokens */
	uint64_t index;        /* (b heads + h) T T: the first element's number in the mask */
	float scale;
	float *scores, *other;        /* BLOCK x row */
	uint16_t *p, *ds;             /* bf16 of them, BLOCK x row */
	uint16_t *p_pairs, *ds_pairs; /* in pairs of queries: [padded / PANEL][BLOCK / 2][PANEL][2] */
	uint16_t *free;               /* what follows in the thread's scratch */
};

static uint16_t *carve(struct mixed_head *h, size_t n)
{
	uint16_t *p = h->free;
	h->free += round_up(n, PANEL);
	return p;
}

static void mixed_head_make(struct mixed_head *h, const struct work *w, size_t task,
                            unsigned thread, size_t d, uint32_t first)
{
	size_t b = task / w->op->heads;
	*h = (struct mixed_head){ .w = w, .T = w->p->T, .size = d / w->op->heads };
	if (first != CBTM_NONE)
		h->first = tensor_of(w->p, first)->ids + b * h->T;
	h->pairs = blocks(h->size, 2);
	h->padded = round_up(h->T, PANEL);
	h->wide = round_up(h->size, PANEL);
	h->row = h->padded + 3 * WIDTH;
	h->token_panel = h->padded * PANEL;
	h->index = (uint64_t)task * h->T * h->T;
	h->scale = 1 / sqrtf((float)h->size);
	h->free = (uint16_t *)(thread_scratch(w, thread) + w->p->local_floats);
	h->scores = (float *)carve(h, 2 * BLOCK * h->row);
	h->other = (float *)carve(h, 2 * BLOCK * h->row);
	h->p = carve(h, BLOCK * h->row);
	h->ds = carve(h, BLOCK * h->row);
	h->p_pairs = carve(h, BLOCK * h->padded);
	h->ds_pairs = carve(h, BLOCK * h->padded);
}

/* A head's rows, from `column` on of a tensor's rows of sequence b. Rows of an odd size are copied
 * with a zero behind them. */
static struct side side_of(struct mixed_head *h, const struct tensor *t, size_t b, size_t column)
{
	struct side s = { t->rows + b * h->T * t->stride + column, t->stride };
	if (h->size % 2 == 0)
		return s;
	uint16_t *copy = carve(h, h->T * h->wide);
	for (size_t i = 0; i < h->T; i++) {
		memcpy(copy + i * h->wide, s.rows + i * s.stride, h->size * sizeof *copy);
		memset(copy + i * h->wide + h->size, 0, (h->wide - h->size) * sizeof *copy);
	}
	return (struct side){ copy, h->wide };
}

/* Panels of 32 tokens, [padded / PANEL][pairs][PANEL][2]: the right side of scores. */
static const uint16_t *by_token(struct mixed_head *h, struct side s)
{
	uint16_t *to = carve(h, h->padded * h->wide);
	for (size_t t = 0; t < h->T; t += PANEL)
		pack_rows(s.rows + t * s.stride, s.stride, least(PANEL, h->T - t), h->pairs,
		          to + t * 2 * h->pairs);
	return to;
}

/* A copy in pairs of tokens, [wide / PANEL][padded / 2][PANEL][2]: the right side of sums over
 * tokens. */
static const uint16_t *in_pairs(struct mixed_head *h, struct side s)
{
	uint16_t *to = carve(h, h->padded * h->wide);
	pair_rows(s.rows, s.stride, h->T, h->size, to, h->token_panel);
	return to;
}

/* c[BLOCK x keys] = rows of a from query q0 on times packed tokens; only tiles that hold a pair
 * j <= i. */
static void mixed_scores(const struct mixed_head *h, struct side a, const uint16_t *packed,
                         size_t q0, size_t q1, float *c)
{
	for (size_t j = 0; j < q1; j += PANEL) {
		size_t from = j > q0 ? (j - q0) / MIXED_TILE * MIXED_TILE : 0;
		mixed_rows(q1 - q0 - from, h->pairs, a.rows + (q0 + from) * a.stride, a.stride, 2,
		           packed + j * 2 * h->pairs, c + from * h->row + j, h->row, false);
	}
}

/* c[rows of the block x size] = p x for p in bf16 rows: a row's sum ends with its tile's keys. */
static void mixed_mix(const struct mixed_head *h, const uint16_t *p, size_t q0, size_t q1,
                      const uint16_t *x, float *c)
{
	for (size_t q = q0; q < q1; q += MIXED_TILE) {
		size_t end = least(q + MIXED_TILE, q1);
		for (size_t j = 0; j < h->size; j += PANEL)
			mixed_panel(end - q, blocks(end, 2), p + (q - q0) * h->row, h->row, 2,
			            x + j / PANEL * h->token_panel, c + (q - q0) * h->wide + j, h->wide, false);
	}
}

static __mmask32 visible(const struct mixed_head *h, size_t i, size_t j)
{
	size_t first = h->first ? h->first[i] : 0;
	return lanes32(i + 1 - j) & ~(first > j ? lanes32(first - j) : 0);
}

static float mixed_largest(const struct mixed_head *h, const float *row, size_t i)
{
	__m512 most = _mm512_set1_ps(-INFINITY);
	for (size_t j = 0; j <= i; j += PANEL) {
		__mmask32 seen = visible(h, i, j);
		most = _mm512_mask_max_ps(most, (__mmask16)seen, most, _mm512_loadu_ps(row + j));
		most = _mm512_mask_max_ps(most, (__mmask16)(seen >> 16), most,
		                          _mm512_loadu_ps(row + j + WIDTH));
	}
	return vec_largest((vec)most);
}

/* row[j] = e^(scale row[j] - shift) for first <= j <= i, and zeros as far as `end`; the sum. */
static float mixed_exp(const struct mixed_head *h, float *row, size_t i, size_t end, float shift)
{
	vec scale = vec_set(h->scale), minus = vec_set(-shift), sum[2] = { vec_set(0), vec_set(0) };
	for (size_t j = 0; j < end; j += PANEL) {
		__mmask32 seen = j <= i ? visible(h, i, j) : 0;
		for (size_t k = 0; k < 2; k++, seen >>= 16) {
			vec e = vec_exp(vec_fma(vec_load(row + j + k * WIDTH), scale, minus));
			e = (vec)_mm512_maskz_mov_ps((__mmask16)seen, (__m512)e);
			vec_store(row + j + k * WIDTH, e);
			sum[k] += e;
		}
	}
	return vec_sum(sum[0] + sum[1]);
}

static void round_row(const float *row, size_t end, uint16_t *to)
{
	for (size_t j = 0; j < end; j += PANEL)
		_mm512_storeu_si512(to + j, bf16_of(vec_load(row + j), vec_load(row + j + WIDTH)));
}

/* n x size fp32 numbers, `wide` apart, times a row's factor (NULL: 1) -> a head's columns of a
 * tensor, from row r and column `column` on. */
static void put_head(const struct mixed_head *h, const struct tensor *t, size_t r, size_t column,
                     const float *from, size_t n, const float *factor)
{
	for (size_t i = 0; i < n; i++, from += h->wide) {
		vec f = vec_set(factor ? factor[i] : 1);
		for (size_t j = 0; j < h->size; j += PANEL) {
			struct lanes lanes = lanes_from(h->size, j);
			vec v[2] = { vec_load(from + j) * f, vec_load(from + j + WIDTH) * f };
			if (t->v) {
				float *to = t->v + (r + i) * t->columns + column + j;
				store_lanes(to, lanes.half[0], v[0]);
				store_lanes(to + WIDTH, lanes.half[1], v[1]);
			}
			if (t->rows)
				_mm512_mask_storeu_epi16(t->rows + (r + i) * t->stride + column + j, lanes.all,
				                         bf16_of(v[0], v[1]));
		}
		if (t->rows && column + h->size == t->columns)
			memset(t->rows + (r + i) * t->stride + t->columns, 0,
			       (t->stride - t->columns) * sizeof *t->rows);
	}
}

static int task_mixed_attention(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)e;
	const struct work *w = arg;
	const struct tensor *qkv = tensor_of(w->p, w->op->in[0]), *y = tensor_of(w->p, w->op->out[0]);
	float *logsum = tensor_of(w->p, w->op->out[1])->v + task * w->p->T, part[BLOCK];
	size_t b = task / w->op->heads, d = y->columns;
	struct mixed_head h;
	mixed_head_make(&h, w, task, thread, d, w->op->in[1]);
	size_t column = task % w->op->heads * h.size;
	struct side queries = side_of(&h, qkv, b, column);
	const uint16_t *keys = by_token(&h, side_of(&h, qkv, b, d + column));
	const uint16_t *values = in_pairs(&h, side_of(&h, qkv, b, 2 * d + column));
	float *out = (float *)carve(&h, 2 * BLOCK * h.wide);
	for (size_t q0 = 0; q0 < h.T; q0 += BLOCK) {
		size_t q1 = least(q0 + BLOCK, h.T);
		mixed_scores(&h, queries, keys, q0, q1, h.scores);
		for (size_t i = q0; i < q1; i++) {
			float *row = h.scores + (i - q0) * h.row;
			size_t end = round_up(least(q1, round_up(i + 1, MIXED_TILE)), PANEL);
			float largest = h.scale * mixed_largest(&h, row, i);
			float sum = mixed_exp(&h, row, i, end, largest);
			logsum[i] = largest + logf(sum);
			part[i - q0] = 1 / sum;
			if (drops(w, w->op))
				drop(w->scalars, w->op, h.index + i * h.T, row, row, i + 1);
			round_row(row, end, h.p + (i - q0) * h.row);
		}
		mixed_mix(&h, h.p, q0, q1, values, out);
		put_head(&h, y, b * h.T + q0, column, out, q1 - q0, part);
	}
	return 0;
}

static int run_mixed_attention(struct work *w, struct cbtm_error *e)
{
	return host->pool_run(host->pool(), w->scalars->sequences * w->op->heads, task_mixed_attention,
	                      w, e);
}

/* ---------------------------------------------------------------- gradient */

/* sum of dy y over a head's row. */
static float row_product(const uint16_t *a, const uint16_t *b, size_t n)
{
	vec sum = vec_set(0);
	for (size_t i = 0; i < n; i += WIDTH) {
		__mmask16 lanes = lanes16(n - i);
		sum = vec_fma(vec_of_bf16(_mm256_maskz_loadu_epi16(lanes, a + i)),
		              vec_of_bf16(_mm256_maskz_loadu_epi16(lanes, b + i)), sum);
	}
	return vec_sum(sum);
}

/* p and ds of a row, from s = q k and dp = dy v: p = exp(scale s - logsum) and ds = p (dropped dp -
 * mean) scale, in bf16 as far as `end`. */
static void mixed_gradient_row(struct mixed_head *h, size_t i, size_t q0, size_t end, float logsum,
                               float mean)
{
	const struct work *w = h->w;
	float *p = h->scores + (i - q0) * h->row, *ds = h->other + (i - q0) * h->row;
	bool dropped = drops(w, w->op);
	mixed_exp(h, p, i, end, logsum);
	if (dropped)
		drop(w->scalars, w->op, h->index + i * h->T, ds, ds, i + 1);
	for (size_t j = 0; j < end; j += PANEL) {
		__mmask32 seen = j <= i ? visible(h, i, j) : 0;
		vec v[2];
		for (size_t k = 0; k < 2; k++, seen >>= 16) {
			v[k] = vec_load(p + j + k * WIDTH) *
			       ((vec_load(ds + j + k * WIDTH) - vec_set(mean)) * vec_set(h->scale));
			v[k] = (vec)_mm512_maskz_mov_ps((__mmask16)seen, (__m512)v[k]);
		}
		_mm512_storeu_si512(h->ds + (i - q0) * h->row + j, bf16_of(v[0], v[1]));
	}
	if (dropped)
		drop(w->scalars, w->op, h->index + i * h->T, p, p, i + 1);
	round_row(p, end, h->p + (i - q0) * h->row);
}

/* dk (or dv) of keys before q1 += p' x, p a block's copy in pairs of queries. */
static void add_keys(const struct mixed_head *h, const uint16_t *p, size_t q0, size_t q1,
                     const uint16_t *x, float *c)
{
	for (size_t j = 0; j < q1; j += PANEL) {
		size_t from = j > q0 ? (j - q0) / 2 : 0; /* earlier queries do not see key j */
		const uint16_t *left = p + j * BLOCK + from * 2 * PANEL;
		for (size_t k = 0; k < h->size; k += PANEL)
			mixed_rows(least(PANEL, h->T - j), blocks(q1 - q0, 2) - from, left, 2, 2 * PANEL,
			           x + k / PANEL * h->token_panel + (q0 + 2 * from) * PANEL,
			           c + j * h->wide + k, h->wide, true);
	}
}

static int task_mixed_attention_gradient(void *arg, size_t task, unsigned thread,
                                         struct cbtm_error *e)
{
	(void)e;
	const struct work *w = arg;
	const struct tensor *dy = tensor_of(w->p, w->op->in[0]), *qkv = tensor_of(w->p, w->op->in[1]);
	const struct tensor *y = tensor_of(w->p, w->op->in[2]), *dqkv = tensor_of(w->p, w->op->out[0]);
	const float *logsum = tensor_of(w->p, w->op->in[3])->v + task * w->p->T;
	size_t b = task / w->op->heads, d = y->columns;
	struct mixed_head h;
	mixed_head_make(&h, w, task, thread, d, w->op->in[4]);
	size_t column = task % w->op->heads * h.size, r0 = b * h.T;
	struct side q = side_of(&h, qkv, b, column), k = side_of(&h, qkv, b, d + column);
	struct side v = side_of(&h, qkv, b, 2 * d + column), g = side_of(&h, dy, b, column);
	const uint16_t *keys = by_token(&h, k), *values = by_token(&h, v);
	const uint16_t *query_pairs = in_pairs(&h, q), *key_pairs = in_pairs(&h, k),
				   *dy_pairs = in_pairs(&h, g);
	float *out = (float *)carve(&h, 2 * BLOCK * h.wide);
	float *dk = (float *)carve(&h, 2 * h.padded * h.wide);
	float *dv = (float *)carve(&h, 2 * h.padded * h.wide);
	memset(dk, 0, h.padded * h.wide * sizeof *dk);
	memset(dv, 0, h.padded * h.wide * sizeof *dv);
	for (size_t q0 = 0; q0 < h.T; q0 += BLOCK) {
		size_t q1 = least(q0 + BLOCK, h.T), end = round_up(q1, PANEL);
		mixed_scores(&h, q, keys, q0, q1, h.scores);
		mixed_scores(&h, g, values, q0, q1, h.other);
		for (size_t i = q0; i < q1; i++) {
			const uint16_t *of_y = y->rows + (r0 + i) * y->stride + column;
			float mean = row_product(dy->rows + (r0 + i) * dy->stride + column, of_y, h.size);
			mixed_gradient_row(&h, i, q0, end, logsum[i], mean);
		}
		mixed_mix(&h, h.ds, q0, q1, key_pairs, out);
		put_head(&h, dqkv, r0 + q0, column, out, q1 - q0, NULL);
		pair_rows(h.p, h.row, q1 - q0, end, h.p_pairs, BLOCK * PANEL);
		pair_rows(h.ds, h.row, q1 - q0, end, h.ds_pairs, BLOCK * PANEL);
		add_keys(&h, h.ds_pairs, q0, q1, query_pairs, dk);
		add_keys(&h, h.p_pairs, q0, q1, dy_pairs, dv);
	}
	put_head(&h, dqkv, r0, d + column, dk, h.T, NULL);
	put_head(&h, dqkv, r0, 2 * d + column, dv, h.T, NULL);
	return 0;
}

static int run_mixed_attention_gradient(struct work *w, struct cbtm_error *e)
{
	return host->pool_run(host->pool(), w->scalars->sequences * w->op->heads,
	                      task_mixed_attention_gradient, w, e);
}
