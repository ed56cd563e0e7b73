/* SPDX-License-Identifier: MIT */
#include "math/seeding.h"
#include "base/memory.h"
#include "base/random.h"
#include "math/dense.h"
#include "math/scan_kernel.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct seeding {
	const float *x;
	size_t n, d, rows; /* rows: of the sample */
	double *nearest;   /* rows: squared distance to the nearest centre so far */
	double *tried;     /* candidates x rows: the same if the candidate became a centre */
	size_t *candidate; /* rows of the sample */
	size_t candidates;
	struct scan_packing packing; /* the candidates */
	float reach;                 /* the largest |candidate| */
	struct dense_chunks chunks;
	double *sum; /* chunks x candidates */
};

static const float *sample_row(const struct seeding *s, size_t i)
{
	return s->x + (size_t)((__uint128_t)i * s->n / s->rows) * s->d;
}

/*
 * Distances to the candidates, where they are less than the nearest so far: products in float tell
 * most of the others by their error's bound (math/bounds.c), so the result is that of double.
 */
static int try_chunk(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	(void)thread;
	struct seeding *s = arg;
	size_t to = dense_chunk_start(&s->chunks, task + 1), width = s->packing.width;
	float *score = mem_aligned(SCAN_BLOCK, width * sizeof *score, "scores", e);
	float square[SCAN_BLOCK], terms = (float)(s->d + 8), error = terms * 0x1p-24f;
	const float *row[SCAN_BLOCK];
	double *sum = s->sum + task * s->candidates;
	memset(sum, 0, s->candidates * sizeof *sum);
	for (size_t first = dense_chunk_start(&s->chunks, task), n; score && first < to; first += n) {
		n = to - first < SCAN_BLOCK ? to - first : SCAN_BLOCK;
		for (size_t r = 0; r < n; r++)
			row[r] = sample_row(s, first + r);
		scan_scores(&s->packing, row, n, score, square);
		for (size_t r = 0; r < n; r++) {
			float size = sqrtf(square[r]) * 1.001f * s->reach + s->packing.largest;
			float least = square[r] * (1 - 4 * error) - 8 * error * size - terms * FLT_MIN;
			for (size_t c = 0; c < s->candidates; c++) {
				double nearest = s->nearest[first + r];
				if (!((double)(least - 2 * score[r * width + c]) > nearest)) {
					double distance = dense_distance(row[r], sample_row(s, s->candidate[c]), s->d);
					nearest = distance < nearest ? distance : nearest;
				}
				s->tried[c * s->rows + first + r] = nearest;
				sum[c] += nearest;
			}
		}
	}
	free(score);
	return e->name;
}

/* The candidates as a scan takes centres. */
static int pack_candidates(struct seeding *s, struct cbtm_error *e)
{
	double largest = 0, *half = mem_aligned(s->candidates, sizeof *half, "first centres", e);
	float *x = mem_aligned(s->candidates, s->d * sizeof *x, "first centres", e);
	for (size_t c = 0; !e->name && c < s->candidates; c++) {
		const float *row = sample_row(s, s->candidate[c]);
		memcpy(x + c * s->d, row, s->d * sizeof *x);
		half[c] = dense_dot(row, row, s->d) / 2;
		largest = half[c] > largest ? half[c] : largest;
	}
	s->reach = (float)sqrt(2 * largest) * (1 + 4 * FLT_EPSILON);
	if (!e->name)
		scan_packing_make(&s->packing, x, s->candidates, s->d, half, NULL, e);
	free(x), free(half);
	return e->name;
}

/* A row with probability proportional to its distance; any row if all distances are zero. */
static size_t draw(const struct seeding *s, double total, double u)
{
	double left = u * total;
	size_t last = (size_t)(u * (double)s->rows);
	for (size_t i = 0; total > 0 && i < s->rows; i++) {
		if (s->nearest[i] <= 0)
			continue;
		last = i;
		left -= s->nearest[i];
		if (left < 0)
			break;
	}
	return last;
}

