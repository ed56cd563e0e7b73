/* SPDX-License-Identifier: MIT */
/*
 * kernel: causal attention. A task is one head of one sequence; BLOCK queries at a time see all
 * keys before them. Probabilities are not kept: backward makes them again from logsum (Dao et al.
 * 2022).
 */
#pragma once

struct head {
	const struct work *w;
	const float *qkv;      /* this head's first query */
	const uint32_t *first; /* of this sequence, or NULL */
	const float *logsum;   /* T */
	size_t T, size, step;  /* size: d / heads; step: 3 d, from token to token */
	size_t padded;         /* T rounded up to PANEL */
	size_t row;            /* from row to row of scores: vectors more, so that rows do not crowd
	                          in few sets of the first cache */
	size_t wide;           /* size rounded up to PANEL: a row of copied tokens */
	size_t index;          /* (b heads + h) T T: the first element's number in the mask */
	float scale;
	float *keys, *values;  /* packed: [padded / PANEL][size][PANEL] */
	float *rows[4];        /* copies: T x wide */
	float *scores, *other; /* BLOCK x row */
};

static void head_make(struct head *h, const struct work *w, size_t task, unsigned thread,
                      const struct tensor *qkv, uint32_t first)
{
	size_t b = task / w->op->heads, n = task % w->op->heads, d = qkv->columns / 3;
	*h = (struct head){ .w = w, .T = w->p->T, .size = d / w->op->heads, .step = 3 * d };
	h->qkv = qkv->v + b * h->T * h->step + n * h->size;
	if (first != CBTM_NONE)
		h->first = tensor_of(w->p, first)->ids + b * h->T;
	h->padded = round_up(h->T, PANEL);
	h->index = task * h->T * h->T;
	h->scale = 1 / sqrtf((float)h->size);
	h->row = h->padded + 3 * WIDTH;
	h->wide = round_up(h->size, PANEL);
	float *scratch = thread_scratch(w, thread);
	h->keys = scratch;
	h->values = h->keys + h->padded * h->size;
	scratch = h->values + h->padded * h->size;
	for (int i = 0; i < 4; i++, scratch += h->padded * h->wide)
		h->rows[i] = scratch;
	h->scores = scratch;
	h->other = h->scores + BLOCK * h->row;
}

enum { QUERIES, KEYS, VALUES, OUTPUTS };

/* One head's tokens, `step` apart, as rows[which]: the right side of products. */
static void copy_tokens(const struct head *h, const float *from, size_t step, int which)
{
	float *to = h->rows[which];
	for (size_t t = 0; t < h->T; t++, to += h->wide) {
		memcpy(to, from + t * step, h->size * sizeof *to);
		memset(to + h->size, 0, (h->wide - h->size) * sizeof *to);
	}
}

/* T x size, rows `step` apart -> panels of PANEL tokens. */
static void pack_tokens(const struct head *h, const float *from, float *to)
{
	for (size_t t0 = 0; t0 < h->padded; t0 += PANEL, to += h->size * PANEL)
		for (size_t x = 0; x < h->size; x++)
			for (size_t t = 0; t < PANEL; t++)
				to[x * PANEL + t] = t0 + t < h->T ? from[(t0 + t) * h->step + x] : 0;
}

/* c[BLOCK x keys] = rows of a (from query q0 on, `row` apart) times packed tokens; only tiles that
 * hold a pair j <= i. */
static void block_scores(const struct head *h, const float *a, size_t row, const float *packed,
                         size_t q0, size_t q1, float *c)
{
	for (size_t q = q0; q < q1; q += TILE) {
		size_t end = least(q + TILE, q1);
		struct product p = { .m = end - q,
			                 .n = round_up(end, PANEL),
			                 .k = h->size,
			                 .a = a + q * row,
			                 .row = row,
			                 .column = 1,
			                 .b = packed,
			                 .panel = h->size * PANEL,
			                 .step = PANEL,
			                 .c = c + (q - q0) * h->row,
			                 .c_row = h->row,
			                 .c_panel = PANEL };
		product(&p);
	}
}

/*
 * Stores a row's last vector, its keys up to i, and zeros behind, as far as products read: a tile
 * of queries, or of keys, ends less than TILE behind i.
 */
static void end_row(float *row, size_t i, vec last)
{
	size_t whole = (i + 1) / WIDTH * WIDTH;
	vec_store(row + whole, vec_keep(last, i + 1 - whole));
	vec_store(row + whole + WIDTH, vec_set(0));
}

