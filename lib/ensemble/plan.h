/* SPDX-License-Identifier: MIT */
/* Which mixtures a system is evaluated under, and which of them valid chooses. */
#pragma once
#include "ensemble/evaluation.h"

struct mixture_plan {
	struct mixture *mixtures; /* 0: the seed; 1..k: the experts; then those that mix (k > 1) */
	size_t n, k;
};

/*
 * Temperatures and top_ks as asked for, in that order, repeated ones once. A top_k of k or more is
 * "all experts" (top_k 0), which is always there and stands last. Free with plan_free, also after an
 * error.
 */
int plan_make(size_t k, const double *temperatures, size_t n_temperatures, const uint64_t *top_ks,
              size_t n_top_ks, struct mixture_plan *plan, struct cbtm_error *e);
void plan_free(struct mixture_plan *plan);

/*
 * Index of the context mixture of this top_k (0 = all) with the smallest loss on valid; SIZE_MAX if
 * there is none. Ties, and an evaluation without valid documents: the earlier temperature.
 */
size_t plan_choose(const struct mixture_plan *plan, const struct evaluation *v, size_t top_k);

/*
 * The system's own answer: the context mixture with the smallest loss on valid; k = 1: its one
 * expert. Ties: the earlier one. Without valid documents: all experts, the first temperature.
 */
size_t plan_answer(const struct mixture_plan *plan, const struct evaluation *v);
