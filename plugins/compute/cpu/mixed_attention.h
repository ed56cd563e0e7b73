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

/* Keys of a row's panels that query i sees all of, from the first on. */
static size_t all_seen(const struct mixed_head *h, size_t i)
{
	return h->first ? 0 : (i + 1) / PANEL * PANEL;
}

static float mixed_largest(const struct mixed_head *h, const float *row, size_t i)
{
	__m512 most[2] = { _mm512_set1_ps(-INFINITY), _mm512_set1_ps(-INFINITY) };
	size_t j = 0;
	for (; j < all_seen(h, i); j += PANEL)
		for (size_t k = 0; k < 2; k++)
			most[k] = _mm512_max_ps(most[k], _mm512_loadu_ps(row + j + k * WIDTH));
	for (; j <= i; j += PANEL) {
		__mmask32 seen = visible(h, i, j);
		for (size_t k = 0; k < 2; k++, seen >>= 16)
			most[k] = _mm512_mask_max_ps(most[k], (__mmask16)seen, most[k],
			                             _mm512_loadu_ps(row + j + k * WIDTH));
	}
	return vec_largest(vec_max((vec)most[0], (vec)most[1]));
}

/* A panel's e^(scale s - shift), factor = scale log2 e and minus = - shift log2 e; 0 where not seen. */
static inline __attribute__((always_inline)) void
exp_panel(const float *s, vec factor, vec minus, const bool all, __mmask32 seen, vec e[2])
{
	for (size_t k = 0; k < 2; k++, seen >>= 16) {
		e[k] = vec_power(vec_fma(vec_load(s + k * WIDTH), factor, minus));
		if (!all)
			e[k] = (vec)_mm512_maskz_mov_ps((__mmask16)seen, (__m512)e[k]);
	}
}

/* to[j] = e^(scale row[j] - shift) for first <= j <= i, zeros behind up to the end of a panel; the
 * sum. `kept`: the same in fp32, or NULL. */
static float mixed_exp(const struct mixed_head *h, const float *row, size_t i, float shift,
                       uint16_t *to, float *kept)
{
	vec factor = vec_set(h->scale * LOG2_E), minus = vec_set(-shift * LOG2_E);
	vec sum[2] = { vec_set(0), vec_set(0) }, e[2];
	size_t all = all_seen(h, i);
	for (size_t j = 0; j <= i; j += PANEL) {
		if (j < all)
			exp_panel(row + j, factor, minus, true, 0, e);
		else
			exp_panel(row + j, factor, minus, false, visible(h, i, j), e);
		_mm512_storeu_si512(to + j, bf16_of(e[0], e[1]));
		for (size_t k = 0; k < 2; k++) {
			sum[k] += e[k];
			if (kept)
				vec_store(kept + j + k * WIDTH, e[k]);
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
			float largest = h.scale * mixed_largest(&h, row, i);
			uint16_t *p = h.p + (i - q0) * h.row;
			bool dropped = drops(w, w->op);
			float sum = mixed_exp(&h, row, i, largest, p, dropped ? row : NULL);
			logsum[i] = largest + logf(sum);
			part[i - q0] = 1 / sum;
			if (dropped) {
				drop(w->scalars, w->op, h.index + i * h.T, row, row, i + 1);
				round_row(row, round_up(i + 1, PANEL), p);
			}
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

/* What the gradient keeps of two queries' rows: shift and mean, and factors of dropout or NULL. */
struct two_rows {
	vec minus[2], mean[2];
	const float *keep[2];
};

/* Keys [j, j + PANEL) of queries i and i + 1, from s = q k and dp = dy v: p = exp(scale s - logsum) and ds
 * = p (dropped dp - mean) scale: ds in bf16, both in pairs of queries. */
static inline __attribute__((always_inline)) void
gradient_panel(const struct mixed_head *h, const struct two_rows *two, size_t at, size_t j,
               const bool all, const __mmask32 seen[2])
{
	const vec factor = vec_set(h->scale * LOG2_E), scale = vec_set(h->scale);
	__m512i p16[2], ds16[2];
	for (size_t r = 0; r < 2; r++) {
		const float *dp = h->other + (at + r) * h->row + j;
		vec p[2], ds[2];
		exp_panel(h->scores + (at + r) * h->row + j, factor, two->minus[r], all, seen[r], p);
		for (size_t k = 0; k < 2; k++) {
			vec v = vec_load(dp + k * WIDTH), kept = p[k];
			if (!all && two->keep[r]) {
				vec keep = vec_load(two->keep[r] + j + k * WIDTH);
				v *= keep;
				kept *= keep;
			}
			ds[k] = p[k] * ((v - two->mean[r]) * scale);
			if (!all)
				ds[k] = (vec)_mm512_maskz_mov_ps((__mmask16)(seen[r] >> k * WIDTH), (__m512)ds[k]);
			p[k] = kept;
		}
		p16[r] = bf16_of(p[0], p[1]);
		ds16[r] = bf16_of(ds[0], ds[1]);
		_mm512_storeu_si512(h->ds + (at + r) * h->row + j, ds16[r]);
	}
	store_pairs(h->p_pairs + j * BLOCK + at * PANEL, p16[0], p16[1]);
	store_pairs(h->ds_pairs + j * BLOCK + at * PANEL, ds16[0], ds16[1]);
}

/* Queries i and, where it is below q1, i + 1, as far as the panel of their last key. */
static void mixed_gradient_rows(struct mixed_head *h, size_t i, size_t q0, size_t q1,
                                const float *logsum, const float *mean)
{
	const struct work *w = h->w;
	size_t n = least(2, q1 - i), all = n == 2 ? all_seen(h, i) : 0;
	struct two_rows two = { .keep = { NULL, NULL } };
	for (size_t r = 0; r < n; r++) {
		two.minus[r] = vec_set(-logsum[i + r] * LOG2_E);
		two.mean[r] = vec_set(mean[r]);
		if (!drops(w, w->op))
			continue;
		float *keep = (float *)h->p + r * h->row;
		for (size_t j = 0; j < h->padded; j++)
			keep[j] = 1;
		drop(w->scalars, w->op, h->index + (i + r) * h->T, keep, keep, i + r + 1);
		two.keep[r] = keep;
		all = 0;
	}
	for (size_t j = 0; j < i + n; j += PANEL) {
		__mmask32 seen[2] = { 0, 0 };
		if (j < all) {
			gradient_panel(h, &two, i - q0, j, true, seen);
			continue;
		}
		for (size_t r = 0; r < n; r++)
			seen[r] = j <= i + r ? visible(h, i + r, j) : 0;
		gradient_panel(h, &two, i - q0, j, false, seen);
	}
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
		size_t q1 = least(q0 + BLOCK, h.T);
		mixed_scores(&h, q, keys, q0, q1, h.scores);
		mixed_scores(&h, g, values, q0, q1, h.other);
		for (size_t i = q0; i < q1; i += 2) {
			float mean[2];
			for (size_t n = 0; n < least(2, q1 - i); n++)
				mean[n] = row_product(dy->rows + (r0 + i + n) * dy->stride + column,
				                      y->rows + (r0 + i + n) * y->stride + column, h.size);
			mixed_gradient_rows(&h, i, q0, q1, logsum, mean);
		}
		mixed_mix(&h, h.ds, q0, q1, key_pairs, out);
		put_head(&h, dqkv, r0 + q0, column, out, q1 - q0, NULL);
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
