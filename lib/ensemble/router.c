/* SPDX-License-Identifier: MIT */
#include "ensemble/router.h"
#include "base/memory.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool router_distances(const struct router *r, const float *vector, double *distance)
{
	bool known = false;
	for (size_t i = 0; i < r->d && !known; i++)
		known = vector[i] != 0;
	if (!known)
		return false;
	for (size_t j = 0; j < r->k; j++) {
		const float *c = r->centre + j * r->d;
		double sum = 0;
		for (size_t i = 0; i < r->d; i++) {
			double x = (double)vector[i] - c[i];
			sum += x * x;
		}
		distance[j] = sum;
	}
	return true;
}

/* The larger exponent wins; equal ones: the lower number. */
static bool stands_before(const double *exponent, size_t a, size_t b)
{
	return exponent[a] > exponent[b] || (exponent[a] == exponent[b] && a < b);
}

void router_log_weights(const struct router *r, const double *distance, double temperature,
                        size_t top_k, double *log_weight)
{
	size_t k = r->k;
	for (size_t j = 0; j < k; j++)
		log_weight[j] = distance ? -distance[j] / temperature : log(r->share[j]);
	if (top_k == 0 || top_k > k)
		top_k = k;

	/* An expert is kept if fewer than top_k stand before it. k is small: counting beats sorting.
	 * The marks go into the sum's pass, so that log_weight stays whole while we compare. */
	double largest = -INFINITY;
	for (size_t j = 0; j < k; j++)
		largest = log_weight[j] > largest ? log_weight[j] : largest;
	double sum = 0;
	double threshold = -INFINITY; /* exponent of the last expert that is kept */
	size_t last = 0;
	for (size_t j = 0; j < k; j++) {
		size_t before = 0;
		for (size_t i = 0; i < k; i++)
			before += i != j && stands_before(log_weight, i, j);
		if (before < top_k)
			sum += exp(log_weight[j] - largest);
		if (before == top_k - 1) {
			threshold = log_weight[j];
			last = j;
		}
	}
	double norm = largest + log(sum);
	for (size_t j = 0; j < k; j++) {
		bool kept = log_weight[j] > threshold || (log_weight[j] == threshold && j <= last);
		log_weight[j] = kept ? log_weight[j] - norm : -INFINITY;
	}
}

int route_document(const struct router *r, const struct cbtm_embed *embed, void *context,
                   const struct route_text *text, uint64_t every, double *distance, uint8_t *known,
                   struct cbtm_error *e)
{
	float *vector = mem_aligned(r->d, sizeof *vector, "routing vector", e);
	if (!vector || embed->context_reset(context, e))
		goto done;
	for (size_t t = 0; t < text->positions; t++) {
		double *row = distance + t * r->k;
		if (t > 0) {
			uint32_t id = text->ids[t - 1];
			if (embed->context_add(context, text->symbol[id], text->symbol_size[id], e))
				goto done;
		}
		if (t % every == 0) {
			if (embed->context_vector(context, vector, e))
				goto done;
			known[t] = router_distances(r, vector, row);
		} else {
			known[t] = known[t - 1];
			memcpy(row, row - r->k, r->k * sizeof *row);
		}
	}
done:
	free(vector);
	return e->name;
}
