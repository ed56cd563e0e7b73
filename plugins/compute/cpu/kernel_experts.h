/* SPDX-License-Identifier: MIT */
/* kernel: rows to experts and back in fp32 (kernel_route.h). */
#pragma once

static void rows_dispatch(const struct rows *x)
{
	size_t d = tensor_of(x->w->p, x->op->out[0])->columns;
	size_t choices = tensor_of(x->w->p, x->op->in[1])->columns;
	const float *weight = at(x, x->op->in[3], 0);
	for (size_t r = x->r0; r < x->r1; r++) {
		const float *from = at(x, x->op->in[0], x->choice[r] / choices);
		float *to = at(x, x->op->out[0], r), w = weight ? weight[x->choice[r]] : 1;
		for (size_t i = 0; i < d; i++)
			to[i] = w * from[i];
	}
}

static void rows_combine(const struct rows *x)
{
	const struct tensor *slots = tensor_of(x->w->p, x->op->in[1]);
	size_t d = tensor_of(x->w->p, x->op->in[0])->columns, choices = slots->columns;
	for (size_t r = x->r0; r < x->r1; r++) {
		const uint32_t *slot = slots->ids + r * choices;
		const float *weight = at(x, x->op->in[2], r), *residual = at(x, x->op->in[3], r);
		float *to = at(x, x->op->out[0], r);
		memset(to, 0, d * sizeof *to);
		for (size_t j = 0; j < choices; j++) {
			const float *y = slot[j] != CBTM_NONE ? at(x, x->op->in[0], slot[j]) : NULL;
			float w = weight ? weight[j] : 1;
			for (size_t i = 0; y && i < d; i++)
				to[i] += w * y[i];
		}
		if (drops(x->w, x->op))
			drop(x->w->scalars, x->op, r * d, to, to, d);
		for (size_t i = 0; residual && i < d; i++)
			to[i] += residual[i];
	}
}

static void rows_route_gradient(const struct rows *x)
{
	size_t experts = tensor_of(x->w->p, x->op->out[0])->columns;
	for (size_t r = x->r0; r < x->r1; r++) {
		struct route_slope s = route_slope(x, r);
		route_slopes(x, &s, r, 0, experts, at(x, x->op->out[0], r));
	}
}
