/* SPDX-License-Identifier: MIT */
/*
 * kernel: gradients of weights from copies in pairs of tokens. A task owns some rows of dweight; for
 * each panel of its columns it sums over all tokens in a buffer that stays in the first cache.
 */
#pragma once

enum { TOKEN_PAIRS = 128 }; /* of a panel that stays in the first cache */

/* dbias[j0 .. j0 + 32) += sums of dy's columns: the products with a row of ones. */
static void mixed_bias(const uint16_t *dy, size_t pairs, size_t n, float *bias)
{
	const __m512bh ones = (__m512bh)_mm512_set1_epi16(0x3F80);
	__m512 sum0 = _mm512_setzero_ps(), sum1 = sum0;
	for (size_t p = 0; p < pairs; p++, dy += 2 * PANEL) {
		sum0 = _mm512_dpbf16_ps(sum0, (__m512bh)_mm512_loadu_si512(dy), ones);
		sum1 = _mm512_dpbf16_ps(sum1, (__m512bh)_mm512_loadu_si512(dy + PANEL), ones);
	}
	struct lanes lanes = lanes_from(n, 0);
	store_lanes(bias, lanes.half[0], load_lanes(bias, lanes.half[0]) + (vec)sum0);
	store_lanes(bias + WIDTH, lanes.half[1], load_lanes(bias + WIDTH, lanes.half[1]) + (vec)sum1);
}

/* What is done with sums: added; stored, as what they are added to is zero; that past the caches. */
enum store { STORE_ADDED, STORE_OVER, STORE_PAST };

/* lanes += the squares of two vectors, in double precision. */
static inline void add_squares(double *lanes, const vec v[2])
{
	__m512d sum = _mm512_load_pd(lanes);
	for (int i = 0; i < 2; i++) { /* a square of two floats is exact */
		__m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256((__m512)v[i]));
		__m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)v[i], 1));
		sum = _mm512_fmadd_pd(high, high, _mm512_fmadd_pd(low, low, sum));
	}
	_mm512_store_pd(lanes, sum);
}

/* Sums of rows x least(32, columns) into `to`, rows `stride` apart. squares: of what `to` then
 * holds, in lanes; NULL: not wanted. */
static inline __attribute__((always_inline)) void
store_panel_by(float *to, size_t stride, size_t rows, struct lanes lanes, const float *sums,
               bool added, bool past, double (*squares)[SQUARE_LANES])
{
	for (size_t r = 0; r < rows; r++, to += stride, sums += PANEL) {
		vec sum[2];
		for (size_t i = 0; i < 2; i++) {
			float *at = to + i * WIDTH;
			vec other = added ? load_lanes(at, lanes.half[i]) : vec_set(0); /* 0 + -0 is 0 */
			sum[i] = (vec)_mm512_maskz_add_ps(lanes.half[i], (__m512)vec_load(sums + i * WIDTH),
			                                  (__m512)other);
			if (past)
				_mm512_stream_ps(at, (__m512)sum[i]);
			else
				store_lanes(at, lanes.half[i], sum[i]);
		}
		if (squares)
			add_squares(squares[r], sum);
	}
}

static void store_panel(float *to, size_t stride, size_t rows, size_t columns, const float *sums,
                        enum store store, double (*squares)[SQUARE_LANES])
{
	struct lanes lanes = lanes_from(columns, 0);
	bool lines = columns >= PANEL && (uintptr_t)to % 64 == 0 && stride % WIDTH == 0;
	if (store == STORE_ADDED)
		store_panel_by(to, stride, rows, lanes, sums, true, false, squares);
	else if (store == STORE_PAST && lines)
		store_panel_by(to, stride, rows, lanes, sums, false, true, squares);
	else
		store_panel_by(to, stride, rows, lanes, sums, false, false, squares);
}

/* How a gradient's numbers are stored. */
static enum store store_of(const struct tensor *gradient, bool first)
{
	if (!gradient->blank || !first)
		return STORE_ADDED;
	return gradient->past_caches ? STORE_PAST : STORE_OVER;
}

/* sums[8 x 32] = (or, with `add`, +=) eight rows of a copy in pairs, taken crosswise, times a panel of
 * another. `ahead` is fetched, so many bytes a pair. */
