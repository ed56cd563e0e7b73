/* SPDX-License-Identifier: MIT */
/* Mixtures of experts: routing (Lepikhin et al. 2020), grouped rows, the balance loss (Fedus et al. 2022). */
#include "reference.h"
#include <math.h>

/* The columns of `load`. */
enum { FIRST_ROW, ROWS, CHOICES, FIRST_CHOICES, GATES, LOAD };

/* The expert of a token's next choice: the largest gate that is not below a previous choice's. */
static size_t next_choice(const double *logits, size_t experts, const uint32_t *chosen, size_t n)
{
	size_t best = experts;
	for (size_t e = 0; e < experts; e++) {
		bool taken = false;
		for (size_t j = 0; j < n; j++)
			taken |= chosen[j] == e;
		if (!taken && (best == experts || logits[e] > logits[best]))
			best = e;
	}
	return best;
}

static void softmax(const double *z, size_t n, double *p)
{
	double largest = -INFINITY, sum = 0;
	for (size_t i = 0; i < n; i++)
		largest = fmax(largest, z[i]);
	for (size_t i = 0; i < n; i++)
		sum += p[i] = exp(z[i] - largest);
	for (size_t i = 0; i < n; i++)
		p[i] /= sum;
}

/* Gives the chosen experts' numbers, in `slot`, rows: first choices before second ones. */
static void take_rows(const struct call *c, size_t choices, size_t experts)
{
	double *load = c->out[3], limit = c->scalars->capacity_factor;
	uint32_t *slot = c->out_ids[2], taken[CBTM_EXPERTS] = { 0 };
	double capacity = limit > 0 ? ceil(limit * (double)c->rows / (double)experts) : INFINITY;
	for (size_t i = 0; i < c->rows * choices; i++)
		load[slot[i] * LOAD + CHOICES] += 1;
	for (size_t e = 0, next = 0; e < experts; e++) {
		double rows = fmin(load[e * LOAD + CHOICES], capacity);
		load[e * LOAD + FIRST_ROW] = (double)next;
		load[e * LOAD + ROWS] = rows;
		next += ((size_t)rows + CBTM_GROUP_ROWS - 1) / CBTM_GROUP_ROWS * CBTM_GROUP_ROWS;
	}
	for (size_t j = 0; j < choices; j++)
		for (size_t r = 0; r < c->rows; r++) {
			uint32_t e = slot[r * choices + j], n = taken[e]++;
			bool room = n < load[e * LOAD + ROWS];
			slot[r * choices + j] = room ? (uint32_t)load[e * LOAD + FIRST_ROW] + n : CBTM_NONE;
		}
}

void route(const struct call *c)
{
	size_t experts = c->shape_out[3][0], choices = c->shape_out[2][2];
	double *gates = c->out[0], *weights = c->out[1], *load = c->out[3];
	uint32_t *slot = c->out_ids[2];
	for (size_t i = 0; i < experts * LOAD; i++)
		load[i] = 0;
	for (size_t r = 0; r < c->rows; r++) {
		const double *logits = c->in[0] + r * experts;
		uint32_t *chosen = slot + r * choices;
		softmax(logits, experts, gates + r * experts);
		for (size_t j = 0; j < choices; j++) {
			chosen[j] = (uint32_t)next_choice(logits, experts, chosen, j);
			weights[r * choices + j] = gates[r * experts + chosen[j]];
		}
		load[chosen[0] * LOAD + FIRST_CHOICES] += 1;
		for (size_t e = 0; e < experts; e++)
			load[e * LOAD + GATES] += gates[r * experts + e];
	}
	take_rows(c, choices, experts);
	for (size_t r = 0; r < c->rows; r++) {
		double sum = 0, *w = weights + r * choices;
		for (size_t j = 0; j < choices; j++)
			sum += w[j] *= slot[r * choices + j] != CBTM_NONE;
		for (size_t j = 0; j < choices; j++)
			w[j] = sum > 0 ? w[j] / sum : 0;
	}
}

void dispatch(const struct call *c)
{
	size_t choices = c->shape_in[1][2], d = c->shape_out[0][1];
	for (size_t i = 0; i < c->rows * choices; i++) {
		uint32_t slot = c->ids[1][i];
		for (size_t x = 0; slot != CBTM_NONE && x < d; x++)
			c->out[0][slot * d + x] = c->in[0][i / choices * d + x] * (c->in[3] ? c->in[3][i] : 1);
	}
}

