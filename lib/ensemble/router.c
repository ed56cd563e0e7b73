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

double log_sum_exp(const double *x, size_t n)
{
	double largest = -INFINITY, sum = 0;
	for (size_t i = 0; i < n; i++)
		largest = x[i] > largest ? x[i] : largest;
	if (largest == -INFINITY)
		return -INFINITY;
	for (size_t i = 0; i < n; i++)
		sum += exp(x[i] - largest);
	return largest + log(sum);
}

/* The larger exponent stands before; equal ones: the lower number. */
static bool stands_before(const double *exponent, size_t a, size_t b)
{
	return exponent[a] > exponent[b] || (exponent[a] == exponent[b] && a < b);
}

/* The expert that stands right behind `previous` (k: the first of all). */
static size_t next_expert(const double *exponent, size_t k, size_t previous)
{
	size_t best = k;
	for (size_t j = 0; j < k; j++)
		if ((previous == k || stands_before(exponent, previous, j)) &&
		    (best == k || stands_before(exponent, j, best)))
			best = j;
	return best;
}

void router_log_weights(const struct router *r, const double *distance, double temperature,
                        size_t top_k, double *log_weight)
{
	size_t k = r->k, last = k;
	for (size_t j = 0; j < k; j++)
		log_weight[j] = distance ? -distance[j] / temperature : log(r->share[j]);
	if (top_k == 0 || top_k > k)
		top_k = k;

	if (top_k == k) {
		double norm = log_sum_exp(log_weight, k);
		for (size_t j = 0; j < k; j++)
			log_weight[j] -= norm;
		return;
	}

	/* Few of many: walking down the order beats sorting. */
	double largest = 0, sum = 0;
	for (size_t i = 0; i < top_k; i++) {
		last = next_expert(log_weight, k, last);
		if (i == 0)
			largest = log_weight[last];
		sum += exp(log_weight[last] - largest);
	}
	double threshold = log_weight[last], norm = largest + log(sum);
	for (size_t j = 0; j < k; j++) {
		bool kept = log_weight[j] > threshold || (log_weight[j] == threshold && j <= last);
		log_weight[j] = kept ? log_weight[j] - norm : -INFINITY;
	}
}

int route_document(const struct router *r, struct embed_context *context,
                   const struct route_text *text, uint64_t every, double *distance, uint8_t *known,
                   struct cbtm_error *e)
{
	float *vector = mem_aligned(r->d, sizeof *vector, "routing vector", e);
	if (!vector || embed_context_reset(context, e))
		goto done;
	for (size_t t = 0; t < text->positions; t++) {
		double *row = distance + t * r->k;
		if (t > 0) {
			uint32_t id = text->ids[t - 1];
			if (embed_context_add(context, text->symbol[id], text->symbol_size[id], e))
				goto done;
		}
		if (t % every) {
			known[t] = known[t - 1];
			if (known[t])
				memcpy(row, row - r->k, r->k * sizeof *row);
			continue;
		}
		if (embed_context_vector(context, vector, e))
			goto done;
		known[t] = router_distances(r, vector, row);
		if (known[t] && !isfinite(row[0])) {
			error_set(e, CBTM_ERR_PLUGIN, NULL,
			          "the embedding's vector of a context is not finite");
			goto done;
		}
	}
done:
	free(vector);
	return e->name;
}
