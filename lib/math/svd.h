/* SPDX-License-Identifier: MIT */
/* Truncated singular value decomposition of a sparse matrix. */
#pragma once
#include "base/pool.h"
#include <cbtm/host.h>

/*
 * The residual |a a' u - s^2 u| that each of the d directions may have, as a share of s^2. Measured
 * on tf-idf of 568 to 10 208 documents against ARPACK (doc/performance.md): distances between
 * documents then differ by 2e-5 to 1.1e-4 in the median for 100 dimensions, at most 3e-4 for 7. Spectra of
 * text are flat: scikit-learn's five power iterations leave 1e-2.
 */
#define SVD_RESIDUAL 5e-3

/*
 * a (rows x columns) is about u diag(s) v': v (columns x d, row-major) holds the first d right
 * singular vectors, s (d) the singular values, falling. No centring. The entry of largest size of
 * each vector is positive (the first of equals). Beyond the rank (or min(rows, columns)), s and v
 * are zero; singular values below 1e-5 of the largest count as zero.
 *
 * Block Lanczos with full orthogonalisation on the smaller side (Golub and Van Loan, 4th edition,
 * section 10.3; Musco and Musco 2015, algorithm 2), started from Gaussian numbers, until
 * SVD_RESIDUAL is met or SVD_ROOM(d) directions are spanned: a step multiplies PANEL columns by a'
 * and a, where a power iteration multiplies more than d, and is worth more. Memory beside a and v:
 * a's entries twice (sparse_core.h), and 4 bytes for each direction (about 4 d of them, and d) and
 * element of the smaller side.
 */
#define SVD_ROOM(d) (8 * (d) + 160)
int svd_truncated(struct pool *pool, const struct cbtm_sparse *a, size_t d, uint64_t seed, float *v,
                  double *s, struct cbtm_error *e);
