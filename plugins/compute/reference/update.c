/* SPDX-License-Identifier: MIT */
/* Gradient norm, clipping (Pascanu et al. 2013), AdamW (Loshchilov and Hutter 2019). */
#include "reference.h"
#include <math.h>

static size_t elements(const uint64_t shape[4])
{
	return shape[0] * shape[1] * shape[2] * shape[3];
}

void square_sum(const struct call *c)
{
	double sum = 0;
	for (size_t i = 0; i < elements(c->shape_in[0]); i++)
		sum += c->in[0][i] * c->in[0][i];
	c->out[0][c->op->number] = sum;
}

void clip(const struct call *c)
{
	double sum = 0, limit = c->scalars->clip;
	for (size_t i = 0; i < elements(c->shape_in[0]); i++)
		sum += c->in[0][i];
	double norm = sqrt(sum);
	c->out[0][0] = norm;
	c->out[1][0] = limit > 0 ? fmin(1, limit / (norm + 1e-6)) : 1;
	if (!isfinite(norm))
		c->out[1][0] = 0;
}

void adamw(const struct call *c)
{
	const struct cbtm_scalars *s = c->scalars;
	double *parameter = c->out[0], *gradient = c->out[1], *m = c->out[2], *v = c->out[3];
	double scale = c->in[0][0], decay = c->op->flags & CBTM_DECAY ? s->weight_decay : 0;
	double correct_m = 1 - pow(s->beta1, (double)s->step);
	double correct_v = 1 - pow(s->beta2, (double)s->step);
	for (size_t i = 0; i < elements(c->shape_out[0]); i++) {
		double g = scale * gradient[i];
		gradient[i] = 0;
		if (scale == 0)
			continue;
		m[i] = s->beta1 * m[i] + (1 - s->beta1) * g;
		v[i] = s->beta2 * v[i] + (1 - s->beta2) * g * g;
		double step = m[i] / correct_m / (sqrt(v[i] / correct_v) + s->epsilon);
		parameter[i] -= s->lr * (decay * parameter[i] + step);
	}
}
