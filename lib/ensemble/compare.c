/* SPDX-License-Identifier: MIT */
#include "ensemble/compare.h"
#include "base/memory.h"
#include "base/random.h"
#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int compare_paired(const double *nll_a, const double *nll_b, const uint64_t *tokens, size_t n,
                   size_t resamples, struct comparison *c, struct cbtm_error *e)
{
	double difference = 0, total = 0;
	for (size_t i = 0; i < n; i++) {
		difference += nll_a[i] - nll_b[i];
		total += (double)tokens[i];
	}
	if (total == 0)
		return error_set(e, CBTM_ERR_BAD_DATA, NULL, "no test documents to compare");
	double *sample = mem_zeroed(resamples, sizeof *sample, "bootstrap", e);
	if (!sample)
		return e->name;

	struct random_key key = random_key(1, RANDOM_SAMPLE);
	for (size_t b = 0; b < resamples; b++) {
		double d = 0, t = 0;
		for (size_t i = 0; i < n; i++) {
			size_t pick = (size_t)random_below(key, b, (uint32_t)i, n);
			d += nll_a[pick] - nll_b[pick];
			t += (double)tokens[pick];
		}
		sample[b] = t > 0 ? d / t : 0;
	}
	qsort(sample, resamples, sizeof *sample, ascending);
	*c = (struct comparison){ exp(difference / total), exp(sample[resamples / 40]),
		                      exp(sample[resamples - 1 - resamples / 40]), n };
	free(sample);
	return 0;
}
