/* SPDX-License-Identifier: MIT */
/*
 * Sums over a row in double, and exponentials of a row: the inner loops of clustering, in vector
 * instructions where there are any (math/simd.h), the same bits in each.
 */
#pragma once
#include <stddef.h>

double row_dot(const float *a, const float *b, size_t d);
double row_distance(const float *a, const float *b, size_t d); /* ||a - b||^2 */
/* sum (d) += weight x (d) */
void row_add(double *sum, const float *x, double weight, size_t d);
/* y_i = exp(x_i) for x_i <= 0, relative error below 1e-14; 0 below -700. y may be x. */
void row_exp(const double *x, double *y, size_t n);
