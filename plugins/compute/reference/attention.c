/* SPDX-License-Identifier: MIT */
/* Causal attention, its gradient (Dao et al. 2022, appendix B.4), and the head. */
#include "reference.h"
#include <math.h>

/* One head of one sequence: where row t's queries, keys, values are. */
struct head {
	size_t width, size, base; /* d, d / heads, the first token's row */
	size_t h;
};

static double product(const double *a, const double *b, size_t n)
{
	double s = 0;
	for (size_t i = 0; i < n; i++)
		s += a[i] * b[i];
	return s;
}

static const double *query(const double *qkv, const struct head *h, size_t t, unsigned which)
{
	return qkv + (h->base + t) * 3 * h->width + which * h->width + h->h * h->size;
}

static uint64_t probability_index(const struct call *c, const struct head *h, size_t i, size_t j)
{
	size_t b = h->base / c->T;
	return ((b * c->op->heads + h->h) * c->T + i) * c->T + j;
}

static void attend(const struct call *c, const struct head *h, size_t i)
{
	double scale = 1 / sqrt((double)h->size), largest = -INFINITY, sum = 0, *s = c->scratch;
	size_t first = c->ids[1] ? c->ids[1][h->base + i] : 0;
	for (size_t j = first; j <= i; j++) {
		s[j] = product(query(c->in[0], h, i, 0), query(c->in[0], h, j, 1), h->size) * scale;
		largest = fmax(largest, s[j]);
	}
	for (size_t j = first; j <= i; j++)
		sum += exp(s[j] - largest);
	double logsum = largest + log(sum);
	double *y = c->out[0] + (h->base + i) * h->width + h->h * h->size;
	for (size_t x = 0; x < h->size; x++)
		y[x] = 0;
	for (size_t j = first; j <= i; j++) {
		double p = exp(s[j] - logsum) * dropout_factor(c, probability_index(c, h, i, j));
		for (size_t x = 0; x < h->size; x++)
			y[x] += p * query(c->in[0], h, j, 2)[x];
	}
	c->out[1][(h->base / c->T * c->op->heads + h->h) * c->T + i] = logsum;
}

void attention(const struct call *c)
{
	size_t d = c->shape_in[0][2] / 3;
	for (size_t b = 0; b < c->sequences; b++)
		for (size_t n = 0; n < c->op->heads; n++) {
			struct head h = { d, d / c->op->heads, b * c->T, n };
			for (size_t i = 0; i < c->T; i++)
				attend(c, &h, i);
		}
}

static void attend_gradient(const struct call *c, const struct head *h, size_t i)
{
	const double *qkv = c->in[1];
	double scale = 1 / sqrt((double)h->size);
	size_t first = c->ids[4] ? c->ids[4][h->base + i] : 0, at = h->h * h->size;
	const double *dy = c->in[0] + (h->base + i) * h->width + at;
	const double *y = c->in[2] + (h->base + i) * h->width + at;
	double logsum = c->in[3][(h->base / c->T * c->op->heads + h->h) * c->T + i];
	double mean = product(dy, y, h->size);
	double *dq = c->out[0] + (query(qkv, h, i, 0) - qkv);
	for (size_t j = first; j <= i; j++) {
		const double *q = query(qkv, h, i, 0), *k = query(qkv, h, j, 1), *v = query(qkv, h, j, 2);
		double *dk = c->out[0] + (k - qkv), *dv = c->out[0] + (v - qkv);
		double p = exp(product(q, k, h->size) * scale - logsum);
		double factor = dropout_factor(c, probability_index(c, h, i, j));
		double ds = p * (factor * product(dy, v, h->size) - mean) * scale;
		for (size_t x = 0; x < h->size; x++) {
			dv[x] += p * factor * dy[x];
			dq[x] += ds * k[x];
			dk[x] += ds * q[x];
		}
	}
}

void attention_gradient(const struct call *c)
{
	size_t d = c->shape_in[1][2] / 3;
	for (size_t i = 0; i < c->rows * 3 * d; i++)
		c->out[0][i] = 0;
	for (size_t b = 0; b < c->sequences; b++)
		for (size_t n = 0; n < c->op->heads; n++) {
			struct head h = { d, d / c->op->heads, b * c->T, n };
			for (size_t i = 0; i < c->T; i++)
				attend_gradient(c, &h, i);
		}
}

/* The logits of row r into scratch; returns ln sum exp. */
static double logits(const struct call *c, size_t r)
{
	size_t V = c->shape_in[1][0], d = c->shape_in[1][1];
	double largest = -INFINITY, sum = 0, *z = c->scratch;
	for (size_t v = 0; v < V; v++) {
		z[v] = product(c->in[0] + r * d, c->in[1] + v * d, d);
		largest = fmax(largest, z[v]);
	}
	for (size_t v = 0; v < V; v++)
		sum += exp(z[v] - largest);
	return largest + log(sum);
}

void head_score(const struct call *c)
{
	for (size_t r = 0; r < c->rows; r++) {
		uint32_t target = c->ids[2][r];
		double logsum = target == CBTM_IGNORE ? 0 : logits(c, r);
		c->out[0][r] = target == CBTM_IGNORE ? 0 : c->scratch[target] - logsum;
	}
}

void head_loss(const struct call *c)
{
	size_t V = c->shape_in[1][0], d = c->shape_in[1][1];
	const double *x = c->in[0], *weight = c->in[1];
	double *loss = c->out[0], *dx = c->out[1], *dweight = c->out[2];
	loss[0] = loss[1] = 0;
	for (size_t r = 0; r < c->rows; r++) {
		uint32_t target = c->ids[2][r];
		for (size_t i = 0; i < d; i++)
			dx[r * d + i] = 0;
		if (target == CBTM_IGNORE)
			continue;
		double logsum = logits(c, r), *z = c->scratch;
		loss[0] += logsum - z[target];
		loss[1] += 1;
		for (size_t v = 0; v < V; v++) {
			double dz = c->scalars->loss_scale * (exp(z[v] - logsum) - (v == target));
			for (size_t i = 0; i < d; i++) {
				dx[r * d + i] += dz * weight[v * d + i];
				dweight[v * d + i] += dz * x[r * d + i];
			}
		}
	}
}
