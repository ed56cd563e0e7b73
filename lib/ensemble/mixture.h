/* SPDX-License-Identifier: MIT */
/*
 * Mixtures of experts' log-probabilities:
 *
 *   p(x_t | x_<t) = sum_j w_j(x_<t) p_j(x_t | x_<t)
 *
 * in log space. The experts' scores are computed once; a mixture costs k operations a token.
 */
#pragma once
#include "ensemble/router.h"

enum mixture_mode {
	MIXTURE_CONTEXT, /* weights by the distance of the context (router.h) */
	MIXTURE_UNIFORM, /* 1 / k */
	MIXTURE_BAYES,   /* running posterior p(j | x_<t), uniform prior (Li et al. 2022) */
	MIXTURE_ORACLE,  /* the cluster of the whole document */
	MIXTURE_EXPERT,  /* one expert for everything: `expert` */
	MIXTURE_MODES
};
extern const char *const mixture_mode_names[MIXTURE_MODES];

struct mixture {
	enum mixture_mode mode;
	double temperature; /* CONTEXT */
	size_t top_k;       /* CONTEXT: 0 = all */
	size_t expert;      /* EXPERT: index into logprob; may lie behind the k that mix (the seed) */
};

/* One document as the mixtures see it; all of it the caller's. */
struct mixture_document {
	size_t positions;            /* scored tokens, the EOD included */
	const float *const *logprob; /* a pointer an expert to `positions` natural logarithms */
	const double *distance;      /* positions x k; NULL if nothing routes (k = 1) */
	const uint8_t *known;        /* positions */
	size_t cluster;              /* of the whole document */
};

/* out (positions): log p(x_t | x_<t) of the mixture. scratch: 2 k doubles. k from the router. */
void mixture_log_probability(const struct router *r, const struct mixture *m,
                             const struct mixture_document *document, double *scratch, double *out);
