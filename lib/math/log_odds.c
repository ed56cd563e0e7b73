/* SPDX-License-Identifier: MIT */
#include "math/log_odds.h"
#include <math.h>

double log_odds_z(uint64_t y, uint64_t n, uint64_t rest_y, uint64_t rest_n, double prior)
{
	double words = (double)n + (double)rest_n;
	if (y + rest_y == 0 || y + rest_y >= n + rest_n)
		return 0; /* no word, or the only one: there are no odds */
	double a = prior * ((double)y + (double)rest_y) / words;
	double in = (double)y + a, out = (double)rest_y + a;
	double delta = log(in / ((double)n + prior - in)) - log(out / ((double)rest_n + prior - out));
	return delta / sqrt(1 / in + 1 / out);
}
