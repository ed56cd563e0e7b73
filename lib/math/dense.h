/* SPDX-License-Identifier: MIT */
/*
 * Dense matrices: row-major floats, sums in double. Work is cut into chunks that depend on shapes
 * alone, products are those of product.h, sums over chunks are taken in order: the same bits for
 * any number of threads. Only what solves small systems calls LAPACK, from one thread at a time.
 */
#pragma once
#include "base/error.h"
#include "base/pool.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Keeps LAPACK to one thread, whatever build of it is installed. Call once, early. */
void dense_start(void);

/* Rows of n, in at most `most` chunks of at least `least` rows: chunk i holds rows
 * [i * size, (i + 1) * size) of n. A function of its arguments alone. */
struct dense_chunks {
	size_t n, size, count;
};
struct dense_chunks dense_chunks(size_t n, size_t least, size_t most);
size_t dense_chunk_start(const struct dense_chunks *c, size_t i); /* i = count: n */

double dense_dot(const float *a, const float *b, size_t d);
double dense_distance(const float *a, const float *b, size_t d); /* ||a - b||^2 */
bool dense_is_zero(const float *x, size_t d);
bool dense_is_finite(const float *x, size_t d);

/* Scales each of n rows (length d) to unit L2 norm; zero rows stay zero and are counted. */
size_t dense_normalise_rows(float *x, size_t n, size_t d);

/* y (n x k) = x (n x d) times the transpose of c (k x d). In the caller's thread. */
void dense_times_transposed(const float *x, size_t n, size_t d, const float *c, size_t k, float *y);

/* gram (m x m, symmetric) = transpose of x (n x m) times x, in double. */
int dense_gram(struct pool *pool, const float *x, size_t n, size_t m, double *gram,
               struct cbtm_error *e);

/* y (n x r) = x (n x m) times b (m x r), both float. y may not overlap x. */
int dense_times(struct pool *pool, const float *x, size_t n, size_t m, const float *b, size_t r,
                float *y, struct cbtm_error *e);

enum { DENSE_LARGEST = 16384 }; /* rows: LAPACK counts its workspace, about 2 m^2, in ints */

/* Eigenvalues (m, ascending) of a symmetric matrix (m x m); its rows become the eigenvectors. */
int dense_eigen(double *a, size_t m, double *value, struct cbtm_error *e);

/* The `top` <= m largest eigenvalues (ascending) of a symmetric matrix (m x m, rows `stride` apart)
 * and their eigenvectors (top x m): by inverse iteration, a third faster than all of them. */
int dense_top(const double *a, size_t m, size_t stride, size_t top, double *value, double *vector,
              struct cbtm_error *e);

/* Solves a y = b for a symmetric positive definite a (m x m, its upper triangle is read, a is
 * overwritten), y into b (m). NOT_FINITE if it is not definite. */
int dense_solve(double *a, size_t m, double *b, struct cbtm_error *e);