static inline void weight_tile(size_t pairs, const uint16_t *a, const uint16_t *b, float *sums,
                               bool add, const char *ahead, size_t bytes)
{
	__m512 acc[MIXED_TILE][2];
#pragma GCC unroll 8
	for (int r = 0; r < MIXED_TILE; r++) {
		acc[r][0] = add ? _mm512_load_ps(sums + r * PANEL) : _mm512_setzero_ps();
		acc[r][1] = add ? _mm512_load_ps(sums + r * PANEL + 16) : _mm512_setzero_ps();
	}
	for (size_t p = 0; p < pairs; p++, a += 2 * PANEL, b += 2 * PANEL, ahead += bytes) {
		_mm_prefetch(ahead, _MM_HINT_T0);
		__m512bh b0 = (__m512bh)_mm512_loadu_si512(b), b1 = (__m512bh)_mm512_loadu_si512(b + PANEL);
#pragma GCC unroll 8
		for (int r = 0; r < MIXED_TILE; r++) {
			__m512bh x = pair_of(a + 2 * r);
			acc[r][0] = _mm512_dpbf16_ps(acc[r][0], x, b0);
			acc[r][1] = _mm512_dpbf16_ps(acc[r][1], x, b1);
		}
	}
#pragma GCC unroll 8
	for (int r = 0; r < MIXED_TILE; r++) {
		_mm512_store_ps(sums + r * PANEL, acc[r][0]);
		_mm512_store_ps(sums + r * PANEL + 16, acc[r][1]);
	}
}

/* c[rows x k] += (or, by `store`, =) left' right over pairs of tokens, both copies in pairs; rows at
 * most WEIGHT_ROWS, left from its panel's first row. squares, unless NULL, gets those of c's rows. A
 * tile is stored as soon as it is summed: memory takes a few lines at a time while the next is made. */
static void add_weights(size_t rows, size_t k, size_t pairs, const uint16_t *left,
                        size_t left_panel, const uint16_t *right, size_t right_panel, float *c,
                        enum store store, double *squares)
{
	float sums[WEIGHT_ROWS * PANEL] __attribute__((aligned(64)));
	double lanes[WEIGHT_ROWS][SQUARE_LANES] __attribute__((aligned(64)));
	size_t bytes = 4 * PANEL / blocks(rows, MIXED_TILE);
	memset(lanes, 0, rows * sizeof *lanes);
	for (size_t j = 0; j < k; j += PANEL, right += right_panel)
		for (size_t p = 0; p == 0 || p < pairs; p += TOKEN_PAIRS) {
			size_t n = least(TOKEN_PAIRS, pairs - p);
			const uint16_t *b = right + p * 2 * PANEL;
			const char *next =
				(const char *)(p + n < pairs ? b + n * 2 * PANEL : right + right_panel);
			for (size_t i = 0; i < rows; i += MIXED_TILE, next += n * bytes) {
				const uint16_t *a = left + i / PANEL * left_panel + p * 2 * PANEL + i % PANEL * 2;
				size_t m = least(MIXED_TILE, rows - i);
				if (m == MIXED_TILE)
					weight_tile(n, a, b, sums + i * PANEL, p > 0, next, bytes);
				else
					mixed_rows(m, n, a, 2, 2 * PANEL, b, sums + i * PANEL, PANEL, p > 0);
				if (p + n == pairs)
					store_panel(c + i * k + j, k, m, k - j, sums + i * PANEL, store,
					            squares ? lanes + i : NULL);
			}
		}
	for (size_t r = 0; squares && r < rows; r++)
		squares[r] = square_sum(lanes[r]);
	_mm_sfence();
}

static int task_mixed_weights(void *arg, size_t i, unsigned thread, struct cbtm_error *e)
{
	(void)thread, (void)e;
	const struct work *w = arg;
	struct weight_task t = weight_task(w, i);
	const struct tensor *dy = tensor_of(w->p, t.op->in[0]), *x = tensor_of(w->p, t.op->in[1]);
	const struct tensor *dweight = tensor_of(w->p, t.op->out[0]);
	const struct tensor *dbias = tensor_of(w->p, t.op->out[1]);
	size_t k = dweight->columns, pairs = blocks(t.rows, 2), rows = t.j1 - t.j0;
	size_t first = t.group * t.n + t.j0;
	const uint16_t *left = dy->pairs + t.j0 / PANEL * dy->pair_panel + t.r0 * PANEL;
	add_weights(rows, k, pairs, left, dy->pair_panel, x->pairs + t.r0 * PANEL, x->pair_panel,
	            dweight->v + first * k, store_of(dweight, true),
	            dweight->squares ? dweight->squares + first : NULL);
	for (size_t j = 0; dbias && j < rows; j += PANEL)
		mixed_bias(left + j / PANEL * dy->pair_panel, pairs, rows - j,
		           dbias->v + t.group * t.n + t.j0 + j);
	return 0;
}

static int run_mixed_weights(struct work *w, struct cbtm_error *e)
{
	size_t tasks = 0;
	for (uint32_t o = 0; o < w->operations; o++)
		tasks += weight_tasks(w, o);
	return host->pool_run(host->pool(), tasks, task_mixed_weights, w, e);
}
