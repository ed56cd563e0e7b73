/* SPDX-License-Identifier: MIT */
/* Truncated randomized singular value decomposition of a sparse matrix. */
#pragma once
#include "base/pool.h"
#include <cbtm/host.h>

#define SVD_OVERSAMPLING                                                                           \
	10                   /* directions beyond 2 d: spectra of text are flat, so that fewer blur */
#define SVD_ITERATIONS 7 /* power iterations: scikit-learn's own choice for few components */

/*
 * a (rows x columns) is about u diag(s) v': v (columns x d, row-major) holds the first d right
 * singular vectors, s (d) the singular values, falling. Halko, Martinsson and Tropp 2011,
 * algorithms 4.4 and 5.1, started from Gaussian numbers keyed by row. The entry of largest size of
 * each vector is positive. Beyond the rank (or min(rows, columns)), s and v are zero. No centring.
 */
int svd_truncated(struct pool *pool, const struct cbtm_sparse *a, size_t d, uint64_t seed, float *v,
                  double *s, struct cbtm_error *e);
