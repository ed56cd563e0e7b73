/* SPDX-License-Identifier: MIT */
#include "ensemble/plan.h"
#include "base/memory.h"
#include <stdlib.h>

static bool is_there(const struct mixture_plan *plan, double temperature, size_t top_k)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct mixture *m = plan->mixtures + i;
		if (m->mode == MIXTURE_CONTEXT && m->temperature == temperature && m->top_k == top_k)
			return true;
	}
	return false;
}

int plan_make(size_t k, const double *temperatures, size_t n_temperatures, const uint64_t *top_ks,
              size_t n_top_ks, struct mixture_plan *plan, struct cbtm_error *e)
{
	*plan = (struct mixture_plan){ .k = k };
	size_t most;
	if (!size_add(n_top_ks, 1, &most) || !size_mul(most, n_temperatures, &most) ||
	    !size_add(most, k, &most) || !size_add(most, 4, &most))
		return error_set(e, CBTM_ERR_MEMORY, NULL, "too many temperatures and top_k");
	struct mixture *m = mem_zeroed(most, sizeof *m, "mixtures", e);
	if (!m)
		return e->name;
	plan->mixtures = m;
	m[plan->n++] = (struct mixture){ .mode = MIXTURE_EXPERT, .expert = k };
	for (size_t j = 0; j < k; j++)
		m[plan->n++] = (struct mixture){ .mode = MIXTURE_EXPERT, .expert = j };
	if (k == 1)
		return 0;
	m[plan->n++] = (struct mixture){ .mode = MIXTURE_UNIFORM };
	m[plan->n++] = (struct mixture){ .mode = MIXTURE_BAYES };
	m[plan->n++] = (struct mixture){ .mode = MIXTURE_ORACLE };
	for (size_t i = 0; i <= n_top_ks; i++) {
		size_t top_k = i < n_top_ks ? top_ks[i] : 0; /* the last round: all */
		if (i < n_top_ks && (top_k == 0 || top_k >= k))
			continue;
		for (size_t t = 0; t < n_temperatures; t++)
			if (!is_there(plan, temperatures[t], top_k))
				m[plan->n++] = (struct mixture){ MIXTURE_CONTEXT, temperatures[t], top_k, 0 };
	}
	return 0;
}

void plan_free(struct mixture_plan *plan)
{
	free(plan->mixtures);
	*plan = (struct mixture_plan){ 0 };
}

/* The context mixture with the smallest loss on valid, of one top_k or (any) of all. */
static size_t best_on_valid(const struct mixture_plan *plan, const struct evaluation *v, bool any,
                            size_t top_k)
{
	size_t best = SIZE_MAX;
	double least = 0;
	for (size_t i = 0; i < plan->n; i++) {
		const struct mixture *m = plan->mixtures + i;
		if (m->mode != MIXTURE_CONTEXT || (!any && m->top_k != top_k))
			continue;
		double nll = evaluation_total(v, i, SPLIT_VALID, UINT32_MAX).nll;
		if (best == SIZE_MAX || nll < least) {
			best = i;
			least = nll;
		}
	}
	return best;
}

size_t plan_choose(const struct mixture_plan *plan, const struct evaluation *v, size_t top_k)
{
	return best_on_valid(plan, v, false, top_k);
}

size_t plan_answer(const struct mixture_plan *plan, const struct evaluation *v)
{
	if (plan->k == 1)
		return 1;
	bool blind = evaluation_total(v, 0, SPLIT_VALID, UINT32_MAX).tokens == 0;
	return best_on_valid(plan, v, !blind, 0);
}
