/* SPDX-License-Identifier: MIT */
/*
 * Prices that nearly balance the border: Newton's method on the smoothed dual
 *   g_tau(p) = sum_i w_i softmin_tau (v_ij + p_j) + sum_j (base_j - Q) p_j,
 * its gradient the loads minus Q, its Hessian -1/tau sum_i w_i (diag P_i - P_i P_i').
 */
#pragma once
#include "math/assign_border.h"
#include <stdbool.h>

/*
 * Moves price (k) towards balance: tau falls from `hot` by the factor `cool`, at most three steps
 * each, until it passes `cold` or the load above `capacity` (k) of the points' cheapest clusters is
 * at most `enough`, or a colder level places hardly any more of it. While tau > `sinkhorn`, plain
 * scaling steps p += tau ln(load / capacity) (Cuturi 2013): there Newton is all Hessian and no gain.
 *
 * The border is the whole truth only while prices move by no more than the half windows that it was
 * made with; beyond them the dual of the border may have no bound. So no price moves by more than
 * 0.9 of `half` (k; NULL: no limit); where that holds one back, and more than `bearable` load lies
 * above capacity, the work ends, and *cut says so.
 */
struct price_plan {
	double hot, cold, cool, sinkhorn, enough, bearable;
	const double *capacity, *half;
};
int assign_prices(struct pool *pool, const struct border *b, size_t k,
                  const struct price_plan *plan, double *price, bool *cut, struct cbtm_error *e);
/* The largest minus the least of price - start (k each); start NULL: zeros. */
double price_range(const double *price, const double *start, size_t k);
/* The standard deviation of price - start (k each). */
double price_deviation(const double *price, const double *start, size_t k);
/* Whether |price_j - start_j - c| <= share * half_j for one c: adding c to all prices moves nothing. */
bool prices_within(const double *price, const double *start, const double *half, double share,
                   size_t k);
