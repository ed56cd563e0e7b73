/* SPDX-License-Identifier: MIT */
/*
 * kernel: the matrix product. c[m x n] = a[m x k] b[k x n], with b in panels of PANEL columns.
 * A register tile is TILE rows by one panel (two vectors); each element is one chain of
 * multiply-adds, k ascending, whatever the tile's number of rows.
 */
#pragma once

/* What happens to a sum before it is stored; NULL or 0 for what does not. */
struct epilogue {
	const float *bias;     /* added to each row */
	const float *residual; /* m x n with c's strides: added at the very end */
	const float *mask;     /* m x n with c's strides: result times (mask > 0) */
	bool relu, accumulate; /* accumulate: the sum goes on from c */
};

struct product {
	size_t m, n, k;
	/* a: element (i, j) at a[i row + j column + (j / segment) jump], `segment` a divisor of
	 * K_BLOCK, or 0: no segments. */
	const float *a;
	size_t row, column, segment, jump;
	const float *b; /* element (i, j) at b[j / PANEL panel + i step + j % PANEL] */
	size_t panel, step;
	float *c; /* element (i, j) at c[j / PANEL c_panel + i c_row + j % PANEL] */
	size_t c_row, c_panel;
	struct epilogue epilogue;
};

static inline __attribute__((always_inline)) void tile_sums(const int rows, size_t k,
                                                            const float *a, size_t row,
                                                            size_t column, const float *b,
                                                            size_t step, vec acc[TILE][2])
{
	for (size_t i = 0; i < k; i++) {
		vec b0 = vec_load(b), b1 = vec_load(b + WIDTH);
		__builtin_prefetch(b + 8 * step);
		__builtin_prefetch(b + 8 * step + WIDTH);
		__builtin_prefetch(a + 8 * column);
#pragma GCC unroll 16
		for (int r = 0; r < rows; r++) {
			vec x = vec_set(a[(size_t)r * row]);
			acc[r][0] = vec_fma(x, b0, acc[r][0]);
			acc[r][1] = vec_fma(x, b1, acc[r][1]);
		}
		a += column;
		b += step;
	}
}

/* Up to WIDTH floats of the last panel, zeros behind: what lies behind may be another task's. */
static inline vec load_first(const float *p, size_t n)
{
	float edge[WIDTH] = { 0 };
	if (n >= WIDTH)
		return vec_load(p);
	memcpy(edge, p, n * sizeof *edge);
	return vec_load(edge);
}

/* The last steps on one vector of a row, `n` lanes of it wanted. `at`: its offset in c. */
static inline __attribute__((always_inline)) vec epilogue_apply(const struct epilogue *e, vec v,
                                                                size_t at, size_t j, size_t n)
{
	if (e->bias)
		v += load_first(e->bias + j, n);
	if (e->relu)
		v = vec_max(v, vec_set(0));
	if (e->mask)
		v = (vec)((ivec)v & (ivec)(load_first(e->mask + at, n) > vec_set(0)));
	if (e->residual)
		v += load_first(e->residual + at, n);
	return v;
}

static inline __attribute__((always_inline)) void
tile_store(const int rows, const struct product *p, const struct epilogue *e, size_t i, size_t j,
           const size_t columns, vec acc[TILE][2])
{
	const size_t rest = columns > WIDTH ? columns - WIDTH : 0;
	if (columns == PANEL && !e->bias && !e->relu && !e->mask && !e->residual) {
		float *c = p->c + j / PANEL * p->c_panel + i * p->c_row;
#pragma GCC unroll 16
		for (int r = 0; r < rows; r++, c += p->c_row) {
			vec_store(c, acc[r][0]);
			vec_store(c + WIDTH, acc[r][1]);
		}
		return;
	}
#pragma GCC unroll 16
	for (int r = 0; r < rows; r++) {
		size_t at = j / PANEL * p->c_panel + (i + (size_t)r) * p->c_row;
		vec v0 = epilogue_apply(e, acc[r][0], at, j, columns);
		vec v1 = epilogue_apply(e, acc[r][1], at + WIDTH, j + WIDTH, rest);
		if (columns == PANEL) {
			vec_store(p->c + at, v0);
			vec_store(p->c + at + WIDTH, v1);
		} else {
			float edge[PANEL];
			vec_store(edge, v0);
			vec_store(edge + WIDTH, v1);
			memcpy(p->c + at, edge, columns * sizeof *edge);
		}
	}
}

