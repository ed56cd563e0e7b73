/* SPDX-License-Identifier: MIT */
/*
 * Prices that nearly balance the border: Newton's method on the smoothed dual
 *   g_tau(p) = sum_i w_i softmin_tau (v_ij + p_j) + sum_j (base_j - Q) p_j,
 * its gradient the loads minus Q, its Hessian -1/tau sum_i w_i (diag P_i - P_i P_i').
 */
#pragma once
#include "math/assign_border.h"

/*
 * Moves price (k) towards balance: tau falls from `hot` by the factor `cool`, at most three steps
 * each, until it passes `cold` or the load above `capacity` of the points' cheapest clusters is at
 * most `enough`. While tau > `sinkhorn`, plain scaling steps p += tau ln(load / capacity) (Cuturi
 * 2013): there Newton is all Hessian and no gain.
 */
struct price_plan {
	double hot, cold, cool, sinkhorn, enough, capacity;
};
int assign_prices(const struct border *b, size_t k, const struct price_plan *plan, double *price,
                  struct cbtm_error *e);