/* Tries the candidates and takes the one that leaves the smallest sum. */
static int take_best(struct pool *pool, struct seeding *s, double *total, float *centre,
                     struct cbtm_error *e)
{
	if (!pack_candidates(s, e))
		pool_run(pool, s->chunks.count, try_chunk, s, e);
	scan_packing_free(&s->packing);
	if (e->name)
		return e->name;
	size_t best = 0;
	double least = INFINITY;
	for (size_t c = 0; c < s->candidates; c++) {
		double sum = 0;
		for (size_t i = 0; i < s->chunks.count; i++)
			sum += s->sum[i * s->candidates + c];
		if (sum < least) {
			least = sum;
			best = c;
		}
	}
	memcpy(s->nearest, s->tried + best * s->rows, s->rows * sizeof *s->nearest);
	memcpy(centre, sample_row(s, s->candidate[best]), s->d * sizeof *centre);
	*total = least;
	return 0;
}

/* Rows at random, none twice. */
static void draw_rows(struct seeding *s, struct random_key random, size_t k, float *centre)
{
	uint64_t draws = 0;
	memset(s->nearest, 0, s->rows * sizeof *s->nearest);
	for (size_t j = 0; j < k; j++) {
		size_t row;
		do
			row = random_below(random, draws++, 0, s->rows);
		while (s->nearest[row] > 0);
		s->nearest[row] = 1;
		memcpy(centre + j * s->d, sample_row(s, row), s->d * sizeof *centre);
	}
}

/* The rows to try as centre j; the first is any row. */
static void choose_candidates(struct seeding *s, enum cbtm_seeding how, struct random_key random,
                              size_t j, size_t draws, double total)
{
	s->candidates = j && how == CBTM_SEEDS_KMEANSPP ? draws : 1;
	for (size_t c = 0; c < s->candidates; c++)
		s->candidate[c] = draw(s, total, random_unit(random, j, (uint32_t)c));
	for (size_t i = 0; j && how == CBTM_SEEDS_FARTHEST && i < s->rows; i++)
		if (i == 0 || s->nearest[i] > s->nearest[s->candidate[0]])
			s->candidate[0] = i;
}

int seeding_make(struct pool *pool, enum cbtm_seeding how, const float *x, size_t n, size_t d,
                 size_t k, uint64_t seed, float *centre, struct cbtm_error *e)
{
	if (n < k || k == 0)
		return error_set(e, CBTM_ERR_TOO_MANY_CLUSTERS, NULL,
		                 "%zu clusters need as many vectors, there are %zu", k, n);
	size_t most = 64 * k > 8192 ? 64 * k : 8192;
	struct seeding s = { .x = x, .n = n, .d = d, .rows = n < most ? n : most };
	struct random_key random = random_key(seed, RANDOM_SEEDS);
	size_t draws = 2 + (size_t)log((double)k);
	s.chunks = dense_chunks(s.rows, 512, 64);
	s.nearest = mem_aligned(s.rows, sizeof *s.nearest, "first centres", e);
	s.tried = mem_aligned(s.rows, draws * sizeof *s.tried, "first centres", e);
	s.sum = mem_aligned(s.chunks.count, draws * sizeof *s.sum, "first centres", e);
	s.candidate = mem_aligned(draws, sizeof *s.candidate, "first centres", e);
	if (e->name)
		goto done;
	double total = 0;
	for (size_t i = 0; i < s.rows; i++)
		s.nearest[i] = INFINITY;
	if (how == CBTM_SEEDS_RANDOM)
		draw_rows(&s, random, k, centre);
	for (size_t j = 0; how != CBTM_SEEDS_RANDOM && j < k; j++) {
		choose_candidates(&s, how, random, j, draws, total);
		if (take_best(pool, &s, &total, centre + j * d, e))
			goto done;
	}
done:
	free(s.candidate), free(s.sum), free(s.tried), free(s.nearest);
	return e->name;
}
