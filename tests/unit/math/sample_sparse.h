/* SPDX-License-Identifier: MIT */
/* A sparse matrix of random entries for tests, and the same one dense. */
#pragma once
#include "math/sparse.h"

/* rows x columns with about `share` of the entries; rank at most `rank` if it is not 0 (then no
 * entry is zero). Free sparse with sparse_free, dense (rows x columns) with free. */
void sample_sparse(size_t rows, size_t columns, double share, size_t rank, uint64_t seed,
                   struct sparse_owned *sparse, double **dense);
