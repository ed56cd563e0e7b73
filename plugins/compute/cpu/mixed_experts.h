/* SPDX-License-Identifier: MIT */
/* kernel: rows to experts and back, in the forms that products of bf16 operands need. */
#pragma once

static void mixed_dispatch(const struct rows *x)
{
	const struct tensor *from = tensor_of(x->w->p, x->op->in[0]);
	const float *weight = at(x, x->op->in[3], 0);
	struct place to = place_in(x, x->op->out[0]);
	float panel[BLOCK * PANEL] __attribute__((aligned(64)));
	size_t choices = tensor_of(x->w->p, x->op->in[1])->columns, m = x->r1 - x->r0;
	for (size_t j = 0; j < to.columns; j += PANEL) {
		struct lanes lanes = lanes_from(to.columns, j);
		for (size_t r = 0; r < m; r++)
			for (size_t i = 0; i < 2; i++) {
				size_t choice = x->choice[x->r0 + r], column = j + i * WIDTH;
				vec v;
				if (weight)
					v = load_lanes(from->v + choice / choices * from->columns + column,
					               lanes.half[i]) *
					    vec_set(weight[choice]);
				else
					v = vec_of_bf16(_mm256_loadu_si256(
						(const void *)(from->rows + choice / choices * from->stride + column)));
				vec_store(panel + r * PANEL + i * WIDTH, v);
			}
		put_panel(&to, j, m, panel);
	}
}

/* Adds w times a row's numbers from column j on. */
static void add_row(const struct tensor *y, size_t row, size_t j, float w, float *to)
{
	struct lanes lanes = lanes_from(y->columns, j);
	const float *from = y->v + row * y->columns + j;
	for (size_t i = 0; i < 2; i++)
		vec_store(to + i * WIDTH, vec_load(to + i * WIDTH) +
		                              vec_set(w) * load_lanes(from + i * WIDTH, lanes.half[i]));
}

static void mixed_combine(const struct rows *x)
{
	const struct tensor *slots = tensor_of(x->w->p, x->op->in[1]);
	const struct tensor *y = tensor_of(x->w->p, x->op->in[0]);
	struct place to = place_in(x, x->op->out[0]);
	struct finish f = { .dropped = drops(x->w, x->op), .residual = place_in(x, x->op->in[3]) };
	float sums[BLOCK * PANEL] __attribute__((aligned(64)));
	size_t m = x->r1 - x->r0;
	for (size_t j = 0; j < to.columns; j += PANEL) {
		memset(sums, 0, m * PANEL * sizeof *sums);
		for (size_t r = 0; r < m; r++) {
			const uint32_t *slot = slots->ids + (x->r0 + r) * slots->columns;
			const float *weight = at(x, x->op->in[2], x->r0 + r);
			for (size_t k = 0; k < slots->columns; k++)
				if (slot[k] != CBTM_NONE)
					add_row(y, slot[k], j, weight ? weight[k] : 1, sums + r * PANEL);
		}
		finish_panel(x, &f, &to, j, sums);
	}
}

static void mixed_route_gradient(const struct rows *x)
{
	struct place to = place_in(x, x->op->out[0]);
	struct route_slope slope[BLOCK];
	float panel[BLOCK * PANEL] __attribute__((aligned(64)));
	size_t m = x->r1 - x->r0;
	for (size_t r = 0; r < m; r++)
		slope[r] = route_slope(x, x->r0 + r);
	for (size_t j = 0; j < to.columns; j += PANEL) {
		for (size_t r = 0; r < m; r++)
			route_slopes(x, &slope[r], x->r0 + r, j, least(PANEL, to.columns - j),
			             panel + r * PANEL);
		put_panel(&to, j, m, panel);
	}
}