/* row[j] = e^(scale row[j] - shift) for first <= j <= i, 0 elsewhere; returns the sum. */
static float exp_row(const struct head *h, float *row, size_t i, float shift)
{
	vec sum = vec_set(0), scale = vec_set(h->scale), minus = vec_set(-shift);
	size_t whole = (i + 1) / WIDTH * WIDTH, first = h->first ? h->first[i] : 0;
	for (size_t j = 0; j < whole; j += WIDTH) {
		vec e = vec_exp(vec_fma(vec_load(row + j), scale, minus));
		vec_store(row + j, e);
		sum += e;
	}
	end_row(row, i, vec_exp(vec_fma(vec_load(row + whole), scale, minus)));
	if (first) {
		memset(row, 0, first * sizeof *row);
		sum = vec_set(0);
		for (size_t j = 0; j < whole; j += WIDTH)
			sum += vec_load(row + j);
	}
	return vec_sum(sum + vec_load(row + whole));
}

static float largest_of_row(const struct head *h, const float *row, size_t i)
{
	size_t j = h->first ? h->first[i] : 0;
	vec most = vec_set(row[i]);
	for (; j + WIDTH <= i + 1; j += WIDTH)
		most = vec_max(most, vec_load(row + j));
	float largest = vec_largest(most);
	for (; j <= i; j++)
		largest = row[j] > largest ? row[j] : largest;
	return largest;
}

static void attention_block(const struct head *h, size_t q0, size_t q1, float *y, size_t y_row,
                            float *logsum)
{
	const struct work *w = h->w;
	float part[BLOCK];
	block_scores(h, h->qkv, h->step, h->keys, q0, q1, h->scores);
	for (size_t i = q0; i < q1; i++) {
		float *row = h->scores + (i - q0) * h->row;
		float largest = h->scale * largest_of_row(h, row, i);
		float sum = exp_row(h, row, i, largest);
		logsum[i] = largest + logf(sum);
		part[i - q0] = 1 / sum;
		if (drops(w, w->op))
			drop(w->scalars, w->op, h->index + i * h->T, row, row, i + 1);
	}
	for (size_t q = q0; q < q1; q += TILE) {
		size_t end = least(q + TILE, q1);
		struct product p = { .m = end - q,
			                 .n = h->size,
			                 .k = end,
			                 .a = h->scores + (q - q0) * h->row,
			                 .row = h->row,
			                 .column = 1,
			                 .b = h->rows[VALUES],
			                 .panel = PANEL,
			                 .step = h->wide,
			                 .c = y + q * y_row,
			                 .c_row = y_row,
			                 .c_panel = PANEL };
		product(&p);
	}
	for (size_t i = q0; i < q1; i++)
		for (size_t x = 0; x < h->size; x++)
			y[i * y_row + x] *= part[i - q0];
}

static int task_attention(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)e;
	const struct work *w = arg;
	const struct tensor *y = tensor_of(w->p, w->op->out[0]);
	float *logsum = tensor_of(w->p, w->op->out[1])->v + task * w->p->T;
	struct head h;
	head_make(&h, w, task, thread, tensor_of(w->p, w->op->in[0]), w->op->in[1]);
	pack_tokens(&h, h.qkv + h.step / 3, h.keys);
	copy_tokens(&h, h.qkv + h.step / 3 * 2, h.step, VALUES);
	float *out = y->v + task / w->op->heads * h.T * y->columns + task % w->op->heads * h.size;
	for (size_t q = 0; q < h.T; q += BLOCK)
		attention_block(&h, q, least(q + BLOCK, h.T), out, y->columns, logsum);
	return 0;
}

static int run_attention(struct work *w, struct cbtm_error *e)
{
	return host->pool_run(host->pool(), w->scalars->sequences * w->op->heads, task_attention, w, e);
}

/* ---------------------------------------------------------------- gradient */

/* What a head's gradient needs beside struct head; rows of dy and y are d apart. */
struct head_gradient {
	struct head h;
	const float *dy, *y;
	float *dqkv;
	size_t d;
};

/* p and ds of one row from s = q k and dp = dy v: p = exp(scale s - logsum) goes to `scores`
 * (dropped), ds = p (dp - dy y) scale to `other`. */
