/* SPDX-License-Identifier: MIT */
/*
 * kernel: mixtures of experts, what all precisions share: routing, how tasks of grouped rows are run,
 * the gradient of the router's logits. Routing is single precision in all of them.
 */
#pragma once

static void softmax_row(const float *z, float *p, size_t n)
{
	float largest = z[0], sum = 0;
	for (size_t i = 1; i < n; i++)
		largest = z[i] > largest ? z[i] : largest;
	for (size_t i = 0; i < n; i += WIDTH) {
		vec v = vec_exp(vec_part(z, i, n) - vec_set(largest));
		memcpy(p + i, &v, least(WIDTH, n - i) * sizeof *p);
	}
	for (size_t i = 0; i < n; i++)
		sum += p[i];
	for (size_t i = 0; i < n; i++)
		p[i] /= sum;
}

/* The `choices` largest of n numbers, of equal ones the first. */
static void choose(const float *z, size_t n, size_t choices, uint32_t *chosen)
{
	for (size_t j = 0; j < choices; j++) {
		size_t best = n;
		for (size_t i = 0; i < n; i++) {
			bool taken = false;
			for (size_t k = 0; k < j; k++)
				taken |= chosen[k] == i;
			if (!taken && (best == n || z[i] > z[best]))
				best = i;
		}
		chosen[j] = (uint32_t)best;
	}
}

/* Gates and choices of a block of tokens; `slot` holds experts until take_rows. */
static int task_route(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct work *w = arg;
	const struct tensor *logits = tensor_of(w->p, w->op->in[0]);
	float *gates = tensor_of(w->p, w->op->out[0])->v;
	struct tensor *slot = tensor_of(w->p, w->op->out[2]);
	size_t n = logits->columns;
	for (size_t r = task * BLOCK; r < least(w->rows, (task + 1) * BLOCK); r++) {
		softmax_row(logits->v + r * n, gates + r * n, n);
		choose(logits->v + r * n, n, slot->columns, slot->ids + r * slot->columns);
	}
	return 0;
}

/* Gives the chosen experts' numbers, in `slot`, rows: first choices before second ones. */
static void take_rows(const struct work *w)
{
	struct tensor *slot = tensor_of(w->p, w->op->out[2]), *load = tensor_of(w->p, w->op->out[3]);
	size_t experts = load->shape[0], choices = slot->columns, next = 0;
	double limit = w->scalars->capacity_factor;
	size_t capacity = w->rows * choices, first[CBTM_EXPERTS], rows[CBTM_EXPERTS];
	size_t taken[CBTM_EXPERTS] = { 0 };
	if (limit > 0 && ceil(limit * (double)w->rows / (double)experts) < (double)capacity)
		capacity = (size_t)ceil(limit * (double)w->rows / (double)experts);
	for (size_t i = 0; i < w->rows * choices; i++)
		load->f64[slot->ids[i] * LOAD + LOAD_CHOICES] += 1;
	for (size_t e = 0; e < experts; e++) {
		rows[e] = least((size_t)load->f64[e * LOAD + LOAD_CHOICES], capacity);
		first[e] = next;
		next += round_up(rows[e], CBTM_GROUP_ROWS);
		load->f64[e * LOAD + LOAD_FIRST_ROW] = (double)first[e];
		load->f64[e * LOAD + LOAD_ROWS] = (double)rows[e];
	}
	for (size_t j = 0; j < choices; j++)
		for (uint32_t *s = slot->ids + j; s < slot->ids + w->rows * choices; s += choices) {
			size_t n = taken[*s]++;
			*s = n < rows[*s] ? (uint32_t)(first[*s] + n) : CBTM_NONE;
		}
}

static int run_route(struct work *w, struct cbtm_error *e)
{
	const struct tensor *gates = tensor_of(w->p, w->op->out[0]);
	const struct tensor *slot = tensor_of(w->p, w->op->out[2]);
	float *weights = tensor_of(w->p, w->op->out[1])->v;
	double *load = tensor_of(w->p, w->op->out[3])->f64;
	size_t experts = gates->columns, choices = slot->columns;
	if (host->pool_run(host->pool(), blocks(w->rows, BLOCK), task_route, w, e))
		return e->name;
	memset(load, 0, experts * LOAD * sizeof *load);
	for (size_t r = 0; r < w->rows; r++) {
		const float *p = gates->v + r * experts;
		load[slot->ids[r * choices] * LOAD + LOAD_FIRST_CHOICES] += 1;
		for (size_t i = 0; i < experts; i++)
			load[i * LOAD + LOAD_GATES] += p[i];
		for (size_t j = 0; j < choices; j++)
			weights[r * choices + j] = p[slot->ids[r * choices + j]];
	}
	take_rows(w);
	for (size_t r = 0; r < w->rows; r++) {
		float sum = 0, *weight = weights + r * choices;
		for (size_t j = 0; j < choices; j++) {
			if (slot->ids[r * choices + j] == CBTM_NONE)
				weight[j] = 0;
			sum += weight[j];
		}
		for (size_t j = 0; j < choices; j++)
			weight[j] = sum > 0 ? weight[j] / sum : 0;
	}
	return 0;
}

/* ---------------------------------------------------------------- grouped rows */