/* One tile: terms [k0, k1) of rows i .. i + rows - 1 and `columns` of the panel of column j. */
static inline __attribute__((always_inline)) void tile_of(const int rows, const size_t columns,
                                                          const struct product *p,
                                                          const struct epilogue *e, size_t i,
                                                          size_t j, size_t k0, size_t k1)
{
	const size_t rest = columns > WIDTH ? columns - WIDTH : 0;
	vec acc[TILE][2];
#pragma GCC unroll 16
	for (int r = 0; r < rows; r++) {
		const float *c = p->c + j / PANEL * p->c_panel + (i + (size_t)r) * p->c_row;
		acc[r][0] = e->accumulate ? load_first(c, columns) : vec_set(0);
		acc[r][1] = e->accumulate ? load_first(c + WIDTH, rest) : vec_set(0);
	}
	const float *b = p->b + j / PANEL * p->panel + k0 * p->step;
	const float *a = p->a + i * p->row + k0 * p->column;
	if (!p->segment) {
		tile_sums(rows, k1 - k0, a, p->row, p->column, b, p->step, acc);
	} else {
		for (size_t k = k0; k < k1; k += p->segment)
			tile_sums(rows, least(p->segment, k1 - k),
			          p->a + i * p->row + k * p->column + k / p->segment * p->jump, p->row,
			          p->column, b + (k - k0) * p->step, p->step, acc);
	}
	tile_store(rows, p, e, i, j, columns, acc);
}

static inline __attribute__((always_inline)) void tile(const int rows, const struct product *p,
                                                       const struct epilogue *e, size_t i, size_t j,
                                                       size_t k0, size_t k1)
{
	if (p->n - j >= PANEL)
		tile_of(rows, PANEL, p, e, i, j, k0, k1);
	else
		tile_of(rows, p->n - j, p, e, i, j, k0, k1);
}

static void tile_edge(size_t rows, const struct product *p, const struct epilogue *e, size_t i,
                      size_t j, size_t k0, size_t k1)
{
	for (; rows >= 4 && TILE > 4; rows -= 4, i += 4)
		tile(4 <= TILE ? 4 : TILE, p, e, i, j, k0, k1);
	for (; rows; rows--, i++)
		tile(1, p, e, i, j, k0, k1);
}

static void product(const struct product *p)
{
	for (size_t k0 = 0; k0 < p->k || !k0; k0 += K_BLOCK) {
		size_t k1 = least(p->k, k0 + K_BLOCK);
		struct epilogue e = { .accumulate = true };
		if (k1 == p->k)
			e = p->epilogue;
		e.accumulate = k0 || p->epilogue.accumulate;
		for (size_t j = 0; j < p->n; j += PANEL) {
			size_t i = 0;
			for (; i + TILE <= p->m; i += TILE)
				tile(TILE, p, &e, i, j, k0, k1);
			if (i < p->m)
				tile_edge(p->m - i, p, &e, i, j, k0, k1);
		}
		if (!p->k)
			break;
	}
}

/* Packs rows [PACK_ROWS i, PACK_ROWS (i + 1)) of a matrix both ways (struct tensor). */
static void pack(struct tensor *t, size_t i, float *scratch, struct ahead *ahead)
{
	(void)scratch, (void)ahead;
	size_t n = matrix_rows(t), k = t->columns, g = i / blocks(n, PACK_ROWS);
	size_t r0 = i % blocks(n, PACK_ROWS) * PACK_ROWS, r1 = least(r0 + PACK_ROWS, n);
	const float *v = t->v + g * n * k;
	for (size_t j = r0; t->by_row && j < round_up(r1, PANEL); j++) {
		float *to = t->by_row + g * t->by_row_size + j / PANEL * PANEL * k + j % PANEL;
		for (size_t c = 0; c < k; c++)
			to[c * PANEL] = j < n ? v[j * k + c] : 0;
	}
	for (size_t j = 0; t->by_column && j < round_up(k, PANEL); j += PANEL)
		for (size_t r = r0; r < r1; r++) {
			float *to = t->by_column + g * t->by_column_size + j * n + r * PANEL;
			size_t columns = least(PANEL, k - j);
			memcpy(to, v + r * k + j, columns * sizeof *to);
			memset(to + columns, 0, (PANEL - columns) * sizeof *to);
		}
}
