/* SPDX-License-Identifier: MIT */
#include "ensemble/mixture.h"
#include <math.h>

const char *const mixture_mode_names[MIXTURE_MODES] = { "context", "uniform", "bayes", "oracle",
	                                                    "expert" };

/* Fills log_weight (k) for position t of the modes that mix. evidence (k): the sums of
 * log p_j(x_s) over s < t. */
static void log_weights(const struct router *r, const struct mixture *m,
                        const struct mixture_document *document, size_t t, const double *evidence,
                        double *log_weight)
{
	size_t k = r->k;
	switch (m->mode) {
	case MIXTURE_CONTEXT:
		router_log_weights(r, document->known[t] ? document->distance + t * k : NULL,
		                   m->temperature, m->top_k, log_weight);
		return;
	case MIXTURE_BAYES: {
		double norm = log_sum_exp(evidence, k);
		for (size_t j = 0; j < k; j++)
			log_weight[j] = evidence[j] - norm;
		return;
	}
	default:
		for (size_t j = 0; j < k; j++)
			log_weight[j] = -log((double)k);
	}
}

void mixture_log_probability(const struct router *r, const struct mixture *m,
                             const struct mixture_document *document, double *scratch, double *out)
{
	size_t k = r->k;
	double *term = scratch, *evidence = scratch + k;
	if (m->mode == MIXTURE_ORACLE || m->mode == MIXTURE_EXPERT) {
		const float *one =
			document->logprob[m->mode == MIXTURE_ORACLE ? document->cluster : m->expert];
		for (size_t t = 0; t < document->positions; t++)
			out[t] = one[t];
		return;
	}
	for (size_t j = 0; j < k; j++)
		evidence[j] = 0;
	for (size_t t = 0; t < document->positions; t++) {
		log_weights(r, m, document, t, evidence, term);
		for (size_t j = 0; j < k; j++) {
			double p = document->logprob[j][t];
			evidence[j] += p;
			term[j] += p;
		}
		out[t] = log_sum_exp(term, k);
	}
}
