/* SPDX-License-Identifier: MIT */
/* A border of random points with all their costs, for the tests of its solvers. */
#pragma once
#include "math/assign_border.h"

/* n points of weight 1 to `heaviest` (0: documents), k random centres of two dimensions. */
struct sample_border {
	struct cbtm_balance b;
	struct assign_units units;
	struct border border;
	float x[512], centre[64];
	uint64_t weight[256], key[256];
	uint32_t cluster[256];
	double price[32];
};
void sample_border_make(struct sample_border *s, size_t n, size_t k, uint64_t heaviest,
                        uint64_t seed);