/* Where the choices by grouped rows of the o-th operation of a region, a DISPATCH, lie. */
static uint32_t *dispatch_choices(const struct work *w, uint32_t o)
{
	uint32_t *at = (uint32_t *)w->scratch;
	for (uint32_t i = 0; i < o; i++)
		if (w->op[i].kind == CBTM_OP_DISPATCH)
			at += tensor_of(w->p, w->op[i].out[0])->shape[0];
	return at;
}

static int task_groups(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)e;
	const struct work *w = arg;
	const double *load = tensor_of(w->p, load_of(w->op))->f64;
	struct rows x = { .w = w, .thread = thread };
	for (; i >= blocks((size_t)load[LOAD_ROWS], BLOCK); load += LOAD, x.group++)
		i -= blocks((size_t)load[LOAD_ROWS], BLOCK);
	size_t first = (size_t)load[LOAD_FIRST_ROW];
	x.r0 = first + i * BLOCK;
	x.r1 = least(first + (size_t)load[LOAD_ROWS], x.r0 + BLOCK);
	for (uint32_t o = 0; o < w->operations; o++) {
		x.op = &w->op[o];
		x.choice = dispatch_choices(w, o);
		w->p->variant->rows[x.op->kind](&x);
	}
	return 0;
}

static int run_groups(struct work *w, struct cbtm_error *e)
{
	const struct tensor *load = tensor_of(w->p, load_of(w->op));
	size_t tasks = 0;
	for (uint32_t o = 0; o < w->operations; o++) {
		if (w->op[o].kind != CBTM_OP_DISPATCH)
			continue;
		const struct tensor *slot = tensor_of(w->p, w->op[o].in[1]);
		uint32_t *choice = dispatch_choices(w, o);
		for (size_t i = 0; i < w->rows * slot->columns; i++)
			if (slot->ids[i] != CBTM_NONE)
				choice[slot->ids[i]] = (uint32_t)i;
	}
	for (size_t g = 0; g < load->shape[0]; g++)
		tasks += blocks((size_t)load->f64[g * LOAD + LOAD_ROWS], BLOCK);
	return host->pool_run(host->pool(), tasks, task_groups, w, e);
}

/* ---------------------------------------------------------------- the router's gradient */

/* Of a token: sum_i p_i dp_i, and what its choices add to dp of their experts. */
struct route_slope {
	float mean, dp[CBTM_CHOICES];
	size_t expert[CBTM_CHOICES];
};

/* balance loss_scale E / n, of which dp_e is first choices times. */
static float route_balance(const struct rows *x)
{
	const struct cbtm_scalars *s = x->w->scalars;
	size_t experts = tensor_of(x->w->p, x->op->in[5])->shape[0];
	return (float)(s->balance * s->loss_scale * (double)experts / (double)x->w->rows);
}

static float dot(const float *a, const float *b, size_t n)
{
	vec sum = vec_set(0);
	for (size_t i = 0; i < n; i += WIDTH)
		sum = vec_fma(vec_part(a, i, n), vec_part(b, i, n), sum);
	return vec_sum(sum);
}

static struct route_slope route_slope(const struct rows *x, size_t r)
{
	const struct tensor *y = tensor_of(x->w->p, x->op->in[1]);
	const struct tensor *slots = tensor_of(x->w->p, x->op->in[2]);
	const struct tensor *load = tensor_of(x->w->p, x->op->in[5]);
	const float *dy = at(x, x->op->in[0], r), *p = at(x, x->op->in[3], r);
	const float *weight = at(x, x->op->in[4], r);
	const uint32_t *slot = slots->ids + r * slots->columns;
	struct route_slope s = { 0 };
	float g[CBTM_CHOICES] = { 0 }, mean = 0, sum = 0;
	double all = 0;
	for (size_t j = 0; j < slots->columns; j++) {
		if (slot[j] == CBTM_NONE)
			continue;
		while (slot[j] < load->f64[s.expert[j] * LOAD] ||
		       slot[j] >= load->f64[s.expert[j] * LOAD] + load->f64[s.expert[j] * LOAD + LOAD_ROWS])
			s.expert[j]++;
		g[j] = dot(dy, y->v + slot[j] * y->columns, y->columns);
		mean += weight[j] * g[j];
		sum += p[s.expert[j]];
	}
	for (size_t e = 0; e < load->shape[0]; e++)
		all += p[e] * load->f64[e * LOAD + LOAD_FIRST_CHOICES];
	s.mean = (float)all * route_balance(x);
	for (size_t j = 0; j < slots->columns; j++) {
		s.dp[j] = slot[j] != CBTM_NONE && sum > 0 ? (g[j] - mean) / sum : 0;
		s.mean += p[s.expert[j]] * s.dp[j];
	}
	return s;
}

/* dlogits of experts [e0, e0 + n) of a token. */
static void route_slopes(const struct rows *x, const struct route_slope *s, size_t r, size_t e0,
                         size_t n, float *to)
{
	const float *p = at(x, x->op->in[3], r) + e0, balance = route_balance(x);
	const double *load = tensor_of(x->w->p, x->op->in[5])->f64;
	for (size_t i = 0; i < n; i++)
		to[i] = p[i] * (balance * (float)load[(e0 + i) * LOAD + LOAD_FIRST_CHOICES] - s->mean);
	for (size_t j = 0; j < CBTM_CHOICES; j++)
		if (s->expert[j] - e0 < n)
			to[s->expert[j] - e0] += p[s->expert[j] - e0] * s->dp[j];
}