/* Calls `each` for every expert, with its matrix out of E, and its rows. */
static void each_expert(const struct call *c, const uint64_t *shape, double *weight, double *bias,
                        const double *load,
                        void (*each)(const struct call *c, const struct matrix *m, size_t first,
                                     size_t rows))
{
	for (size_t e = 0; e < shape[0]; e++, load += LOAD) {
		struct matrix m = { shape[1], shape[2], weight + e * shape[1] * shape[2], NULL };
		if (bias)
			m.bias = bias + e * shape[1];
		each(c, &m, (size_t)load[FIRST_ROW], (size_t)load[ROWS]);
	}
}

static void expert_linear(const struct call *c, const struct matrix *m, size_t first, size_t rows)
{
	linear_rows(c, m, NULL, first, rows);
}

void group_linear(const struct call *c)
{
	each_expert(c, c->shape_in[1], (double *)c->in[1], (double *)c->in[2], c->in[3], expert_linear);
}

void group_input(const struct call *c)
{
	each_expert(c, c->shape_in[1], (double *)c->in[1], NULL, c->in[3], linear_input_rows);
}

void group_weight(const struct call *c)
{
	each_expert(c, c->shape_out[0], c->out[0], c->out[1], c->in[2], linear_weight_rows);
}

void combine(const struct call *c)
{
	size_t choices = c->shape_in[1][2], d = c->shape_in[0][1];
	for (size_t r = 0; r < c->rows; r++)
		for (size_t x = 0; x < d; x++) {
			double sum = 0;
			for (size_t j = 0; j < choices; j++) {
				uint32_t slot = c->ids[1][r * choices + j];
				double weight = c->in[2] ? c->in[2][r * choices + j] : 1;
				sum += slot != CBTM_NONE ? weight * c->in[0][slot * d + x] : 0;
			}
			sum *= dropout_factor(c, r * d + x);
			c->out[0][r * d + x] = sum + (c->in[3] ? c->in[3][r * d + x] : 0);
		}
}

/* The expert whose grouped rows hold this one. */
static size_t expert_of(const double *load, uint32_t row)
{
	size_t e = 0;
	while (!(row >= load[e * LOAD] && row < load[e * LOAD] + load[e * LOAD + ROWS]))
		e++;
	return e;
}

/* Adds to dp the gradients of a token's gates that COMBINE's sum gives. */
static void choice_gradients(const struct call *c, size_t r, double *dp)
{
	size_t choices = c->shape_in[2][2], experts = c->shape_in[5][0], d = c->shape_in[1][1];
	const uint32_t *slot = c->ids[2] + r * choices;
	const double *gates = c->in[3] + r * experts, *weights = c->in[4] + r * choices;
	double g[CBTM_CHOICES] = { 0 }, mean = 0, sum = 0;
	for (size_t j = 0; j < choices; j++) {
		if (slot[j] == CBTM_NONE)
			continue;
		for (size_t x = 0; x < d; x++)
			g[j] += c->in[0][r * d + x] * c->in[1][slot[j] * d + x];
		mean += weights[j] * g[j];
		sum += gates[expert_of(c->in[5], slot[j])];
	}
	for (size_t j = 0; j < choices; j++)
		if (slot[j] != CBTM_NONE)
			dp[expert_of(c->in[5], slot[j])] += sum > 0 ? (g[j] - mean) / sum : 0;
}

void route_gradient(const struct call *c)
{
	size_t experts = c->shape_in[5][0];
	const double *load = c->in[5];
	double balance = c->scalars->balance * c->scalars->loss_scale * (double)experts;
	for (size_t r = 0; r < c->rows; r++) {
		const double *p = c->in[3] + r * experts;
		double dp[CBTM_EXPERTS], mean = 0;
		for (size_t e = 0; e < experts; e++)
			dp[e] = balance * load[e * LOAD + FIRST_CHOICES] / (double)c->rows;
		choice_gradients(c, r, dp);
		for (size_t e = 0; e < experts; e++)
			mean += p[e] * dp[e];
		for (size_t e = 0; e < experts; e++)
			c->out[0][r * experts + e] = p[e] * (dp[e] - mean);
	}
}
