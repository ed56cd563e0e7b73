/* SPDX-License-Identifier: MIT */
/* Embedding, layer norm, linear maps, dropout. A row is a token. */
#include "reference.h"
#include <math.h>
#include <string.h>

/* Philox 4x32-10 (Salmon et al. 2011). */
static uint32_t philox_word(const uint32_t key[2], uint64_t block, uint32_t number, unsigned word)
{
	uint32_t c[4] = { (uint32_t)block, (uint32_t)(block >> 32), number, 0 };
	uint32_t k0 = key[0], k1 = key[1];
	for (int round = 0; round < 10; round++) {
		uint64_t a = (uint64_t)0xD2511F53u * c[0], b = (uint64_t)0xCD9E8D57u * c[2];
		uint32_t next[4] = { (uint32_t)(b >> 32) ^ c[1] ^ k0, (uint32_t)b,
			                 (uint32_t)(a >> 32) ^ c[3] ^ k1, (uint32_t)a };
		memcpy(c, next, sizeof c);
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	return c[word];
}

double dropout_factor(const struct call *c, uint64_t i)
{
	double rate = cbtm_dropout_rate(c->scalars, c->op);
	if (rate <= 0)
		return 1;
	uint32_t w = philox_word(c->scalars->dropout_key, i / 4, c->op->number, (unsigned)(i % 4));
	return w < rate * 4294967296.0 ? 0 : 1 / (1 - rate);
}

void embed(const struct call *c)
{
	size_t d = c->shape_in[1][1];
	for (size_t r = 0; r < c->rows; r++)
		for (size_t i = 0; i < d; i++)
			c->out[0][r * d + i] = c->in[1][c->ids[0][r] * d + i] + c->in[2][r % c->T * d + i];
}

void embed_gradient(const struct call *c)
{
	size_t d = c->shape_out[0][1];
	bool pads = c->op->flags & CBTM_PADDING;
	for (size_t r = 0; r < c->rows; r++)
		for (size_t i = 0; i < d; i++) {
			if (!pads || c->ids[0][r] != c->op->number)
				c->out[0][c->ids[0][r] * d + i] += c->in[1][r * d + i];
			c->out[1][r % c->T * d + i] += c->in[1][r * d + i];
		}
}

void norm(const struct call *c)
{
	size_t d = c->shape_in[1][0];
	for (size_t r = 0; r < c->rows; r++) {
		const double *x = c->in[0] + r * d;
		double mean = 0, variance = 0;
		for (size_t i = 0; i < d; i++)
			mean += x[i] / (double)d;
		for (size_t i = 0; i < d; i++)
			variance += (x[i] - mean) * (x[i] - mean) / (double)d;
		double rstd = 1 / sqrt(variance + c->op->epsilon);
		for (size_t i = 0; i < d; i++)
			c->out[0][r * d + i] = (x[i] - mean) * rstd * c->in[1][i] + c->in[2][i];
		c->out[1][2 * r] = mean;
		c->out[1][2 * r + 1] = rstd;
	}
}

void norm_gradient(const struct call *c)
{
	size_t d = c->shape_in[2][0];
	for (size_t r = 0; r < c->rows; r++) {
		const double *dy = c->in[0] + r * d, *x = c->in[1] + r * d, *gain = c->in[2];
		double mean = c->in[3][2 * r], rstd = c->in[3][2 * r + 1], mean_a = 0, mean_az = 0;
		for (size_t i = 0; i < d; i++) {
			double z = (x[i] - mean) * rstd;
			mean_a += dy[i] * gain[i] / (double)d;
			mean_az += dy[i] * gain[i] * z / (double)d;
			c->out[1][i] += dy[i] * z;
			c->out[2][i] += dy[i];
		}
		for (size_t i = 0; i < d; i++) {
			double z = (x[i] - mean) * rstd;
			double residual = c->in[4] ? c->in[4][r * d + i] : 0;
			c->out[0][r * d + i] = residual + rstd * (dy[i] * gain[i] - mean_a - z * mean_az);
		}
	}
}

/* sqrt(2 / pi) and the cubic term of GELU's tanh form. */
#define GELU_SCALE 0.79788456080286535588
#define GELU_CUBIC 0.044715

static double gelu_gate(double z)
{
	return 1 / (1 + exp(-2 * GELU_SCALE * (z + GELU_CUBIC * z * z * z)));
}

static double gelu_slope(double z)
{
	double s = gelu_gate(z);
	return s + z * s * (1 - s) * 2 * GELU_SCALE * (1 + 3 * GELU_CUBIC * z * z);
}

void linear_rows(const struct call *c, const struct matrix *m, const double *residual, size_t first,
                 size_t rows)
{
	size_t n = m->n, k = m->k;
	for (size_t r = first; r < first + rows; r++)
		for (size_t j = 0; j < n; j++) {
			double y = m->bias ? m->bias[j] : 0;
			for (size_t i = 0; i < k; i++)
				y += c->in[0][r * k + i] * m->weight[j * k + i];
			if (c->out[1])
				c->out[1][r * n + j] = y;
			if (c->op->flags & CBTM_RELU && y < 0)
				y = 0;
			if (c->op->flags & CBTM_GELU)
				y *= gelu_gate(y);
			if (c->op->kind == CBTM_OP_LINEAR)
				y *= dropout_factor(c, r * n + j);
			c->out[0][r * n + j] = y + (residual ? residual[r * n + j] : 0);
		}
}

void linear_input_rows(const struct call *c, const struct matrix *m, size_t first, size_t rows)
{
	size_t n = m->n, k = m->k;
	for (size_t r = first; r < first + rows; r++)
		for (size_t i = 0; i < k; i++) {
			double dx = 0;
			for (size_t j = 0; j < n; j++)
				dx += c->in[0][r * n + j] * m->weight[j * k + i];
			if (c->in[2] && c->op->flags & CBTM_GELU)
				dx *= gelu_slope(c->in[2][r * k + i]);
			else if (c->in[2] && !(c->in[2][r * k + i] > 0))
				dx = 0;
			c->out[0][r * k + i] = dx;
		}
}

void linear_weight_rows(const struct call *c, const struct matrix *m, size_t first, size_t rows)
{
	size_t n = m->n, k = m->k;
	for (size_t r = first; r < first + rows; r++)
		for (size_t j = 0; j < n; j++) {
			double dy = c->in[0][r * n + j];
			for (size_t i = 0; i < k; i++)
				m->weight[j * k + i] += dy * c->in[1][r * k + i];
			if (m->bias)
				m->bias[j] += dy;
		}
}

void linear(const struct call *c)
{
	const uint64_t *shape = c->shape_in[1];
	struct matrix m = { shape[0], shape[1], (double *)c->in[1], (double *)c->in[2] };
	linear_rows(c, &m, c->in[3], 0, c->rows);
}

void linear_input(const struct call *c)
{
	const uint64_t *shape = c->shape_in[1];
	struct matrix m = { shape[0], shape[1], (double *)c->in[1], NULL };
	linear_input_rows(c, &m, 0, c->rows);
}

void linear_weight(const struct call *c)
{
	const uint64_t *shape = c->shape_out[0];
	struct matrix m = { shape[0], shape[1], c->out[0], c->out[1] };
	linear_weight_rows(c, &m, 0, c->rows);
}

void dropout(const struct call *c)
{
	const uint64_t *shape = c->shape_in[0];
	uint64_t per_row = shape[0] * shape[1] * shape[2] * shape[3];
	per_row = per_row / (shape[0] * shape[1]); /* B x T x d */
	for (uint64_t i = 0; i < c->rows * per_row; i++)
		c->out[0][i] = c->in[0][i] * dropout_factor(c, i);
}