static void gradient_row(const struct head_gradient *g, size_t i, size_t q0)
{
	const struct head *h = &g->h;
	const struct work *w = h->w;
	float *p = h->scores + (i - q0) * h->row, *ds = h->other + (i - q0) * h->row;
	size_t whole = (i + 1) / WIDTH * WIDTH;
	vec products = vec_set(0), scale = vec_set(h->scale);
	for (size_t x = 0; x < h->size; x += WIDTH)
		products = vec_fma(vec_part(g->dy + i * g->d, x, h->size),
		                   vec_part(g->y + i * g->d, x, h->size), products);
	vec mean = vec_set(vec_sum(products));
	exp_row(h, p, i, h->logsum[i]);
	if (drops(w, w->op))
		drop(w->scalars, w->op, h->index + i * h->T, ds, ds, i + 1);
	for (size_t j = 0; j < whole; j += WIDTH)
		vec_store(ds + j, vec_load(p + j) * (vec_load(ds + j) - mean) * scale);
	end_row(ds, i, vec_load(p + whole) * (vec_load(ds + whole) - mean) * scale);
	if (drops(w, w->op))
		drop(w->scalars, w->op, h->index + i * h->T, p, p, i + 1);
}

/* dk (or dv) rows [0, q1) += p' x for the block's p (BLOCK x row) and rows x from q0 on. */
static void add_transposed(const struct head *h, const float *p, size_t q0, size_t q1,
                           const float *x, float *c)
{
	for (size_t j = 0; j < q1; j += TILE) {
		size_t from = j > q0 ? j : q0; /* earlier queries do not see key j */
		struct product t = { .m = least(TILE, q1 - j),
			                 .n = h->size,
			                 .k = q1 - from,
			                 .a = p + (from - q0) * h->row + j,
			                 .row = 1,
			                 .column = h->row,
			                 .b = x + from * h->wide,
			                 .panel = PANEL,
			                 .step = h->wide,
			                 .c = c + j * h->step,
			                 .c_row = h->step,
			                 .c_panel = PANEL,
			                 .epilogue = { .accumulate = true } };
		product(&t);
	}
}

static void gradient_block(const struct head_gradient *g, size_t q0, size_t q1)
{
	const struct head *h = &g->h;
	block_scores(h, h->qkv, h->step, h->keys, q0, q1, h->scores);
	block_scores(h, g->dy, g->d, h->values, q0, q1, h->other);
	for (size_t i = q0; i < q1; i++)
		gradient_row(g, i, q0);
	for (size_t q = q0; q < q1; q += TILE) {
		size_t end = least(q + TILE, q1);
		struct product dq = { .m = end - q,
			                  .n = h->size,
			                  .k = end,
			                  .a = h->other + (q - q0) * h->row,
			                  .row = h->row,
			                  .column = 1,
			                  .b = h->rows[KEYS],
			                  .panel = PANEL,
			                  .step = h->wide,
			                  .c = g->dqkv + q * h->step,
			                  .c_row = h->step,
			                  .c_panel = PANEL };
		product(&dq);
	}
	add_transposed(h, h->other, q0, q1, h->rows[QUERIES], g->dqkv + g->d);
	add_transposed(h, h->scores, q0, q1, h->rows[OUTPUTS], g->dqkv + 2 * g->d);
}

static int task_attention_gradient(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)e;
	const struct work *w = arg;
	struct head_gradient g;
	struct head *h = &g.h;
	head_make(h, w, task, thread, tensor_of(w->p, w->op->in[1]), w->op->in[4]);
	h->logsum = tensor_of(w->p, w->op->in[3])->v + task * h->T;
	g.d = h->step / 3;
	size_t b = task / w->op->heads, at = task % w->op->heads * h->size;
	g.dy = tensor_of(w->p, w->op->in[0])->v + b * h->T * g.d + at;
	g.y = tensor_of(w->p, w->op->in[2])->v + b * h->T * g.d + at;
	g.dqkv = tensor_of(w->p, w->op->out[0])->v + b * h->T * h->step + at;
	pack_tokens(h, h->qkv + g.d, h->keys);
	pack_tokens(h, h->qkv + 2 * g.d, h->values);
	copy_tokens(h, h->qkv, h->step, QUERIES);
	copy_tokens(h, h->qkv + g.d, h->step, KEYS);
	copy_tokens(h, g.dy, g.d, OUTPUTS);
	for (size_t t = 0; t < h->T; t++)
		for (size_t part = 1; part < 3; part++)
			memset(g.dqkv + t * h->step + part * g.d, 0, h->size * sizeof *g.dqkv);
	for (size_t q = 0; q < h->T; q += BLOCK)
		gradient_block(&g, q, least(q + BLOCK, h->T));
	return 0;
}

static int run_attention_gradient(struct work *w, struct cbtm_error *e)
{
	return host->pool_run(host->pool(), w->scalars->sequences * w->op->heads,
	                      task_attention_gradient, w, e);
}
